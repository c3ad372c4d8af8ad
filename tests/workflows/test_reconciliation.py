"""Money that the books do not know is found: by its event, and by the comparison of everything."""

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

from activities.context import BillingContext
from activities.reconciling import ReconcileActivities, Reconciled
from domain.payments import Charge, ChargeKind, ChargeLine, Paid, ProcessorEvent
from gateways.stripe import StripePayments
from tests.fleet import Customer, RunningFleet
from workflows import names
from workflows.stripe_event import StripeEvent


def paid_elsewhen(customer: Customer, payments: StripePayments) -> tuple[str, str]:
    """Let the processor keep a paid charge that a restored database has forgotten."""
    subscription = customer.life.handle.id.removeprefix("subscription:")
    name = f"{subscription}:pack:{uuid4()}"
    payer = customer.processor()["payer"]
    lines = (ChargeLine("a pack", 4500),)
    lost = Charge(name, ChargeKind.PACK, customer.name, subscription, payer, "USD", lines)
    invoice = payments.prepare(lost, key=name).invoice
    assert isinstance(payments.pay(invoice, key=f"{name}:pay"), Paid)
    return name, invoice


async def compared(fleet: RunningFleet, payments: StripePayments) -> Reconciled:
    context = BillingContext(fleet.engine, {}, "", "")
    loop = asyncio.get_running_loop()
    activities = ReconcileActivities(context, payments, fleet.client, loop)
    return await asyncio.to_thread(activities.reconcile, datetime.now(UTC))


async def heard(fleet: RunningFleet, invoice: str) -> str:
    event = ProcessorEvent(f"evt_{uuid4().hex}", "invoice.paid", invoice)
    outcome = await fleet.client.execute_workflow(
        StripeEvent.run,
        event,
        id=names.stripe_event_workflow(event.event_id),
        task_queue=names.BILLING,
    )
    return outcome.outcome


async def test_a_paid_invoice_that_no_charge_names_is_a_finding(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k")
    with StripePayments(fleet.standin.api_key, base_url=fleet.standin.base_url) as payments:
        name, invoice = paid_elsewhen(customer, payments)
        assert await heard(fleet, invoice) == "found"
        assert await heard(fleet, invoice) == "found"
        assert customer.found() == [("paid_without_charge", name)]
        assert await heard(fleet, customer.processor()["paid"][0]["invoice"]) == "signaled"


async def test_everything_is_compared_and_a_difference_is_found_once(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k")
    await customer.buy("1000")
    with StripePayments(fleet.standin.api_key, base_url=fleet.standin.base_url) as payments:
        await compared(fleet, payments)
        assert customer.found() == []
        name, _ = paid_elsewhen(customer, payments)

        first, second = await compared(fleet, payments), await compared(fleet, payments)

    assert customer.found() == [("paid_without_charge", name)]
    assert (first.new, second.new) == (1, 0)
    assert first.differences == second.differences >= 1
    assert first.invoices >= 3


async def test_a_paid_charge_that_heard_nothing_is_told_and_grants_once(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k", auto=True)
    customer.fault("decline")
    await customer.report(["10000"])
    customer.pay_elsewhere(customer.invoice_of("open"))

    with StripePayments(fleet.standin.api_key, base_url=fleet.standin.base_url) as payments:
        assert (await compared(fleet, payments)).told >= 1
    status = await customer.life.settle()

    assert (status["status"], status["available"]) == ("active", "10000")
    assert customer.found() == []
    customer.check()
