"""Money that the books do not know is found: by its event, and by the comparison of everything."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from activities.context import BillingContext
from activities.payments.lost_charges import LostChargeActivities, MoneyFound, TakenUp
from activities.payments.reconciliation import ReconcileActivities, Reconciled
from activities.purchases.buyers import Buyer
from catalogs.reader import load_catalogs
from domain.payments.charges import ChargeKind, Paid, ProcessorEvent, Sold
from gateways.stripe import StripePayments
from ledger import subscriptions
from ledger.payments import findings
from tests.fleet import SECOND, Customer, RunningFleet
from tests.workflows.lost_sales import lost_sale
from workflows import names
from workflows.stripe_event import StripeEvent

pytestmark = pytest.mark.long

FEBRUARY = datetime(2027, 2, 1, tzinfo=UTC)
THREE_THOUSAND = Sold("make", "core_10k", 1, 3_000_000_000)
TEN_THOUSAND = Sold("make", "core_10k", 1, 10_000_000_000)
PACK = Sold(
    catalog="salestools",
    plan_id="starter",
    version=1,
    quantity_micro=500_000_000,
    pack_id="pack_500",
    count=1,
)


@pytest.fixture
def payments(fleet: RunningFleet) -> Iterator[StripePayments]:
    with StripePayments(fleet.standin.api_key, base_url=fleet.standin.base_url) as connected:
        yield connected


def paid_elsewhen(customer: Customer, payments: StripePayments) -> tuple[str, str]:
    """Let the processor keep a paid charge that says nothing of what it sold."""
    return lost_sale(
        customer=customer, payments=payments, kind=ChargeKind.PACK, sold=None, amount_minor=4500
    )


def ids_of(customer: Customer) -> list[str]:
    query = "SELECT charge_id FROM charges WHERE account_id = %s"
    return [row[0] for row in customer.rows(query)]


async def taken_up(fleet: RunningFleet, payments: StripePayments, invoice: str) -> TakenUp:
    """Take found money up behind the workflow's back, as when the activity's answer is lost."""
    claim, paid = payments.claim(invoice), payments.read(invoice)
    assert claim is not None
    assert isinstance(paid, Paid)
    lists = {one.name: one for one in load_catalogs(Path("catalogs"))}
    context = BillingContext(fleet.engine, lists, "http://127.0.0.1:1", ("",))
    with fleet.engine.connect() as connection:
        stored = subscriptions.stored(connection, claim.subscription_id)
    period, plan = stored.period(), lists["make"].plan("core_10k")
    ids = (claim.subscription_id, claim.customer_id, stored.account_id, claim.payer)
    found = MoneyFound(Buyer(*ids, plan, period, period, period.start + SECOND), claim, paid)
    return await asyncio.to_thread(LostChargeActivities(context).take_up, found)


async def compared(fleet: RunningFleet, payments: StripePayments) -> Reconciled:
    context = BillingContext(fleet.engine, {}, "", ("",))
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


async def test_what_an_invoice_says_that_it_sold_is_granted_once(
    fleet: RunningFleet, payments: StripePayments
) -> None:
    customer = await fleet.subscribe("core_10k")
    name, invoice = lost_sale(
        customer=customer,
        payments=payments,
        kind=ChargeKind.MANUAL,
        sold=THREE_THOUSAND,
        amount_minor=270,
    )

    assert await heard(fleet, invoice) == "found"
    assert await heard(fleet, invoice) in ("found", "signaled")  # granted in between
    status = await customer.life.settle()
    assert await heard(fleet, invoice) == "signaled"
    await customer.life.settle()

    assert status["available"] == "13000"
    assert ("manual_purchase", "paid", 270) in customer.charges()
    assert name in ids_of(customer)
    assert customer.found() == []
    assert customer.mails().count("receipt") == 2
    customer.check()


async def test_what_needs_a_window_waits_for_the_next_one(
    fleet: RunningFleet, payments: StripePayments
) -> None:
    customer = await fleet.subscribe("core_10k")
    customer.fault("decline")
    await customer.pass_until(FEBRUARY + SECOND)
    _, invoice = lost_sale(
        customer=customer,
        payments=payments,
        kind=ChargeKind.MANUAL,
        sold=THREE_THOUSAND,
        amount_minor=270,
    )

    await heard(fleet, invoice)
    await customer.life.settle()
    waiting = ("manual_purchase", "open", 270)
    assert waiting in customer.charges()
    await heard(fleet, invoice)
    status = await customer.update_card()

    assert (status["status"], status["available"]) == ("active", "13000")
    assert customer.found() == []
    customer.check()


async def test_what_lasts_is_granted_at_once_also_while_a_renewal_is_unpaid(
    fleet: RunningFleet, payments: StripePayments
) -> None:
    customer = await fleet.subscribe("starter", catalog="salestools")
    customer.fault("decline", code="insufficient_funds", count=9)
    await customer.pass_until(FEBRUARY + SECOND)
    before = (await customer.life.settle())["status"]
    fleet.standin.behave()
    _, invoice = lost_sale(
        customer=customer, payments=payments, kind=ChargeKind.PACK, sold=PACK, amount_minor=2500
    )

    await heard(fleet, invoice)
    status = await customer.life.settle()

    assert (status["status"], status["available"]) == (before, "500")
    assert ("pack", "paid", 2500) in customer.charges()
    customer.check()


async def test_a_lost_auto_purchase_counts_against_the_cap_and_keeps_its_number(
    fleet: RunningFleet, payments: StripePayments
) -> None:
    customer = await fleet.subscribe("core_10k", auto=True)
    lost = [
        lost_sale(
            customer=customer,
            payments=payments,
            kind=ChargeKind.AUTO,
            sold=TEN_THOUSAND,
            amount_minor=1170,
        )[1]
        for _ in range(2)
    ]

    for invoice in lost:
        await heard(fleet, invoice)
        await customer.life.settle()
    refused = await customer.use("20001")

    assert refused["reason"] == "cap_reached"
    assert [kind for kind, _ in customer.found()] == ["paid_without_charge"]
    await customer.pass_until(FEBRUARY + SECOND)
    await customer.report(["10000"])
    autos = [one for one in ids_of(customer) if ":auto:" in one]
    numbers = sorted(int(one.rpartition(":")[2]) for one in autos)
    assert numbers[1] == numbers[0] + 1


async def test_what_a_person_has_decided_about_found_money_stands(
    fleet: RunningFleet, payments: StripePayments
) -> None:
    customer = await fleet.subscribe("core_10k")
    other = await fleet.subscribe("core_10k")
    wrong, payer = replace(THREE_THOUSAND, version=99), other.processor()["payer"]
    cases = [
        lost_sale(
            customer=customer,
            payments=payments,
            kind=ChargeKind.MANUAL,
            sold=wrong,
            amount_minor=270,
        )[1],
        lost_sale(
            customer=customer,
            payments=payments,
            kind=ChargeKind.MANUAL,
            sold=THREE_THOUSAND,
            amount_minor=271,
        )[1],
        lost_sale(
            customer=customer,
            payments=payments,
            kind=ChargeKind.MANUAL,
            sold=THREE_THOUSAND,
            amount_minor=270,
            payer=payer,
        )[1],
    ]

    for invoice in cases:
        await heard(fleet, invoice)
        await customer.life.settle()
    with fleet.engine.connect() as connection:
        details = [one.detail for one in findings.open_findings(connection, customer.name)]
    await customer.looked_into()
    for invoice in cases:
        assert await heard(fleet, invoice) == "found"
    status = await customer.life.settle()

    reasons = ("no such plan version", "another price", "another customer")
    assert len(details) == len(reasons)
    assert all(reason in detail for reason, detail in zip(reasons, details, strict=True))
    assert (status["available"], customer.found()) == ("10000", [])


async def test_an_answer_that_was_lost_is_given_again(
    fleet: RunningFleet, payments: StripePayments
) -> None:
    customer = await fleet.subscribe("core_10k", auto=True)
    _, invoice = lost_sale(
        customer=customer,
        payments=payments,
        kind=ChargeKind.AUTO,
        sold=TEN_THOUSAND,
        amount_minor=1170,
        number=1,
    )

    first = await taken_up(fleet, payments, invoice)
    assert first.status == "granted"
    assert await taken_up(fleet, payments, invoice) == first
    await customer.life.signal("money_found", {"invoice": invoice})
    status = await customer.life.settle()

    assert status["available"] == "20000"
    await customer.pass_until(FEBRUARY + SECOND)
    status = await customer.report(["10000"])  # the next auto-purchase has the next name
    assert status["available"] == "10000"
    assert sorted(one.rpartition(":auto:")[2] for one in ids_of(customer) if ":auto:" in one) == [
        "1",
        "2",
    ]
    assert customer.mails().count("receipt") == 4
    customer.check()
