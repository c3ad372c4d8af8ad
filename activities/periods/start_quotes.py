"""What a start would charge and give, or why it would be refused: begun, and then taken back."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from activities.payments.taxes import tax_reason
from activities.periods.activation import Beginning, Begun, begin, code_to_ask
from activities.periods.allowances import allowance_orders, starter_orders
from activities.periods.discounts import next_price, opened_with_coupon
from activities.periods.next_period import NextPeriod, charge_of_period
from activities.periods.paid_periods import PaidPeriod
from activities.purchases.quotes import Books
from domain.credits import format_credits
from domain.errors import BillingError, InvalidInput
from domain.messages.answers import Answer, discount_told, refused, tax_told
from domain.payments.charges import Charge
from domain.payments.kinds import PaymentKind
from domain.payments.taxes import Joining
from domain.periods import Window
from domain.plan_calendar import Calendar, windows_of
from domain.pricing.catalog import Catalog
from domain.pricing.promotions import LookedUp
from domain.subscription import Start, Status
from gateways.payments import ProcessorRefusal
from ledger import starts
from ledger.usage import policies


@dataclass(frozen=True, slots=True)
class First:
    """The first period of a subscription, and its charge: None where nothing is due at once."""

    begun: Begun
    period: Window
    charge: Charge | None
    renewal_minor: int


def quote_start(books: Books, start: Start, at: datetime) -> Answer:
    """Return `preview` with the numbers of a start, or `refused`: its tax is unknown.

    Money in minor units, credits as decimal texts: `amount_minor` is the first charge, zero for a
    trial or a free plan; `credits` can be used once it is paid; `renewal_minor` is the next charge,
    before tax. The start itself decides, as of the instant that it would begin at, and is taken
    back: nothing moves. Raises `InvalidInput` as a start does, `ProcessorUnavailable`.
    """
    at = max(at, start.begins_at or at)
    catalog = books.catalogs.get(start.catalog)
    if catalog is None:
        raise InvalidInput("unknown_catalog", f"there is no price list {start.catalog!a:.60}")
    looked_up = _looked_up(books, catalog, start)
    with books.engine.connect() as connection:  # never committed
        if starts.is_live(connection, start.subscription_id):
            message = f"subscription {start.subscription_id!a:.80} is live"
            raise InvalidInput("already_subscribed", message)
        begun = begin(catalog, connection, Beginning(start, at, at, looked_up))
        first = _first(connection, start, begun, at)
        credits_by_type = _usable(connection, first, at)
        known = _pays_with(connection, begun.account_id)
    answer = _told(start, first, credits_by_type)
    if first.charge is None or not first.charge.amount_minor:
        return answer
    return _with_tax(books, {**answer, **_needs(books, start, begun, known)}, first.charge, start)


def _looked_up(books: Books, catalog: Catalog, start: Start) -> LookedUp | None:
    """Ask the processor about a coupon that is its own, while no wallet is locked."""
    if not start.coupon:
        return None
    with books.engine.connect() as connection:
        wanted = code_to_ask(catalog, connection, start)
    return None if wanted is None else LookedUp(books.payments.promotion(wanted.code, wanted.payer))


def _first(connection: Connection, start: Start, begun: Begun, at: datetime) -> First:
    """Open the first charge: of a trial, what follows is the first that costs anything."""
    since = begun.trial.end if begun.trial else begun.begun_at
    plan = begun.plan
    wanted = NextPeriod(
        subscription_id=start.subscription_id,
        customer_id=start.customer_id,
        account_id=begun.account_id,
        payer=begun.payer,
        plan=plan,
        anchor=begun.anchor,
        time_zone=begun.time_zone,
        since=since,
        at=since,
    )
    period, charge = charge_of_period(wanted, Calendar(begun.anchor, begun.time_zone))
    if charge is not None:
        charge = opened_with_coupon(
            connection, begun.account_id, charge, begins=period.start, at=at
        )
    if begun.trial is not None:
        return First(begun, begun.trial, None, charge.amount_minor if charge else 0)
    named = (begun.account_id, start.subscription_id)
    renewal = next_price(connection, *named, plan.price_minor, plan.currency)
    return First(begun, period, charge, renewal)


def _usable(connection: Connection, first: First, at: datetime) -> dict[str, int]:
    """Return the micro-credits of each type that the first period gives as it begins."""
    begun = first.begun
    opening = PaidPeriod(
        subscription_id="",
        account_id=begun.account_id,
        plan=begun.plan,
        anchor=begun.anchor,
        time_zone=begun.time_zone,
        period=first.period,
        charge=first.charge,
        paid=None,
        first=True,
        status=Status.ACTIVE,
        at=at,
    )
    windows = windows_of(begun.plan, begun.anchor, begun.time_zone, first.period)
    orders = allowance_orders(opening, windows)
    given: dict[str, int] = {}
    for order in (*orders, *starter_orders(connection, opening, windows)):
        if order.effective_at <= at:
            given[order.credit_type] = given.get(order.credit_type, 0) + order.quantity_micro
    return given


def _told(start: Start, first: First, credits_by_type: dict[str, int]) -> Answer:
    plan, charge, trial = first.begun.plan, first.charge, first.begun.trial
    amount = charge.amount_minor if charge else 0
    discount = charge.discount if charge else None
    return {
        "status": "preview",
        "subscription": start.subscription_id,
        "customer": start.customer_id,
        "catalog": start.catalog,
        "plan": plan.plan_id,
        "version": plan.version,
        "amount_minor": amount,
        "currency": plan.currency,
        **discount_told(discount, amount),
        "credits": {kind: format_credits(micro) for kind, micro in credits_by_type.items()},
        "period_start": first.period.start.isoformat(),
        "period_end": first.period.end.isoformat(),
        "trial_ends_at": trial.end.isoformat() if trial else None,
        "renewal_minor": first.renewal_minor,
        **({"due_days": plan.takes.due_days} if plan.takes.invoiced else {}),
    }


def _pays_with(connection: Connection, account_id: int) -> str | None:
    """Return the kind of what the customer pays with already; None: there is nothing to charge."""
    if not policies.has_usable_card(connection, account_id):
        return None
    return policies.pays_with(connection, account_id)


def _needs(books: Books, start: Start, begun: Begun, kind: str | None) -> Answer:
    """Return what is missing to pay with, or that it takes days."""
    takes = begun.plan.takes
    if takes.invoiced:
        return {}
    if start.payment_method is not None:
        try:
            method = books.payments.payment_method(start.payment_method)
        except ProcessorRefusal:
            return {}  # only the start can say what becomes of it
        kind = method.kind if method.pays(takes.plan, begun.plan.currency) else None
    if kind not in takes.plan:
        return {"needs": "payment_method"}
    return {"takes_days": True} if kind == PaymentKind.BANK_DEBIT else {}


def _with_tax(books: Books, answer: Answer, charge: Charge, start: Start) -> Answer:
    """Return a quote with its tax and total, or why they are unknown."""
    if charge.tax is None:
        return answer
    price = charge.amount_minor
    joining = Joining(start.address, start.payment_method or "")
    try:
        taxed = books.payments.preview_tax(
            charge.payer, charge.currency, (price,), charge.tax, joining=joining
        )
    except BillingError as error:
        return refused(tax_reason(error))
    return {**answer, "amount_minor": taxed.total_of(price), **tax_told(taxed, price)}
