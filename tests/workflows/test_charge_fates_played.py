"""The table of fates, played cell by cell in virtual time and rebuilt; each omission says why."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from domain.payments.charge_fates import ASKED_FOR, ROWS, Fate, Happened, fate
from domain.payments.charges import ChargeKind
from domain.subscription import Step
from tests.fleet import SECOND, Customer, RunningFleet
from tests.workflows.test_rebuilding import lose, rebuild

Act = Callable[[Customer], Awaitable[None]]
Cell = tuple[ChargeKind, Step, Happened]
DAY = timedelta(days=1)
LATE_JANUARY = datetime(2027, 1, 30, tzinfo=UTC)
FEBRUARY = datetime(2027, 2, 1, tzinfo=UTC)
MARCH = datetime(2027, 3, 1, tzinfo=UTC)
NOTE = {"reason": "under review", "by": "ada"}
AUTO, PERIOD, UPGRADE = ChargeKind.AUTO, ChargeKind.PERIOD, ChargeKind.UPGRADE
MANUAL, PACK = ChargeKind.MANUAL, ChargeKind.PACK


async def subscribed(fleet: RunningFleet, kind: ChargeKind) -> Customer:
    """Return a customer who may have a charge of a kind."""
    if kind is PACK:
        return await fleet.subscribe("starter", catalog="salestools")
    return await fleet.subscribe("core_10k", auto=True)


async def declined_auto(customer: Customer) -> None:
    """Decline an auto-purchase."""
    customer.fault("decline", code="stolen_card")
    await customer.report(["10000"])


async def declined_period(customer: Customer) -> None:
    """Decline the renewal of February for good."""
    customer.fault("decline", code="stolen_card")
    await customer.pass_until(FEBRUARY + SECOND)


async def prepared_period(customer: Customer) -> None:
    """Prepare the renewal of February."""
    await customer.pass_until(FEBRUARY - 5 * SECOND)


async def processing_period(customer: Customer) -> None:
    """Set the money of February's renewal on its way."""
    customer.fault("later")
    await customer.pass_until(FEBRUARY + SECOND)


async def processing_auto(customer: Customer) -> None:
    """Set the money of an auto-purchase on its way."""
    customer.fault("later")
    await customer.report(["10000"])


async def ask_for(customer: Customer, kind: ChargeKind, key: str) -> str:
    """Make a purchase that a customer pays at once; return the answer."""
    if kind is UPGRADE:
        answer = await customer.change_plan("core_40k")
    elif kind is PACK:
        answer = await customer.life.ask("buy_pack", {"key": key, "pack": "pack_500"})
    else:
        answer = await customer.buy("1000", key)
    return str(answer["status"])


def asked(kind: ChargeKind, fault: str, comes_to: str) -> Act:
    """Return the setup of a customer whose request has this outcome."""

    async def arranged(customer: Customer) -> None:
        customer.fault(fault)
        assert await ask_for(customer, kind, "wish") == comes_to

    return arranged


ARRANGED: dict[tuple[ChargeKind, Step], Act] = {
    (AUTO, Step.DECLINED): declined_auto,
    (AUTO, Step.PROCESSING): processing_auto,
    (PERIOD, Step.DECLINED): declined_period,
    (PERIOD, Step.PREPARED): prepared_period,
    (PERIOD, Step.PROCESSING): processing_period,
    **{(kind, Step.DECLINED): asked(kind, "decline", "declined") for kind in ASKED_FOR},
    **{(kind, Step.PROCESSING): asked(kind, "later", "processing") for kind in ASKED_FOR},
}


async def switched_off(customer: Customer) -> None:
    await customer.switch(on=False)


async def ending(customer: Customer) -> None:
    await customer.cancel()


async def card(customer: Customer) -> None:
    await customer.life.ask("retry_payment", {"key": "again"})


async def paused(customer: Customer) -> None:
    await customer.life.ask("pause", NOTE)


async def resumed(customer: Customer) -> None:
    await customer.life.ask("pause", NOTE)
    await customer.life.settle()
    await customer.life.ask("resume", NOTE)


async def outage(customer: Customer) -> None:
    await customer.pass_until(await customer.life.now() + DAY)


async def window_over(customer: Customer) -> None:
    await customer.pass_until(FEBRUARY + SECOND)


async def period_over(customer: Customer) -> None:
    await customer.pass_until(MARCH + SECOND)


async def nothing(_customer: Customer) -> None:
    """Nothing happens but the rebuilding."""


async def new_card(customer: Customer) -> None:
    await customer.update_card()


async def plan_left(customer: Customer) -> None:
    packs = (await customer.life.status())["plan"] == "starter"
    answer = await customer.change_plan("professional" if packs else "core_40k")
    assert answer["status"] == "changed", answer


async def other_declined(customer: Customer) -> None:
    packs = (await customer.life.status())["plan"] == "starter"
    customer.fault("decline")
    assert await ask_for(customer, PACK if packs else MANUAL, "another") == "declined"


