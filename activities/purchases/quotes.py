"""What a purchase would cost, and whether it would be refused: opened, and then taken back."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec
from sqlalchemy import Connection, Engine

from activities.notifications.mails import purchase_lines
from activities.payments.taxes import tax_reason
from activities.purchases.buyers import Buyer
from activities.purchases.extra_credits import switch_refusal
from activities.purchases.orders import (
    Order,
    as_expected,
    asks,
    credits_ordered,
    discounted,
    open_order,
    packs_ordered,
)
from activities.purchases.payable import PREVIEW, needs
from domain.credits import format_credits
from domain.errors import BillingError
from domain.messages.answers import Answer, discount_told, refused, tax_told
from domain.messages.purchases import BuyCredits, BuyPack
from domain.money import maximum_charge_minor
from domain.outcomes import Outcome
from domain.payments.charges import purchase_name
from domain.payments.taxes import PRICE_CHANGED
from domain.periods import Window
from domain.pricing.catalog import Catalog, Plan
from domain.pricing.promotions import UNKNOWN, CodeWanted, LookedUp
from domain.pricing.purchase_price import percent_off
from gateways.payments import Payments
from ledger import accounts, balances, subscriptions
from ledger.payments import charges


@dataclass(frozen=True, slots=True)
class Books:
    """What a quote asks: the ledger for prices, the processor for taxes."""

    engine: Engine
    payments: Payments
    catalogs: Mapping[str, Catalog] = field(default_factory=dict)  # for coupons


def quote(books: Books, subscription_id: str, wanted: BuyCredits | BuyPack, at: datetime) -> Answer:
    """Return `preview` with the numbers of a purchase, or `refused` and why; nothing moves.

    Money in minor units. `most_minor` is what one charge may come to; `available` is the balance
    once it is paid. Where the plan has tax, the processor says what it is: `amount_minor` is the
    total, and a tax that is unknown is a refusal. Raises `ProcessorUnavailable`.
    """
    answer = _priced(books, subscription_id, wanted, at)
    if isinstance(answer, CodeWanted):  # asked while no wallet is locked
        said = LookedUp(books.payments.promotion(answer.code, answer.payer))
        answer = _priced(books, subscription_id, wanted, at, looked_up=said)
    if isinstance(answer, CodeWanted):
        return refused(UNKNOWN)  # the list has taken the code up, or given it away, meanwhile
    return answer if isinstance(answer, dict) else _with_tax(books, *answer)


def _priced(
    books: Books,
    subscription_id: str,
    wanted: BuyCredits | BuyPack,
    at: datetime,
    *,
    looked_up: LookedUp | None = None,
) -> Answer | tuple[Answer, Buyer] | CodeWanted:
    """Return a quote and its buyer, or why there is none, or of what the processor is asked."""
    with books.engine.connect() as connection:  # never committed
        buyer = _buyer(connection, subscription_id, at)
        if isinstance(buyer, str):
            return refused(buyer)
        buyer = replace(
            buyer,
            expected_minor=wanted.expected_minor,
            coupon=wanted.coupon,
            looked_up=looked_up,
        )
        ordered = _ordered(buyer, wanted)
        if asks(books.catalogs, buyer, ordered):
            return CodeWanted(buyer.coupon, buyer.payer)
        order = as_expected(buyer, discounted(books.catalogs, buyer, ordered))
        if isinstance(order, str):
            return refused(order)
        # The ledger's own decision: the charge is opened here.
        status = open_order(connection, buyer, purchase_name(subscription_id, PREVIEW), order)
        if status != Outcome.OPENED:
            return refused(status)
        kind, off = _terms(buyer.plan, wanted, order)
        available = balances.available(connection, buyer.account_id, kind, buyer.at)
        needed = _needed(connection, buyer) if order.amount_minor else {}
    quoted: Answer = {
        "status": "preview",
        **needed,
        "credits": format_credits(order.quantity_micro),
        "credit_type": kind,
        "amount_minor": order.amount_minor,
        "currency": buyer.plan.currency,
        **discount_told(order.discount, order.amount_minor),
        "percent_off": off,
        "most_minor": maximum_charge_minor(buyer.plan.currency),
        "available": format_credits(available + order.quantity_micro),
    }
    return quoted, buyer


def _needed(connection: Connection, buyer: Buyer) -> Answer:
    """Return what is missing to pay with, or within how many days an invoice is to be paid."""
    takes = buyer.plan.takes
    return {"due_days": takes.due_days} if takes.sells_by_invoice else needs(connection, buyer)


def _with_tax(books: Books, quoted: Answer, buyer: Buyer) -> Answer:
    """Return a quote with its tax and total, or why they are unknown."""
    terms, price = buyer.plan.tax, quoted["amount_minor"]
    if terms is None or not price:  # nothing is charged, and so nothing taxed
        return quoted
    lines = taxed_lines(price, quoted.get("surcharge_minor", 0))
    try:
        taxed = books.payments.preview_tax(buyer.payer, quoted["currency"], lines, terms)
    except BillingError as error:
        return refused(tax_reason(error))
    total = taxed.total_of(price)
    if buyer.expected_minor not in (None, total):
        return refused(PRICE_CHANGED)
    if total > maximum_charge_minor(quoted["currency"]):
        return refused("above_maximum")
    return {**quoted, "amount_minor": total, **tax_told(taxed, price)}


def taxed_lines(price_minor: int, surcharge_minor: int) -> tuple[int, ...]:
    """Return the amounts of a purchase's lines, in minor units, as its invoice has them."""
    return tuple(line.amount_minor for line in purchase_lines(0, price_minor, surcharge_minor))


