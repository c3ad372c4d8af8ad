"""Every handled event: twice, too early, too late, and about unknown objects."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import pytest
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from domain.payments.charges import ProcessorEvent
from tests.fleet import Customer, RunningFleet, result_of
from workflows import names
from workflows.stripe_event import HANDLED, StripeEvent

pytestmark = pytest.mark.long

Json = dict[str, Any]


@dataclass(frozen=True)
class Scene:
    """The object, what holds after its event, and the fact; None: there is no object before it."""

    thing: str
    after: Json
    fact: Callable[[], Awaitable[object]] | None = None


def of_payer(customer: Customer) -> str:
    return str(customer.processor()["payer"])


def default_of(customer: Customer) -> str:
    payer = customer.ask_processor(f"customers/{of_payer(customer)}")
    return str(payer["invoice_settings"]["default_payment_method"])


def intent_of(customer: Customer, invoice: str) -> str:
    paid = customer.ask_processor(f"invoice_payments?invoice={invoice}")["data"]
    return next(str(one["payment"]["payment_intent"]) for one in paid if one["invoice"] == invoice)


async def other_default(customer: Customer) -> Scene:
    """Another card becomes the default."""

    async def fact() -> None:
        make_default(customer)

    return Scene(of_payer(customer), {"card": "Mastercard ···4444"}, fact)


def make_default(customer: Customer, method: str = "pm_card_mastercard") -> None:
    payer = of_payer(customer)
    card = customer.ask_processor(f"payment_methods/{method}/attach", {"customer": payer})["id"]
    customer.ask_processor(f"customers/{payer}", {"invoice_settings[default_payment_method]": card})


async def attached(customer: Customer) -> Scene:
    card = customer.new_card()

    async def fact() -> None:
        make_default(customer, card)

    return Scene(card, {"card": "Mastercard ···4444"}, fact)


async def saved(customer: Customer) -> Scene:
    """A person saves a card on the processor's page, which does not make it the default there."""
    session = customer.ask_processor(
        "checkout/sessions",
        {
            "mode": "setup",
            "customer": of_payer(customer),
            "currency": "usd",
            "success_url": "https://acme.example",
        },
    )

    async def fact() -> None:
        customer.save_there(session["url"], "pm_card_mastercard")

    return Scene(session["setup_intent"], {"card": "Mastercard ···4444"}, fact)


async def renewed(customer: Customer) -> Scene:
    """The bank renews the card: before there is anything to try again, and after a decline."""
    after = {"paid": [900, 1170], "charges": ["paid", "paid"]}
    return Scene(default_of(customer), after, lambda: declined(customer))


async def detached(customer: Customer) -> Scene:
    card = default_of(customer)

    async def fact() -> None:
        customer.ask_processor(f"payment_methods/{card}/detach", {})

    return Scene(card, {"card": "", "found": []}, fact)


async def deleted(customer: Customer) -> Scene:
    payer = of_payer(customer)

    async def fact() -> None:
        customer.ask_processor(f"customers/{payer}", method="DELETE")

    return Scene(payer, {"card": "", "found": ["payer_deleted"]}, fact)


async def declined(customer: Customer) -> str:
    """Decline an auto-purchase; return its invoice."""
    await customer.switch(on=True)
    customer.fault("decline", code="stolen_card")
    await customer.report(["10000"])
    return customer.invoice_of("open")


async def paid_elsewhere(customer: Customer) -> Scene:
    invoice = await declined(customer)

    async def fact() -> None:
        customer.pay_elsewhere(invoice)

    return Scene(invoice, {"paid": [900, 1170], "available": "10000"}, fact)


async def never_came(customer: Customer) -> Scene:
    """Money that was on its way is refused by the bank."""
    customer.fault("later")
    await customer.buy("1000")
    invoice = customer.invoice_of("processing")

    async def fact() -> None:
        customer.settle_later(invoice, "account_closed")

    return Scene(invoice, {"charges": ["paid", "void"]}, fact)


async def voided(customer: Customer) -> Scene:
    invoice = await declined(customer)

    async def fact() -> None:
        customer.ask_processor(f"invoices/{invoice}/void", {})

    return Scene(invoice, {"charges": ["paid", "void"], "found": ["processor_state"]}, fact)


async def written_off(customer: Customer) -> Scene:
    invoice = await declined(customer)

    async def fact() -> None:
        customer.ask_processor(f"invoices/{invoice}/mark_uncollectible", {})

    return Scene(invoice, {"charges": ["paid", "open"], "found": ["processor_state"]}, fact)


async def begins_to_come(customer: Customer) -> Scene:
    """The customer pays on the invoice's page, and the bank answers later."""
    invoice = await declined(customer)

    async def fact() -> None:
        customer.fault("later")
        customer.pay_elsewhere(invoice)

    return Scene(invoice, {"charges": ["paid", "processing"]}, fact)


def by_intent(
    scene: Callable[[Customer], Awaitable[Scene]],
) -> Callable[[Customer], Awaitable[Scene]]:
    """Return a scene reported by its invoice's payment intent."""

    async def told(customer: Customer) -> Scene:
        found = await scene(customer)
        return replace(found, thing=intent_of(customer, found.thing))

    return told


