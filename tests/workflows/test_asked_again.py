"""A repeat after `pending` with the same key: its answer is not stored as a refusal."""

import asyncio
from datetime import UTC, datetime, timedelta

from tests.fleet import SECOND, Customer, RunningFleet
from tests.workflows.test_processing import told

FEBRUARY = datetime(2027, 2, 1, tzinfo=UTC)


async def told_pending(fleet: RunningFleet) -> Customer:
    """Return a customer whose event waits for the renewal's money."""
    customer = await fleet.subscribe("core_10k")
    customer.fault("later")
    await customer.pass_until(FEBRUARY + timedelta(hours=1))
    assert await asked(customer) == "pending"
    return customer


async def asked(customer: Customer) -> str:
    """Ask for an event, and let the time pass that an answer may take."""
    waiting = asyncio.create_task(customer.use("1", "early"))
    await customer.life.settle()
    await customer.skip_to(await customer.life.now() + 21 * SECOND)
    return str((await waiting)["status"])


async def test_a_refusal_that_was_answered_is_not_kept_as_well(fleet: RunningFleet) -> None:
    customer = await told_pending(fleet)
    again = asyncio.create_task(customer.use("1", "early"))
    await customer.life.settle()
    invoice = customer.invoice_of("processing")
    customer.settle_later(invoice, "insufficient_funds")
    status = await told(customer, invoice, 2)

    assert (await again)["status"] == "refused"
    assert status["refused"] == 0
    assert customer.refusals() == []
    customer.check()


async def test_a_refusal_that_nobody_was_told_is_kept(fleet: RunningFleet) -> None:
    customer = await told_pending(fleet)
    invoice = customer.invoice_of("processing")
    customer.settle_later(invoice, "insufficient_funds")
    status = await told(customer, invoice, 2)

    assert status["refused"] == 1
    assert [key for key, _ in customer.refusals()] == ["early"]
    customer.check()
