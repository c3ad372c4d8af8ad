"""Collecting an invoice: the payment intent, its charges, the bank's answer.

https://docs.stripe.com/payments/paymentintents/lifecycle: a declined attempt puts the intent back
to `requires_payment_method`; a succeeded one can never be charged again.
"""

from local.stripe_standin.objects.cards import Outcome
from local.stripe_standin.objects.payment_methods import card_of, card_refusal, refusal_fields
from local.stripe_standin.objects.refusals import invalid
from local.stripe_standin.store import Json
from local.stripe_standin.world import World


def intent_of(world: World, invoice: Json) -> Json:
    """Return the invoice's default payment intent, made when it was finalised."""
    payment = world.store.of_customer("invoice_payment", invoice["id"])[0]
    return world.get("payment_intent", payment["payment"]["payment_intent"])


def open_intent(world: World, invoice: Json) -> None:
    """Make the intent and the invoice payment of a finalised invoice."""
    intent = world.new(
        "payment_intent",
        amount=invoice["amount_due"],
        amount_capturable=0,
        amount_received=0,
        capture_method="automatic",
        confirmation_method="automatic",
        currency=invoice["currency"],
        customer=invoice["customer"],
        description=invoice["description"],
        metadata={},
        payment_method_types=invoice["payment_settings"]["payment_method_types"] or ["card"],
        status="requires_payment_method",
    )
    world.new(
        "invoice_payment",
        amount_requested=invoice["amount_due"],
        currency=invoice["currency"],
        customer=invoice["id"],  # how the store finds it; not shown
        invoice=invoice["id"],
        is_default=True,
        payment={"type": "payment_intent", "payment_intent": intent["id"]},
        status="open",
    )


def collect(world: World, invoice: Json, method: Json, *, off_session: bool) -> None:
    """Charge the card for an open invoice; a refusal of the bank is raised as a 402."""
    intent = intent_of(world, invoice)
    if intent["status"] == "processing":
        message = "This PaymentIntent could not be confirmed: its status is processing."
        raise invalid(message, code="payment_intent_unexpected_state")
    outcome, delayed = _answer_of_the_bank(world, invoice, method, off_session=off_session)
    charge = _charge(world, invoice, method, outcome, delayed=delayed)
    invoice |= {"attempted": True, "attempt_count": invoice["attempt_count"] + 1}
    world.store.put(invoice)
    intent |= {"latest_charge": charge["id"]}
    if delayed:
        _leave_processing(world, invoice=invoice, intent=intent, method=method, charge=charge)
        return
    if outcome is None:
        succeed(world, invoice=invoice, intent=intent, method=method, charge=charge)
        return
    error = {"type": "card_error", "charge": charge["id"], "payment_method": method}
    error |= refusal_fields(outcome)
    intent |= {"status": "requires_payment_method", "last_payment_error": error}
    world.store.put(intent)
    world.emit("charge.failed", charge)
    world.emit("payment_intent.payment_failed", intent)
    world.emit("invoice.payment_failed", invoice)
    if outcome.code == "authentication_required":
        world.emit("invoice.payment_action_required", invoice)
    raise card_refusal(outcome, charge=charge["id"], payment_intent=intent, payment_method=method)


def _answer_of_the_bank(
    world: World, invoice: Json, method: Json, *, off_session: bool
) -> tuple[Outcome | None, bool]:
    """Return the refusal, if there is one, and whether the answer comes later."""
    fault = world.faults.of_charge(invoice["customer"], off_session=off_session)
    if fault is not None and fault.fault == "amount":
        _demand(world, invoice, fault.amount)
    elif fault is not None:
        return (None, True) if fault.fault == "later" else (fault.outcome, False)
    card = card_of(method)
    return card.charge or (card.off_session if off_session else None), card.delayed


def _demand(world: World, invoice: Json, amount: int) -> None:
    """Let an open invoice demand something else, as its settings or a person may."""
    sums = ("total", "subtotal", "amount_due", "amount_remaining")
    world.store.put(invoice | dict.fromkeys(sums, amount))
    invoice |= dict.fromkeys(sums, amount)
    world.store.put(intent_of(world, invoice) | {"amount": amount})


def _charge(
    world: World, invoice: Json, method: Json, outcome: Outcome | None, *, delayed: bool
) -> Json:
    reason = outcome and (outcome.decline or outcome.code)
    taken = outcome is None and not delayed
    return world.new(
        "charge",
        amount=invoice["amount_due"],
        amount_captured=invoice["amount_due"] if taken else 0,
        captured=taken,
        currency=invoice["currency"],
        customer=invoice["customer"],
        failure_code=outcome and outcome.code,
        failure_message=reason,
        metadata={},
        paid=taken,
        payment_intent=intent_of(world, invoice)["id"],
        payment_method=method["id"],
        status="failed" if outcome else "pending" if delayed else "succeeded",
    )


def _leave_processing(
    world: World, invoice: Json, intent: Json, method: Json, charge: Json
) -> None:
    intent |= {"status": "processing", "payment_method": method["id"], "last_payment_error": None}
    world.store.put(intent)
    world.emit("charge.pending", charge)
    world.emit("payment_intent.processing", intent)
    world.emit("invoice.updated", invoice)


def succeed(world: World, invoice: Json, intent: Json, method: Json, charge: Json) -> None:
    """Let the money of an invoice arrive."""
    amount = invoice["amount_due"]
    intent |= {"status": "succeeded", "amount_received": amount, "payment_method": method["id"]}
    intent["last_payment_error"] = None
    world.store.put(intent)
    payment = world.store.of_customer("invoice_payment", invoice["id"])[0]
    payment |= {"status": "paid", "amount_paid": amount}
    payment["status_transitions"] = {"canceled_at": None, "paid_at": world.now()}
    world.store.put(payment)
    mark_paid(world, invoice, amount)
    world.emit("charge.succeeded", charge)
    world.emit("payment_intent.succeeded", intent)
    emit_paid(world, invoice)


def mark_paid(world: World, invoice: Json, amount: int) -> None:
    """Move an invoice to `paid` with `amount` (minor units) received."""
    invoice |= {"status": "paid", "amount_paid": amount, "amount_remaining": 0}
    invoice["status_transitions"]["paid_at"] = world.now()
    world.store.put(invoice)


def emit_paid(world: World, invoice: Json) -> None:
    """Tell the world: Stripe sends both names for one payment."""
    world.emit("invoice.paid", invoice)
    world.emit("invoice.payment_succeeded", invoice)
