"""Mails enter the outbox in the transaction that causes them; a relay sends them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from activities.context import BillingContext
from activities.periods.discounts import next_price
from domain.credits import MICRO
from domain.mails.codec import envelope_to_json
from domain.mails.envelope import Envelope, Mail
from domain.mails.facts import AutoTotals, Lot, OtherCredits, PlanTerms, Reader
from domain.mails.links import account_links
from domain.mails.money import (
    CapReached,
    Disputed,
    InvoiceCopy,
    InvoiceDue,
    LookedInto,
    OnItsWay,
    Receipt,
    Refunded,
)
from domain.mails.plans import Canceled, DowngradeScheduled, PlanChanged, Uncanceled
from domain.payments.charges import ChargeLine
from domain.payments.taxes import TaxBehavior
from domain.periods import Interval
from domain.pricing.catalog import Plan
from domain.pricing.purchase_price import auto_price
from ledger import accounts, balances, subscriptions
from ledger.notifications import outbox
from ledger.payments import charges

PLAIN_UNIT = "Credits"  # templates have their own word for this unit

# The page of the console that answers a mail; all others lead to the first.
ANSWERED_BY: dict[type[Mail], str] = {
    Receipt: "invoices",
    InvoiceCopy: "invoices",
    InvoiceDue: "invoices",
    CapReached: "auto_purchase",
    PlanChanged: "plan",
    DowngradeScheduled: "plan",
    Canceled: "plan",
    Uncanceled: "plan",
    Refunded: "payment",
    Disputed: "payment",
    OnItsWay: "payment",
    LookedInto: "payment",
}


@dataclass(frozen=True, slots=True)
class Desk:
    """Writes the mails of one subscription in one transaction."""

    context: BillingContext
    connection: Connection
    account_id: int
    subscription_id: str

    def reader(self, plan: Plan, credit_type: str = "") -> Reader:
        """Return the reader of a mail about one of a plan's credit types, by default the first.

        Its button opens the page with plan and credits; `for_card` changes that.
        """
        reader = self.reader_of(plan.name, plan.catalog)
        unit = self.unit(plan.catalog, credit_type or plan.credit_type)
        unit = "" if unit == PLAIN_UNIT else unit
        return replace(reader, unit=unit, tax_added=adds_tax(plan))

    def for_card(self, reader: Reader) -> Reader:
        """Return the reader with a button that opens the processor's page to replace the card."""
        link = self.context.billing_link(self.subscription_id, self._now())
        return replace(reader, action_url=link)

    def unit(self, catalog: str, credit_type: str) -> str:
        """Return a price list's name for a credit type."""
        known = self.context.catalog(catalog).credit_types
        return next((one.name for one in known if one.credit_type == credit_type), credit_type)

    def others(self, plan: Plan, amounts: Iterable[tuple[str, int]]) -> tuple[OtherCredits, ...]:
        """Return the amounts (credit type, micro-credits) of all but the plan's first type.

        Amounts of the same type are summed.
        """
        found: dict[str, int] = {}
        for credit_type, amount in amounts:
            if credit_type != plan.credit_type and amount:
                found[credit_type] = found.get(credit_type, 0) + amount
        return tuple(
            OtherCredits(name=self.unit(plan.catalog, credit_type), credits_micro=amount)
            for credit_type, amount in found.items()
        )

    def lots(self, plan: Plan, at: datetime) -> tuple[Lot, ...]:
        """Return the available credits of the plan's first type by their expiry."""
        found = balances.by_expiry(self.connection, self.account_id, plan.credit_type, at)
        return tuple(
            Lot(credits_micro=one.credits_micro, expires_at=one.expires_at) for one in found
        )

    def terms(self, plan: Plan) -> PlanTerms:
        """Return a plan as people compare it."""
        allowances = [(one.credit_type, one.quantity_micro) for one in plan.allowances]
        return PlanTerms(
            plan_name=plan.name,
            allowance_micro=plan.allowance_micro(plan.credit_type),
            allowance_interval=_word(plan.window),
            price_minor=plan.price_minor,
            price_interval=_word(plan.interval),
            also=self.others(plan, allowances),
            tax_added=adds_tax(plan),
        )

    def next_payment(self) -> tuple[datetime | None, int | None]:
        """Return when the next period is charged and its price in minor units; (None, None): never.

        A plan scheduled to take over counts with its own price; a coupon takes off what it will.
        """
        kept = subscriptions.stored(self.connection, self.subscription_id)
        plan = kept.next_plan or kept.plan
        if kept.cancel_at_end or kept.period_end is None or not plan["price_minor"]:
            return None, None
        price = (int(plan["price_minor"]), str(plan["currency"]))
        names = (self.connection, self.account_id, self.subscription_id)
        return kept.period_end, next_price(*names, *price)

    def reader_of(self, plan_name: str, catalog: str) -> Reader:
        """Return the reader of a mail about a plan of which only the names are known."""
        customer = accounts.details_of(self.connection, self.account_id)
        return Reader(
            customer_name=customer.name,
            plan_name=plan_name,
            product_name=self.context.catalog(catalog).brand,
            locale=customer.locale,
            time_zone=customer.time_zone,
            action_url=self.context.account_link(self.subscription_id, self._now()),
        )

    def post(self, message_key: str, mail: Mail) -> None:
        """Queue a mail once per key, made of ids. Receipts and invoices go to finance, too."""
        customer = accounts.details_of(self.connection, self.account_id)
        self.send(customer.email, message_key, mail)
        finance = customer.finance_email
        if isinstance(mail, Receipt | InvoiceDue) and finance and finance != customer.email:
            self.send(finance, f"{message_key}:finance", mail)

    def send(self, to: str, message_key: str, mail: Mail) -> None:
        """Queue a mail to any address, once per key."""
        key = self._key(message_key)
        envelope = Envelope(to=to, mail=self._leading(to, mail), message_key=key)
        outbox.put(
            self.connection,
            account_id=self.account_id,
            message_key=key,
            topic="mail",
            payload=envelope_to_json(envelope),
        )

    def _leading(self, to: str, mail: Mail) -> Mail:
        """Return the mail with a button that leads to the page which answers it.

        Whoever is not the customer gets at invoices alone: the console spends the customer's money.
        """
        reader, at = mail.reader, self._now()
        console = account_links(self.context.public_url, self.subscription_id)
        if not reader.action_url.startswith(console):  # it leads somewhere of its own
            return mail
        if to != accounts.details_of(self.connection, self.account_id).email:
            link = self.context.invoices_link(self.subscription_id, at)
        else:
            page = ANSWERED_BY.get(type(mail), "")
            link = self.context.account_link(self.subscription_id, at, page)
        return replace(mail, reader=replace(reader, action_url=link))

    def _now(self) -> datetime:
        """Return the mail's instant: that of its row, by the clock that links are opened by."""
        return outbox.instant(self.connection)

    def sent(self, message_key: str) -> dict[str, Any] | None:
        """Return the mail queued under a key, as `envelope_to_json` writes it, or None."""
        return outbox.queued(self.connection, self.account_id, self._key(message_key))

    def _key(self, message_key: str) -> str:
        return f"{self.subscription_id}:{message_key}"

    def auto_totals(self, plan: Plan, window_end: datetime) -> AutoTotals | None:
        """Return what auto-purchase bought in the cap's window, against the cap."""
        if plan.auto is None:
            return None
        bought, paid = charges.auto_purchased(self.connection, self.account_id)
        unit = plan.auto.unit_micro
        one = sum(auto_price(plan.auto, unit, plan.currency))
        left = max(plan.auto.cap_micro - bought, 0) // unit
        return AutoTotals(
            bought_micro=bought,
            cap_micro=plan.auto.cap_micro,
            paid_minor=paid,
            cap_minor=paid + one * left,
            window_end=charges.cap_ends(self.connection, self.account_id) or window_end,
        )


def adds_tax(plan: Plan) -> bool:
    """Return whether tax is due beyond a plan's prices."""
    return plan.tax is not None and plan.tax.behavior is TaxBehavior.EXCLUSIVE


def purchase_lines(
    quantity_micro: int, amount_minor: int, surcharge_minor: int
) -> tuple[ChargeLine, ...]:
    """Return the lines of a purchase: the credits and the surcharge, if there is one."""
    credits_text = f"{quantity_micro // MICRO:,} extra credits"
    lines: Sequence[ChargeLine] = [ChargeLine(credits_text, amount_minor - surcharge_minor)]
    if surcharge_minor:
        lines = [*lines, ChargeLine("Automatic purchase surcharge", surcharge_minor)]
    return tuple(lines)


def _word(interval: Interval) -> str:
    """Return an interval as people read it after `a` or, with a number, `every`."""
    unit = interval.unit.value
    return unit if interval.count == 1 else f"{interval.count} {unit}s"
