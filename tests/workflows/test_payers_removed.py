"""A payer or a card that is removed at the processor: no card, never a declined one."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from domain.payments.charges import ProcessorEvent
from tests.fleet import BEGINS, SECOND, Customer, RunningFleet
from tests.workflows.test_payers import begin, left
from workflows import names
from workflows.stripe_event import EventOutcome, StripeEvent

pytestmark = pytest.mark.long

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
FEBRUARY = datetime(2027, 2, 1, tzinfo=UTC)
KNOWN = "SELECT payer FROM customers WHERE account_id = %s"
Told = Callable[[str, str], Awaitable[EventOutcome]]


@pytest.fixture
def told(fleet: RunningFleet) -> Told:
    async def told(type_: str, object_id: str) -> EventOutcome:
        """Let an event be handled; return what became of it."""
        event = ProcessorEvent(f"evt_{uuid4().hex}", type_, object_id)
        return await fleet.client.execute_workflow(
            StripeEvent.run,
            event,
            id=names.stripe_event_workflow(event.event_id),
            task_queue=names.BILLING,
        )

    return told


def payer_of(customer: Customer) -> str:
    ((payer,),) = customer.rows(KNOWN)
    return str(payer)


def deleted(customer: Customer) -> str:
    """Delete the payer at the processor; return it."""
    payer = payer_of(customer)
    customer.ask_processor(f"customers/{payer}", method="DELETE")
    return payer


def default_of(customer: Customer) -> str:
    payer = customer.ask_processor(f"customers/{payer_of(customer)}")
    return str(payer["invoice_settings"]["default_payment_method"])


async def used_up(customer: Customer) -> dict[str, object]:
    await customer.report(["10000"])
    return await customer.use("1")


async def test_a_deleted_payer_is_replaced_once_and_nothing_is_blamed_on_a_card(
    fleet: RunningFleet, told: Told
) -> None:
    customer = await fleet.subscribe("core_10k", auto=True)
    old = deleted(customer)
    name = customer.life.handle.id.removeprefix("subscription:")

    assert await told("customer.deleted", old) == EventOutcome("signaled", name, "payer_changed")
    status = await customer.life.settle()
    new = payer_of(customer)

    assert new != old
    assert (status["status"], status["card"]) == ("active", "")
    assert customer.found() == [("payer_deleted", None)]
    assert await told("customer.deleted", old) == EventOutcome("unknown_object")
    await customer.life.settle()
    assert (payer_of(customer), len(customer.found())) == (new, 1)
    assert (await used_up(customer))["reason"] == "no_payment_method"

    status = await customer.pass_until(FEBRUARY + HOUR)
    assert status["paused_by"] == ["payment_failed"]
    assert [state for _, state, _ in customer.charges()] == ["paid", "open"]
    assert customer.mails().count("payment_failed") == 1
    assert "looked_into" not in customer.mails()

    status = await customer.update_card()
    assert (status["status"], customer.paid()) == ("active", [900])
    assert payer_of(customer) == new
    assert customer.rows("SELECT * FROM violations WHERE account_id = %s") == []


async def test_a_deleted_payer_is_found_without_its_event(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k")
    old = deleted(customer)

    status = await customer.pass_until(FEBRUARY + HOUR)

    assert payer_of(customer) != old
    assert status["paused_by"] == ["payment_failed"]
    assert customer.found() == [("payer_deleted", None)]
    assert (await customer.update_card())["status"] == "active"
    assert customer.paid() == [900]


async def test_a_declined_renewal_of_a_deleted_payer_gets_an_invoice_of_the_new_one(
    fleet: RunningFleet, told: Told
) -> None:
    customer = await fleet.subscribe("core_10k")
    customer.fault("decline", code="stolen_card")
    await customer.pass_until(FEBRUARY + HOUR)
    invoice = customer.invoice_of("open")
    await told("customer.deleted", deleted(customer))
    await customer.life.settle()

    status = await customer.update_card()

    assert (status["status"], customer.paid()) == ("active", [900])
    assert customer.ask_processor(f"invoices/{invoice}")["status"] == "void"
    assert [state for _, state, _ in customer.charges()] == ["paid", "paid"]


async def test_the_ledger_forgets_a_deleted_payer_of_nobody_who_subscribes(
    fleet: RunningFleet, told: Told
) -> None:
    customer = await left(fleet)
    old = deleted(customer)

    assert (await told("customer.deleted", old)).outcome == "subscription_ended"
    assert (customer.rows(KNOWN), customer.found()) == ([(None,)], [])

    for number in (2, 3):  # also within the day for which the processor repeats its answers
        again = await begin(
            customer, f"{customer.name}-{number}", f"{customer.name}@example.com", BEGINS + DAY
        )
        status = await again.pass_until(BEGINS + DAY + SECOND)
        assert status["status"] == "active"
        assert payer_of(again) != old
        await again.cancel("now")
        assert await again.outcome() == "ended"
        old = deleted(again)
        await told("customer.deleted", old)


async def test_a_detached_card_is_no_card_and_the_next_one_is_a_sign(
    fleet: RunningFleet, told: Told
) -> None:
    customer = await fleet.subscribe("core_10k", auto=True)
    mails = customer.mails()
    card = default_of(customer)
    name = customer.life.handle.id.removeprefix("subscription:")
    customer.ask_processor(f"payment_methods/{card}/detach", {})

    gone = EventOutcome("signaled", name, "payer_changed")
    assert await told("payment_method.detached", card) == gone
    status = await customer.life.settle()
    assert (status["status"], status["card"], customer.mails()) == ("active", "", mails)
    assert await told("payment_method.detached", card) == EventOutcome("unknown_object")
    assert (await used_up(customer))["reason"] == "no_payment_method"
    assert (customer.attempts(), customer.found()) == (1, [])

    status = await customer.pass_until(FEBRUARY + HOUR)
    assert (status["paused_by"], customer.attempts()) == (["payment_failed"], 1)
    assert customer.mails().count("payment_failed") == 1

    status = await customer.update_card()
    assert (status["status"], customer.paid()) == ("active", [900, 900])
    customer.check()


async def test_a_default_that_was_cleared_is_no_card(fleet: RunningFleet, told: Told) -> None:
    customer = await fleet.subscribe("core_10k", auto=True)
    payer = payer_of(customer)
    customer.ask_processor(f"customers/{payer}", {"invoice_settings[default_payment_method]": ""})

    outcome = await told("customer.updated", payer)
    assert (outcome.outcome, outcome.signal) == ("no_payment_method", "payer_changed")
    assert (await customer.life.settle())["card"] == ""
    assert (await told("customer.updated", payer)).signal == ""
    assert (await used_up(customer))["reason"] == "no_payment_method"


async def test_a_card_that_is_not_charged_may_go(fleet: RunningFleet, told: Told) -> None:
    customer = await fleet.subscribe("core_10k")
    card = default_of(customer)
    other = customer.ask_processor(
        "payment_methods/pm_card_mastercard/attach", {"customer": payer_of(customer)}
    )["id"]
    assert await told("payment_method.detached", card) == EventOutcome(
        "unknown_object"
    )  # it is not
    customer.ask_processor(f"payment_methods/{other}/detach", {})
    assert await told("payment_method.detached", other) == EventOutcome("unknown_object")
    assert (await customer.life.settle())["card"] == "Visa ···4242"
