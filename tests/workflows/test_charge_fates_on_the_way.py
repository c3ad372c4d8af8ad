"""The table of fates for money that is on its way, played in virtual time; what is not says why."""

import asyncio
from itertools import product

import pytest

from domain.payments.charge_fates import STEPS, Happened, fate
from domain.payments.charges import ChargeKind
from domain.subscription import Step
from tests.fleet import Customer, RunningFleet
from tests.workflows import test_charge_fates_played as played

ACTS = played.ACTS | {
    Happened.WINDOW_OVER: played.window_over,
    Happened.PERIOD_OVER: played.window_over,
}
KINDS = (ChargeKind.UPGRADE,)
OVER = (Happened.WINDOW_OVER, Happened.PERIOD_OVER)  # the next renewal may be due then
AT_ONCE = "it is paid as soon as it is prepared: nothing happens in between"
BY_ITS_STATE = "asked of the state only: tests of the domain"
PAID = "it waits for nothing but a window: played in tests of windows and of packs"
NOT_PLAYED = {
    **{(kind, Step.PAID): PAID for kind in ChargeKind},
    **{(kind, Step.PREPARED): AT_ONCE for kind in ChargeKind if kind is not ChargeKind.PERIOD},
    (ChargeKind.AUTO, Step.PROCESSING): BY_ITS_STATE,
    (ChargeKind.PERIOD, Step.PROCESSING): BY_ITS_STATE,
    (ChargeKind.MANUAL, Step.PROCESSING): BY_ITS_STATE,
    (ChargeKind.PACK, Step.PROCESSING): BY_ITS_STATE,
    (ChargeKind.UPGRADE, Step.DECLINED): BY_ITS_STATE,
    (ChargeKind.MANUAL, Step.DECLINED): BY_ITS_STATE,
    (ChargeKind.PACK, Step.DECLINED): BY_ITS_STATE,
}


async def on_its_way(fleet: RunningFleet, kind: ChargeKind) -> Customer:
    """Return a customer whose charge is on its way."""
    customer = await fleet.subscribe("core_10k", auto=True)
    customer.fault("later")
    assert kind is ChargeKind.UPGRADE
    assert (await customer.change_plan("core_40k"))["status"] == "processing"
    return customer


async def play(fleet: RunningFleet, kind: ChargeKind, happened: Happened) -> None:
    """Let a thing happen to a charge, which stays as the table says."""
    customer = await on_its_way(fleet, kind)
    before = customer.attempts()
    await ACTS[happened](customer)
    await customer.life.settle()

    assert fate(kind, Step.PROCESSING, happened) == "kept"
    query = (
        "SELECT state FROM charges WHERE account_id = %s AND state = 'processing'"
        f" AND kind = '{kind.value}'"
    )
    assert customer.rows(query) == [("processing",)], happened
    assert customer.attempts() == before or happened in OVER, happened
    customer.check()


@pytest.mark.parametrize("kind", KINDS)
async def test_money_on_its_way_is_neither_tried_nor_given_up(
    fleet: RunningFleet, kind: ChargeKind
) -> None:
    await asyncio.gather(*(play(fleet, kind, happened) for happened in ACTS))


def test_a_row_is_played_or_says_why_not() -> None:
    rows = {(kind, Step.PROCESSING) for kind in KINDS} | {cell[:2] for cell in played.CELLS}
    assert rows.isdisjoint(NOT_PLAYED)
    assert rows | NOT_PLAYED.keys() == set(product(ChargeKind, STEPS))
