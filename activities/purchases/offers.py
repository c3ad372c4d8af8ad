"""Purchases customers ask for: priced by the plan, opened as a charge under the wallet's lock."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from activities.context import BillingContext
from activities.notifications.mails import purchase_lines
from activities.periods.checkpoints import keep_note
from activities.purchases.buyers import Buyer, Purchase
from activities.uninterrupted import uninterrupted
from domain.credits import MICRO, MOST
from domain.errors import InvalidInput
from domain.money import maximum_charge_minor, minimum_charge_minor
from domain.outcomes import Outcome, Refusal, Undecided
from domain.payments.charges import (
    LOOKED_INTO,
    Charge,
    ChargeKind,
    ChargeLine,
    Decline,
    Sold,
    purchase_name,
)
from domain.payments.taxes import PRICE_CHANGED, Taxed, is_as_shown
from domain.pricing.catalog import Extras, Pack
from domain.pricing.policies import ResumeOn
from domain.pricing.purchase_price import companion_micro, manual_price, pack_price
from ledger import accounts, checkpoints, kept_answers
from ledger.payments import charges


@dataclass(frozen=True, slots=True)
class Order:
    """What to open a charge for."""

    kind: ChargeKind
    quantity_micro: int
    amount_minor: int
    line: str
    pack: dict[str, Any] | None = None
    lasting: bool = False  # its credits never expire


class OfferActivities:
    """Purchases that customers ask for. Each method is one transaction, safe to repeat."""

    def __init__(self, context: BillingContext) -> None:
        self._context = context

    @uninterrupted(name="open_manual_purchase")
    def open_manual(self, buyer: Buyer, key: str, quantity_micro: int) -> Purchase:
        """Open the charge of a manual purchase at the plan's own price per credit."""
        return self._open(
            buyer,
            purchase_name(buyer.subscription_id, key),
            lambda: credits_ordered(buyer, quantity_micro),
            lambda known: known.quantity_micro == quantity_micro,
        )

    @uninterrupted(name="open_pack_purchase")
    def open_pack(self, buyer: Buyer, key: str, pack_id: str, count: int) -> Purchase:
        """Open the charge of `count` packs of one kind, if the plan sells them."""
        return self._open(
            buyer,
            purchase_name(buyer.subscription_id, key, "pack"),
            lambda: packs_ordered(buyer, pack_id, count),
            lambda known: (
                known.pack is not None
                and (known.pack["pack_id"], known.pack["count"]) == (pack_id, count)
            ),
        )

    def _open(
        self,
        buyer: Buyer,
        charge_id: str,
        wished: Callable[[], Order | str],
        same: Callable[[charges.ChargeRecord], bool],
    ) -> Purchase:
        with self._context.engine.begin() as connection:
            accounts.lock(connection, buyer.account_id, buyer.at)
            known = charges.known(connection, buyer.account_id, charge_id)
            if known is not None:
                # A repeat gets the first answer, even if plan or price have changed since.
                if not (same(known) and _is_expected(buyer, known)):
                    return Purchase(Refusal.IDEMPOTENCY_CONFLICT)
                opened = _opened(
                    buyer, charge_id, known.state, _order_of(buyer, known), taxed=known.taxed
                )
                told = kept_answers.of_charge(connection, buyer.account_id, charge_id)
                found = checkpoints.looked_into(connection, buyer.account_id, charge_id)
                looked_into = LOOKED_INTO[Decline(found)] if found else ""
                return replace(opened, looked_into=looked_into, answer=told or None)
            order = as_expected(buyer, wished())
            if isinstance(order, str):
                return Purchase(order)
            status = charges.open_charge(
                connection,
                account_id=buyer.account_id,
                subscription_id=buyer.subscription_id,
                charge_id=charge_id,
                kind=order.kind,
                currency=buyer.plan.currency,
                amount_minor=order.amount_minor,
                quantity_micro=order.quantity_micro,
                at=buyer.at,
                pack=order.pack,
                takes=buyer.plan.takes.purchases,
            )
            opened = _opened(buyer, charge_id, status, order)
            if opened.charge is not None and status == Outcome.OPENED:
                keep_note(connection, buyer.account_id, opened.charge, lasting=opened.lasting)
        return opened


def credits_ordered(buyer: Buyer, quantity_micro: int) -> Order | str:
    """Return what credits in the plan's unit come to, or why they are not sold."""
    manual = buyer.plan.manual
    if manual is None or not buyer.plan.paid:
        return "not_in_plan"
    if quantity_micro % manual.unit_micro:
        return "invalid_unit"
    amount = manual_price(manual, quantity_micro, buyer.plan.currency).amount_minor
    lasting = buyer.plan.extras_expire is Extras.NEVER
    return _unsold(buyer, quantity_micro, amount, lasting=lasting) or Order(
        ChargeKind.MANUAL,
        quantity_micro,
        amount,
        purchase_lines(quantity_micro, amount, 0)[0].description,
        lasting=lasting,
    )


