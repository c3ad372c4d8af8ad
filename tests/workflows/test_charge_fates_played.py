"""The declined and prepared rows of the table of fates, played in virtual time and rebuilt."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from domain.payments.charge_fates import Fate, Happened, fate
from domain.payments.charges import ChargeKind
from domain.subscription import Step
from tests.fleet import SECOND, Customer, RunningFleet
from tests.workflows.test_rebuilding import lose, rebuild

DAY = timedelta(days=1)
FEBRUARY = datetime(2027, 2, 1, tzinfo=UTC)
MARCH = datetime(2027, 3, 1, tzinfo=UTC)
NOTE = {"reason": "under review", "by": "ada"}
AUTO, PERIOD = ChargeKind.AUTO, ChargeKind.PERIOD


async def declined_auto(fleet: RunningFleet) -> Customer:
    """Return a customer whose auto-purchase was declined in January."""
    customer = await fleet.subscribe("core_10k", auto=True)
    customer.fault("decline", code="stolen_card")
    await customer.report(["10000"])
    return customer


async def declined_period(fleet: RunningFleet) -> Customer:
    """Return a customer whose renewal of February was declined for good."""
    customer = await fleet.subscribe("core_10k", auto=True)
    customer.fault("decline", code="stolen_card")
    await customer.pass_until(FEBRUARY + SECOND)
    return customer


async def prepared_period(fleet: RunningFleet) -> Customer:
    """Return a customer whose renewal of February is prepared."""
    customer = await fleet.subscribe("core_10k", auto=True)
    await customer.pass_until(FEBRUARY - 5 * SECOND)
    return customer


ARRANGED = {
    (AUTO, Step.DECLINED): declined_auto,
    (PERIOD, Step.DECLINED): declined_period,
    (PERIOD, Step.PREPARED): prepared_period,
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


ACTS: dict[Happened, Callable[[Customer], Awaitable[None]]] = {
    Happened.SWITCHED_OFF: switched_off,
    Happened.ENDING: ending,
    Happened.CARD_SIGN: card,
    Happened.PAUSED: paused,
    Happened.RESUMED: resumed,
    Happened.OUTAGE: outage,
    Happened.REBUILT: nothing,
}
CELLS = [
    *((AUTO, Step.DECLINED, happened, act) for happened, act in ACTS.items()),
    (AUTO, Step.DECLINED, Happened.WINDOW_OVER, window_over),
    *((PERIOD, Step.DECLINED, happened, act) for happened, act in ACTS.items()),
    (PERIOD, Step.DECLINED, Happened.PERIOD_OVER, period_over),
    # What would be paid at its time within the day is none of these cells.
    *(
        (PERIOD, Step.PREPARED, happened, ACTS[happened])
        for happened in (Happened.SWITCHED_OFF, Happened.ENDING, Happened.PAUSED, Happened.REBUILT)
    ),
]
STATES = {Fate.KEPT: "open", Fate.HELD: "open", Fate.RETRIED: "paid", Fate.VOID: "void"}


async def play(
    fleet: RunningFleet,
    cell: tuple[ChargeKind, Step, Happened, Callable[[Customer], Awaitable[None]]],
    *,
    rebuilt: bool,
) -> None:
    """Bring a charge to its step, let the thing happen, and compare with the table."""
    kind, step, happened, act = cell
    customer = await ARRANGED[kind, step](fleet)
    query = (
        "SELECT charge_id FROM charges WHERE account_id = %s"
        f" AND kind = '{kind.value}' ORDER BY opened_at DESC LIMIT 1"
    )
    ((charge_id,),) = customer.rows(query)
    before = customer.attempts()
    if rebuilt:
        customer = await rebuild(customer, await lose(customer))
        await customer.life.settle()
    await act(customer)
    await customer.life.settle()

    wanted = fate(kind, step, happened)
    # On a slow machine its time has come meanwhile: what is kept is paid then.
    at_its_time = step is Step.PREPARED and await customer.life.now() >= FEBRUARY
    state = "paid" if wanted is Fate.KEPT and at_its_time else STATES[wanted]
    query = f"SELECT state FROM charges WHERE account_id = %s AND charge_id = '{charge_id}'"
    assert customer.rows(query) == [(state,)], (cell, rebuilt)
    tries = customer.attempts() - before
    expected = int(state == "paid")
    assert tries == expected or happened in OVER, (cell, rebuilt, tries)
    customer.check()


OVER = (Happened.WINDOW_OVER, Happened.PERIOD_OVER)  # the next renewal may be due then


@pytest.mark.parametrize("rebuilt", [False, True])
async def test_the_table_is_what_happens(fleet: RunningFleet, *, rebuilt: bool) -> None:
    for k in range(0, len(CELLS), 5):
        await asyncio.gather(*(play(fleet, cell, rebuilt=rebuilt) for cell in CELLS[k : k + 5]))
