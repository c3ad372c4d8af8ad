"""Every mail of random histories, read as people get it, says what the ledger says.

A history is a shuffled list of what may happen; its seed is in the name of the test.
"""

import os
from random import Random
from typing import get_args
from uuid import uuid4

import pytest

from domain.mails.envelope import Mail
from tests.fleet import RunningFleet
from tests.truth import lives
from tests.truth.checkers import CHECKERS

pytestmark = pytest.mark.long

# One number for all processes of a run: each must collect the same tests.
RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid4().hex
SEEDS = (1, int(RUN, 16) % 10**6)


def luck_of(seed: int) -> Random:
    """Return what decides a history."""
    return Random(seed)  # noqa: S311 - a test's luck, no secret


def shuffled(luck: Random, *groups: tuple[lives.Step, ...]) -> list[lives.Step]:
    """Return the steps of every group in a random order; a group's own order stays."""
    turns = [index for index, group in enumerate(groups) for _ in group]
    luck.shuffle(turns)
    waiting = [list(group) for group in groups]
    return [waiting[turn].pop(0) for turn in turns]


@pytest.mark.parametrize("seed", SEEDS)
async def test_every_mail_of_a_buyer_is_true(fleet: RunningFleet, seed: int) -> None:
    luck = luck_of(seed)
    life = await lives.begin(
        fleet=fleet, luck=luck, plan="core_10k", catalog="make", action="operation"
    )
    steps = shuffled(
        luck,
        (lives.use_some, lives.use_some),
        (lives.buy, lives.refund),
        (lives.buy, lives.lose_a_dispute),
        (lives.pause_and_resume,),
        (lives.mail_invoice, lives.some_days),
        (lives.a_fault_of_ours, lives.money_on_its_way),
    )
    await life.live(*steps, lives.auto_on, lives.use_to_the_cap, lives.upgrade, lives.downgrade,
                    lives.next_period, lives.bad_card, lives.decline_a_purchase, lives.good_card,
                    lives.cancel, lives.uncancel, lives.cancel)  # fmt: skip

    assert {"welcome", "receipt", "refunded", "disputed", "paused", "resumed", "cap_reached",
            "plan_changed", "downgrade_scheduled", "payment_failed", "canceled",
            "uncanceled", "invoice_copy", "looked_into",
            "on_its_way"} <= set(life.kinds)  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
async def test_every_mail_of_a_team_with_packs_is_true(fleet: RunningFleet, seed: int) -> None:
    luck = luck_of(seed)
    life = await lives.begin(
        fleet=fleet, luck=luck, plan="starter", catalog="salestools", action="ai_email"
    )
    steps = shuffled(
        luck,
        (lives.use_some, lives.some_days),
        (lives.buy_pack,),
        (lives.ask_admins,),
        (lives.pause_and_resume,),
    )
    await life.live(*steps, lives.use_all, lives.buy_pack, lives.next_period, lives.bad_card,
                    lives.next_period, lives.wait_out_dunning)  # fmt: skip

    assert {"welcome", "receipt", "low_balance", "approval_asked", "approval_decided",
            "payment_failed", "canceled"} <= set(life.kinds)  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
async def test_every_mail_of_a_trial_is_true(fleet: RunningFleet, seed: int) -> None:
    luck = luck_of(seed)
    life = await lives.begin(
        fleet=fleet, luck=luck, plan="tried", catalog="clocks", action="operation"
    )
    ends = (lives.cancel,) if luck.random() < 0.5 else (lives.next_period, lives.cancel_now)
    await life.live(lives.use_some, *ends)

    assert {"welcome", "canceled"} <= set(life.kinds)


@pytest.mark.parametrize("seed", SEEDS)
async def test_every_mail_about_credits_that_expire_is_true(fleet: RunningFleet, seed: int) -> None:
    luck = luck_of(seed)
    life = await lives.begin(
        fleet=fleet, luck=luck, plan="growth", catalog="schematic", action="export"
    )
    await life.live(*shuffled(luck, (lives.give_bonus, lives.give_bonus), (lives.use_some,)),
                    lives.week_before_the_end)  # fmt: skip

    assert "credits_expiring" in life.kinds


@pytest.mark.parametrize("seed", SEEDS)
async def test_every_mail_about_an_invoice_is_true(fleet: RunningFleet, seed: int) -> None:
    luck = luck_of(seed)
    life = await lives.begin(
        fleet=fleet, luck=luck, plan="enterprise_yearly", catalog="salestools", action="ai_email"
    )
    steps = shuffled(
        luck, (lives.a_part_of_the_invoice,), (lives.a_week_before_its_day, lives.after_its_day)
    )
    paid = luck.random() < 0.5
    unpaid = (lives.after_its_grace, lives.cancel_now)
    ends = (lives.the_rest_of_the_invoice, lives.use_some) if paid else unpaid
    await life.live(*steps, *ends)

    assert life.kinds.count("invoice_due") == (3 if paid else 5)
    assert set(life.kinds) - {"invoice_due"} == ({"welcome", "receipt"} if paid else set())


def test_no_kind_of_mail_is_left_unread() -> None:
    kinds = {mail.__dataclass_fields__["kind"].default for mail in get_args(Mail)}

    # Of no customer, and without figures: tests of webhooks and api/test_mailed.py read them.
    assert set(CHECKERS) | {"endpoint_off", "fresh_link"} == kinds