def packs_ordered(buyer: Buyer, pack_id: str, count: int) -> Order | str:
    """Return what packs come to, or why they are not sold."""
    if not buyer.plan.paid:
        return "not_in_plan"
    try:
        pack = buyer.plan.pack(pack_id)
    except InvalidInput as error:
        return error.reason
    amount = pack_price(pack, count, buyer.plan.currency).amount_minor
    quantity = pack.quantity_micro * count
    lasting = pack.expires is Extras.NEVER
    return _unsold(buyer, quantity, amount, lasting=lasting) or Order(
        kind=ChargeKind.PACK,
        quantity_micro=quantity,
        amount_minor=amount,
        line=pack_words(pack.name, count),
        pack=sold_pack(pack, count),
        lasting=lasting,
    )


def as_expected(buyer: Buyer, order: Order | str) -> Order | str:
    """Return an order at the price that its buyer was shown, or why there is none."""
    if isinstance(order, str):
        return order
    shown = is_as_shown(order.amount_minor, buyer.plan.tax, buyer.expected_minor)
    return order if shown else PRICE_CHANGED


def _is_expected(buyer: Buyer, known: charges.ChargeRecord) -> bool:
    """Return whether a repeat expects the total that the first message did."""
    open_yet = buyer.plan.tax is not None and known.taxed is None
    return open_yet or buyer.expected_minor in (None, known.total_minor)


def _unsold(buyer: Buyer, quantity_micro: int, amount_minor: int, *, lasting: bool) -> str | None:
    """Return why these credits cannot be sold at this price now, or None.

    Credits that expire need a window, and there is none while a renewal is unpaid.
    """
    plan = buyer.plan
    buys = plan.resume_on is ResumeOn.ANY_SUCCESSFUL_PAYMENT
    if buys and not lasting and buyer.window.end <= buyer.at:
        return Undecided.RENEWAL_PENDING  # this plan's payment pause does not forbid buying
    # What comes with the credits must be grantable, too: nobody is charged for what is not given.
    with_them = (companion_micro(one, quantity_micro) for one in plan.companions)
    most = max(quantity_micro, *with_them, 0)
    if amount_minor > maximum_charge_minor(plan.currency) or most > MOST * MICRO:
        return "above_maximum"
    return "below_minimum" if amount_minor < minimum_charge_minor(plan.currency) else None


def sold_pack(pack: Pack, count: int) -> dict[str, Any]:
    """Return the terms to keep with the charge: it is granted by them, whatever the plan then."""
    return {
        "pack_id": pack.pack_id,
        "count": count,
        "name": pack.name,
        "credit_type": pack.credit_type,
        "expires": pack.expires.value,
        "refundable": pack.refundable,
        "scope": None if pack.scope is None else list(pack.scope),
    }


def _order_of(buyer: Buyer, known: charges.ChargeRecord) -> Order:
    quantity, amount = known.quantity_micro or 0, known.price_minor
    line = (
        purchase_lines(quantity, amount, 0)[0].description
        if known.pack is None
        else pack_words(known.pack["name"], known.pack["count"])
    )
    expires = known.pack["expires"] if known.pack else buyer.plan.extras_expire
    lasting = expires == Extras.NEVER
    return Order(
        kind=known.kind,
        quantity_micro=quantity,
        amount_minor=amount,
        line=line,
        pack=known.pack,
        lasting=lasting,
    )


def pack_words(name: str, count: int) -> str:
    """Return a number of packs as an invoice shows them."""
    return name if count == 1 else f"{count:,} x {name}"


def _opened(
    buyer: Buyer, charge_id: str, status: str, order: Order, *, taxed: Taxed | None = None
) -> Purchase:
    charge = Charge(
        charge_id=charge_id,
        kind=order.kind,
        customer_id=buyer.customer_id,
        subscription_id=buyer.subscription_id,
        payer=buyer.payer,
        currency=buyer.plan.currency,
        lines=(ChargeLine(order.line, order.amount_minor),),
        sold=_sale(buyer, order),
        takes=buyer.plan.takes.purchases,
        tax=buyer.plan.tax,
        taxed=taxed,
        expected_minor=buyer.expected_minor if buyer.plan.tax else None,
    )
    return Purchase(status, charge, order.quantity_micro, order.lasting)


def _sale(buyer: Buyer, order: Order) -> Sold:
    pack = order.pack or {"pack_id": "", "count": 0}
    plan = buyer.plan
    return Sold(
        catalog=plan.catalog,
        plan_id=plan.plan_id,
        version=plan.version,
        quantity_micro=order.quantity_micro,
        pack_id=pack["pack_id"],
        count=pack["count"],
    )
