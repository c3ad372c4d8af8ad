"""Changes of an invoice at the processor: granted, waited for, or reported to operators."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from domain.payments.charges import ProcessorEvent
from domain.payments.findings import FindingKind
from ledger.payments import findings
from tests.fleet import BEGINS, Customer, RunningFleet
from workflows import names
from workflows.stripe_event import EventOutcome, StripeEvent

pytestmark = pytest.mark.long

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
FEBRUARY = datetime(2027, 2, 1, tzinfo=UTC)
MARCH = datetime(2027, 3, 1, tzinfo=UTC)


def found(customer: Customer) -> list[str]:
    """Return what operators are to look at, as remarks of `domain.processor_states`."""
    query = (
        "SELECT f.key FROM findings f JOIN subscriptions s USING (subscription_id)"
        " WHERE s.account_id = %s ORDER BY f.recorded_at, f.key"
    )
    return [row[0].rsplit(":", 1)[1] for row in customer.rows(query)]


async def unpaid_renewal(fleet: RunningFleet) -> tuple[Customer, str]:
    """Return a customer whose renewal is declined, and its invoice."""
    customer = await fleet.subscribe("core_10k")
    customer.fault("decline")
    status = await customer.pass_until(FEBRUARY + HOUR)
    assert status["status"] == "past_due"
    return customer, customer.invoice_of("open")


async def told(customer: Customer, invoice: str) -> dict[str, object]:
    """Let an event tell of an invoice; return the status afterwards."""
    await customer.life.signal("invoice_paid", {"invoice": invoice})
    return await customer.life.settle()


async def test_an_invoice_that_was_paid_outside_is_paid(fleet: RunningFleet) -> None:
    customer, invoice = await unpaid_renewal(fleet)

    customer.pay_elsewhere(invoice, outside=True)
    status = await told(customer, invoice)

    assert (status["status"], status["available"]) == ("active", "10000")
    assert customer.paid() == [900, 900]
    assert found(customer) == []
    customer.check()


async def test_an_invoice_that_was_written_off_is_not_tried_again_by_itself(
    fleet: RunningFleet,
) -> None:
    customer, invoice = await unpaid_renewal(fleet)

    customer.ask_processor(f"invoices/{invoice}/mark_uncollectible", {})
    await told(customer, invoice)
    await customer.pass_until(FEBRUARY + 20 * DAY)
    assert (customer.attempts(), found(customer)) == (2, ["written_off"])

    status = await customer.update_card()  # it can still be paid
    assert (status["status"], customer.paid()) == ("active", [900, 900])
    customer.check()


async def test_a_renewal_that_somebody_voided_is_never_charged_again_by_itself(
    fleet: RunningFleet,
) -> None:
    customer, invoice = await unpaid_renewal(fleet)

    customer.ask_processor(f"invoices/{invoice}/void", {})
    status = await told(customer, invoice)
    assert status["paused_by"] == ["payment_failed"]
    await customer.pass_until(FEBRUARY + 20 * DAY)
    assert (customer.attempts(), found(customer)) == (2, ["given_up_elsewhere"])

    status = await customer.update_card()
    assert (status["status"], customer.paid()) == ("active", [900, 900])
    assert status["period_end"] == MARCH.isoformat()
    customer.check()


async def test_a_state_that_cannot_be_is_left_alone_and_told(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k")
    customer.fault("later")
    await customer.buy("1000")
    invoice = customer.invoice_of("processing")

    fleet.standin.post("/_state", invoice=invoice, status="open", intent="requires_capture")
    status = await told(customer, invoice)
    assert status["status"] == "active"
    await customer.pass_until(BEGINS + 5 * DAY)
    assert (customer.attempts(), found(customer)) == (2, ["cannot_be"])
    assert [state for _, state, _ in customer.charges()] == ["paid", "processing"]

    fleet.standin.post("/_state", invoice=invoice, status="open", intent="processing")
    customer.settle_later(invoice)
    assert (await told(customer, invoice))["available"] == "11000"
    customer.check()


async def test_what_is_void_while_its_money_is_on_its_way_waits_for_it(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k")
    customer.fault("later")
    await customer.buy("1000")
    invoice = customer.invoice_of("processing")

    fleet.standin.post("/_state", invoice=invoice, status="void", intent="processing")
    await told(customer, invoice)
    assert found(customer) == ["given_up_on_its_way"]
    assert [state for _, state, _ in customer.charges()] == ["paid", "processing"]

    fleet.standin.post("/_state", invoice=invoice, status="void", intent="succeeded")
    status = await told(customer, invoice)

    assert (status["available"], status["open_charges"]) == ("10000", [])
    assert sorted(found(customer)) == [
        "given_up_elsewhere",
        "given_up_on_its_way",
        "money_for_nothing",
    ]
    assert [state for _, state, _ in customer.charges()] == ["paid", "void"]


async def test_money_that_was_paid_twice_is_granted_once_and_told(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k")
    customer.fault("later")
    await customer.buy("1000")
    invoice = customer.invoice_of("processing")

    fleet.standin.post("/_state", invoice=invoice, status="paid", intent="processing")
    status = await told(customer, invoice)

    assert (status["available"], found(customer)) == ("11000", ["paid_twice"])
    customer.check()


async def test_a_paid_invoice_that_is_not_paid_any_more_is_a_finding_and_takes_nothing_back(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k")
    await customer.buy("1000")
    ((charge, invoice),) = customer.rows(
        "SELECT charge_id, invoice FROM charges WHERE account_id = %s AND kind = 'manual_purchase'"
    )
    assert (
        await heard(fleet, "invoice.payment_failed", invoice)
    ).outcome == "signaled"  # an old one
    assert customer.found() == []

    fleet.standin.post("/_state", invoice=invoice, status="open", intent="requires_payment_method")
    name = customer.life.handle.id.removeprefix("subscription:")
    for type_ in ("invoice.payment_failed", "payment_intent.payment_failed", "invoice.voided"):
        thing = intent_of(customer, invoice) if type_.startswith("payment_intent") else invoice
        assert await heard(fleet, type_, thing) == EventOutcome("found", name)

    with fleet.engine.connect() as connection:
        (finding,) = findings.open_findings(connection, customer.name)
    assert (finding.kind, finding.charge_id, finding.processor_id) == (
        FindingKind.NO_LONGER_PAID, charge, invoice,
    )  # fmt: skip
    assert "$0.90" in finding.detail
    status = await customer.life.settle()
    assert (status["status"], status["available"]) == ("active", "11000")
    assert customer.attempts() == 2
    assert customer.rows("SELECT * FROM violations WHERE account_id = %s") == []


async def heard(fleet: RunningFleet, type_: str, object_id: str) -> EventOutcome:
    """Let an event be handled; return what became of it."""
    event = ProcessorEvent(f"evt_{uuid4().hex}", type_, object_id)
    return await fleet.client.execute_workflow(
        StripeEvent.run,
        event,
        id=names.stripe_event_workflow(event.event_id),
        task_queue=names.BILLING,
    )


def intent_of(customer: Customer, invoice: str) -> str:
    listed = customer.ask_processor(f"invoice_payments?invoice={invoice}")
    return str(listed["data"][0]["payment"]["payment_intent"])


async def test_a_bank_account_that_becomes_the_default_by_itself_is_not_used(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k")
    payer = customer.processor()["payer"]
    account = customer.ask_processor(
        "payment_methods/pm_usBankAccount_success/attach", {"customer": payer}
    )["id"]
    customer.ask_processor(
        f"customers/{payer}", {"invoice_settings[default_payment_method]": account}
    )

    await customer.life.signal("payment_method_updated", {"payment_method": account})
    status = await customer.life.settle()

    assert status["card"] == "Visa ···4242"
    assert [reason for _, reason in customer.refusals()] == ["payment_method_not_accepted"]
    assert found(customer) == ["not_a_card"]
    status = await customer.pass_until(FEBRUARY + HOUR)
    assert (status["status"], customer.paid()) == ("active", [900, 900])
    customer.check()