ACTS: dict[Happened, Act] = {
    Happened.SWITCHED_OFF: switched_off,
    Happened.WINDOW_OVER: window_over,
    Happened.PERIOD_OVER: window_over,
    Happened.PLAN_LEFT: plan_left,
    Happened.ENDING: ending,
    Happened.OTHER_DECLINED: other_declined,
    Happened.CARD_SIGN: new_card,
    Happened.PAUSED: paused,
    Happened.RESUMED: resumed,
    Happened.OUTAGE: outage,
    Happened.REBUILT: nothing,
}
BEFORE_ITS_TIME = (Happened.SWITCHED_OFF, Happened.ENDING, Happened.PAUSED, Happened.REBUILT)
PAID_ELSEWHERE = "what is paid waits only for a window: played in tests of windows and of packs"
SENT_ELSEWHERE = "what is sent has a plan of its own: played in stories of invoices, also for packs"
AT_ONCE = "it is paid as soon as it is prepared: nothing happens in between"
IN_THE_MONTH = "the window of a month is its period, and its charge is of the next"
AT_ITS_TIME = "it would be paid at its time within the day"
PAUSED_BY_IT = "the decline pauses the customer, who can change or buy nothing meanwhile"
LEAVES = "an upgrade is what leaves a plan"
RENEWAL_FIRST = "nothing is changed or bought before the renewal is paid"


def not_played(kind: ChargeKind, step: Step, happened: Happened) -> str:
    """Return why a cell is not played, or ""."""
    both = happened in (Happened.PLAN_LEFT, Happened.OTHER_DECLINED)  # needs another charge
    prepared_period = (kind, step) == (PERIOD, Step.PREPARED)
    reasons = {
        SENT_ELSEWHERE: step is Step.SENT,
        PAID_ELSEWHERE: step is Step.PAID,
        AT_ONCE: step is Step.PREPARED and kind is not PERIOD,
        AT_ITS_TIME: prepared_period and happened not in BEFORE_ITS_TIME,
        IN_THE_MONTH: kind is PERIOD and happened is Happened.WINDOW_OVER,
        RENEWAL_FIRST: kind is PERIOD and both,
        PAUSED_BY_IT: (kind, step) == (AUTO, Step.DECLINED) and both,
        LEAVES: kind is UPGRADE and happened is Happened.PLAN_LEFT,
    }
    return next((why for why, is_so in reasons.items() if is_so), "")


def act_of(kind: ChargeKind, step: Step, happened: Happened) -> Act:
    """Return what lets a thing happen to a charge."""
    if happened is Happened.CARD_SIGN and step is Step.DECLINED and kind in (AUTO, PERIOD):
        return card
    if happened is Happened.PERIOD_OVER and kind is PERIOD:
        return period_over
    return ACTS[happened]


def played_as(kind: ChargeKind, step: Step, happened: Happened) -> Cell:
    """Return the cell that is played for a cell: the window of a month ends with its period."""
    both = kind is not PERIOD and happened is Happened.PERIOD_OVER
    return (kind, step, Happened.WINDOW_OVER if both else happened)


EVERY: list[Cell] = [(*row, happened) for row, happened in product(ROWS, Happened)]
CELLS: list[Cell] = [cell for cell in EVERY if not not_played(*cell)]
PLAYED = list(dict.fromkeys((kind, step) for kind, step, _ in CELLS))
STATES = {Fate.HELD: "open", Fate.RETRIED: "paid", Fate.VOID: "void"}


async def play(fleet: RunningFleet, cell: Cell, *, rebuilt: bool) -> None:
    """Bring a charge to its step, let the thing happen, and compare with the table."""
    kind, step, happened = cell
    customer = await subscribed(fleet, kind)
    if step is Step.PROCESSING and kind is not PERIOD and happened in OVER:
        # Money on its way is looked for each day: a month of that is no other cell.
        await customer.pass_until(LATE_JANUARY)
    await ARRANGED[kind, step](customer)
    query = (
        "SELECT charge_id FROM charges WHERE account_id = %s"
        f" AND kind = '{kind.value}' ORDER BY opened_at DESC LIMIT 1"
    )
    ((charge_id,),) = customer.rows(query)
    before = customer.attempts()
    if rebuilt:
        customer = await rebuild(customer, await lose(customer))
        await customer.life.settle()
    await act_of(*cell)(customer)
    await customer.life.settle()

    (wanted,) = {fate(*one) for one in CELLS if played_as(*one) == cell}
    # On a slow machine its time has come meanwhile: what is kept is paid then.
    at_its_time = step is Step.PREPARED and await customer.life.now() >= FEBRUARY
    kept = "processing" if step is Step.PROCESSING else "paid" if at_its_time else "open"
    state = kept if wanted is Fate.KEPT else STATES[wanted]
    query = f"SELECT state FROM charges WHERE account_id = %s AND charge_id = '{charge_id}'"
    assert customer.rows(query) == [(state,)], (cell, rebuilt)
    tries = customer.attempts() - before
    expected = int(state == "paid") + (happened in TRIED_TOO)
    assert tries == expected or happened in OVER, (cell, rebuilt, tries)
    customer.check()


OVER = (Happened.WINDOW_OVER, Happened.PERIOD_OVER)  # the next renewal may be due then
TRIED_TOO = (Happened.PLAN_LEFT, Happened.OTHER_DECLINED)  # another charge is tried


@pytest.mark.long
@pytest.mark.parametrize("rebuilt", [False, True])
@pytest.mark.parametrize(("kind", "step"), PLAYED)
async def test_the_table_is_what_happens(
    fleet: RunningFleet, kind: ChargeKind, step: Step, *, rebuilt: bool
) -> None:
    row = dict.fromkeys(played_as(*cell) for cell in CELLS if cell[:2] == (kind, step))
    await asyncio.gather(*(play(fleet, cell, rebuilt=rebuilt) for cell in row))


def test_a_cell_is_played_or_says_why_not() -> None:
    assert {(kind, step) for kind, step, _ in CELLS} == ARRANGED.keys()
    assert len(CELLS) == 104