def quote_switch(books: Books, subscription_id: str, at: datetime, *, on: bool) -> Answer:
    """Return `preview` with what the switch would do, or `refused` and why; nothing moves.

    `next` is what would be bought at the next shortfall: money in minor units, or a reason.
    """
    with books.engine.connect() as connection:  # never committed
        buyer = _buyer(connection, subscription_id, at)
        if isinstance(buyer, str):
            return refused(buyer)
        reason = switch_refusal(connection, buyer, on=on)
        if reason is not None:
            return refused(reason)
        answer: Answer = {"status": "preview", "auto_purchase": on}
        auto = buyer.plan.auto
        if on and auto is not None:
            answer["next"] = _next(connection, buyer, auto.credit_type)
    if answer.get("next", {}).get("status") == "preview":
        answer["next"] = _with_tax(books, answer["next"], buyer)
    return answer


def _buyer(connection: Connection, subscription_id: str, at: datetime) -> Buyer | str:
    """Return who would buy, or why nothing can be bought."""
    kept = subscriptions.stored(connection, subscription_id)
    if kept.period_start is None:
        return "no_subscription"
    customer = accounts.details_of(connection, kept.account_id)
    period = kept.period()
    at = accounts.not_before(connection, kept.account_id, at)
    accounts.lock(connection, kept.account_id, at)
    end = accounts.window_end(connection, kept.account_id) or period.end
    return Buyer(
        subscription_id=subscription_id,
        customer_id=customer.customer_id,
        account_id=kept.account_id,
        payer=customer.payer or "",
        plan=msgspec.convert(kept.plan, Plan),
        period=period,
        window=Window(period.k, period.start, end),
        at=at,
    )


def _ordered(buyer: Buyer, wanted: BuyCredits | BuyPack) -> Order | str:
    if isinstance(wanted, BuyPack):
        return packs_ordered(buyer, wanted.pack_id, wanted.count)
    return credits_ordered(buyer, wanted.quantity_micro)


def _next(connection: Connection, buyer: Buyer, kind: str) -> Answer:
    """Return what the next auto-purchase would be, or why there would be none."""
    available = balances.available(connection, buyer.account_id, kind, buyer.at)
    charge_id = purchase_name(buyer.subscription_id, PREVIEW)
    reserved = charges.reserve_auto_purchase(
        connection,
        account_id=buyer.account_id,
        subscription_id=buyer.subscription_id,
        charge_id=charge_id,
        needed_micro=available + 1,  # the least that is short
        at=buyer.at,
        confirmed=True,  # as if it were on
    )
    if reserved.charge_id != charge_id:
        return refused(reserved.status)
    return {
        "status": "preview",
        "credits": format_credits(reserved.quantity_micro),
        "amount_minor": reserved.amount_minor,
        "surcharge_minor": reserved.surcharge_minor,
        "currency": reserved.currency,
    }


def _terms(plan: Plan, wanted: BuyCredits | BuyPack, order: Order) -> tuple[str, str]:
    """Return the credit type, and the volume discount in percent as a text."""
    offer = plan.pack(wanted.pack_id) if isinstance(wanted, BuyPack) else plan.manual
    if offer is None:
        raise LookupError("what was ordered is offered")
    off = percent_off(offer.volume, order.quantity_micro)
    return offer.credit_type, str(off.num) if off.den == 1 else f"{off.num}/{off.den}"