async def bought(customer: Customer) -> str:
    await customer.buy("1000")
    ((invoice,),) = customer.rows(
        "SELECT invoice FROM charges WHERE account_id = %s AND kind = 'manual_purchase'"
    )
    return str(invoice)


def refunded(customer: Customer, invoice: str) -> str:
    intent = intent_of(customer, invoice)
    return str(customer.ask_processor("refunds", {"payment_intent": intent, "amount": "90"})["id"])


async def sent_back(customer: Customer) -> Scene:
    """A refund at the dashboard."""
    return Scene(refunded(customer, await bought(customer)), {"returned": -90})


async def came_back(customer: Customer) -> Scene:
    refund = refunded(customer, await bought(customer))
    await deliver(customer.fleet, "refund.created", refund)

    async def fact() -> None:
        customer.fleet.standin.post("/_fail_refund", refund=refund)

    return Scene(refund, {"returned": 0}, fact)


async def disputed(customer: Customer) -> Scene:
    """A bank takes the money."""
    dispute = customer.fleet.standin.post("/_dispute", invoice=await bought(customer))["id"]
    return Scene(dispute, {"disputes": ["open"]})


async def decided(customer: Customer, status: str) -> Scene:
    dispute = (await disputed(customer)).thing
    await deliver(customer.fleet, "charge.dispute.created", dispute)

    async def fact() -> None:
        customer.fleet.standin.post("/_dispute", dispute=dispute, status=status)

    return Scene(dispute, {"disputes": [status]}, fact)


SCENES: dict[str, Callable[[Customer], Awaitable[Scene]]] = {
    "customer.updated": other_default,
    "customer.deleted": deleted,
    "payment_method.attached": attached,
    "payment_method.detached": detached,
    "setup_intent.succeeded": saved,
    "payment_method.automatically_updated": renewed,
    "invoice.paid": paid_elsewhere,
    "invoice.payment_failed": never_came,
    "invoice.voided": voided,
    "invoice.marked_uncollectible": written_off,
    "payment_intent.processing": by_intent(begins_to_come),
    "payment_intent.succeeded": by_intent(paid_elsewhere),
    "payment_intent.payment_failed": by_intent(never_came),
    "refund.created": sent_back,
    "refund.updated": sent_back,
    "refund.failed": came_back,
    "charge.dispute.created": disputed,
    "charge.dispute.updated": disputed,
    "charge.dispute.closed": lambda customer: decided(customer, "lost"),
    "charge.dispute.funds_reinstated": lambda customer: decided(customer, "won"),
}


async def deliver(fleet: RunningFleet, type_: str, object_id: str, event_id: str = "") -> str:
    """Let an event be handled as the webhook starts it; return what became of it."""
    event = ProcessorEvent(event_id or f"evt_{uuid4().hex}", type_, object_id)
    try:
        handle = await fleet.client.start_workflow(
            StripeEvent.run,
            event,
            id=names.stripe_event_workflow(event.event_id),
            task_queue=names.BILLING,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )
    except WorkflowAlreadyStartedError:
        return "repeated"
    return str((await result_of(handle)).outcome)


def stands(customer: Customer, status: Json) -> Json:
    """Return everything that an event may change."""
    disputes = customer.rows("SELECT state FROM disputes WHERE account_id = %s")
    return {
        "status": status["status"],
        "available": status["available"],
        "card": status["card"],
        "charges": [state for _, state, _ in customer.charges()],
        "attempts": customer.attempts(),
        "paid": customer.paid(),
        "mails": customer.mails(),
        "found": [kind for kind, _ in customer.found()],
        "returned": customer.books().get("refunds", 0),
        "disputes": [state for (state,) in disputes],
        "grants": customer.rows("SELECT count(*) FROM grants WHERE account_id = %s"),
    }


def test_every_handled_event_has_its_scene() -> None:
    assert SCENES.keys() == HANDLED


@pytest.mark.parametrize("type_", sorted(HANDLED))
async def test_an_event_changes_what_its_fact_changes_and_once(
    fleet: RunningFleet, type_: str
) -> None:
    customer = await fleet.subscribe("core_10k")
    scene = await SCENES[type_](customer)
    if scene.fact is not None:
        before = stands(customer, await customer.life.settle())
        await deliver(fleet, type_, scene.thing)  # too early
        assert stands(customer, await customer.life.settle()) == before
        await scene.fact()

    once = f"evt_{uuid4().hex}"
    assert await deliver(fleet, type_, scene.thing, once) not in ("ignored", "repeated")
    now = stands(customer, await customer.life.settle())
    assert {name: now[name] for name in scene.after} == scene.after

    assert await deliver(fleet, type_, scene.thing, once) == "repeated"
    await deliver(fleet, type_, scene.thing)
    assert stands(customer, await customer.life.settle()) == now
    assert customer.rows("SELECT * FROM violations WHERE account_id = %s") == []


@pytest.mark.parametrize("type_", sorted(HANDLED))
async def test_an_event_of_what_nobody_knows_ends_by_name(fleet: RunningFleet, type_: str) -> None:
    assert await deliver(fleet, type_, "nobody_knows_it") == "unknown_object"
