"""Payments whose charge the ledger lost, for instance by a restore: granted once, or a finding.

A payment is granted if our price list sells what it bought. Operators see all others.
"""

from dataclasses import dataclass, replace

from sqlalchemy import Connection

from activities.context import BillingContext
from activities.notifications.mails import purchase_lines
from activities.periods.checkpoints import keep_note
from activities.purchases.buyers import Buyer, PaidPurchase
from activities.purchases.extra_credits import grant
from activities.purchases.orders import pack_words, sold_pack
from activities.uninterrupted import uninterrupted
from domain.errors import BillingError, InvalidInput
from domain.money import format_money
from domain.outcomes import Outcome, Refusal
from domain.payments.charges import Charge, ChargeKind, ChargeLine, ChargeState, Paid
from domain.payments.findings import Finding, FindingKind
from domain.payments.reconciliation import Claim, finding_key
from domain.payments.sold import PaidSale, deviation, lasts, surcharge_of
from domain.pricing.catalog import Plan
from domain.pricing.in_currency import plan_in
from gateways.payments import Payments
from ledger import accounts, balances
from ledger.payments import charges, findings, lost_charges
from ledger.payments.charges import ChargeRecord
from ledger.payments.lost_charges import LostCharge

REASONS = {
    Refusal.CAP_REACHED: "the cap of auto-purchase leaves no room for it",
    "purchase_pending": "another auto-purchase is under way",
    "invoice_taken": "its invoice paid another charge",
}


@dataclass(frozen=True, slots=True)
class FoundMoney:
    """A paid invoice, read back; `claim` None: it is not ours. `why`: why it is not granted."""

    claim: Claim | None = None
    paid: Paid | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class MoneyFound:
    """Found money and the subscription that it names."""

    buyer: Buyer
    claim: Claim
    paid: Paid | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class TakenUp:
    """The outcome of found money: `granted`, `opened` (it waits for its window), `found`.

    `repeated`: its charge exists and was settled otherwise. Quantities are micro-credits.
    """

    status: str
    charge: Charge | None = None
    quantity_micro: int = 0
    lasting: bool = False
    available_micro: int = 0


class LostChargeReading:
    """Reads found money back from the processor, for workflows."""

    def __init__(self, payments: Payments) -> None:
        self._payments = payments

    @uninterrupted(name="read_found_money")
    def read(self, invoice: str) -> FoundMoney:
        """Read a paid invoice with everything that decides whether it is granted."""
        try:
            claim = self._payments.claim(invoice)
            state = self._payments.read(invoice)
            kept = self._payments.is_kept(invoice)
        except BillingError:
            return FoundMoney()
        if claim is None or not isinstance(state, Paid):
            return FoundMoney()
        if claim.returned_minor or not kept:
            return FoundMoney(claim, state, "it was refunded or is disputed")
        return FoundMoney(claim, state, state.remark)


class LostChargeActivities:
    """Takes up lost charges. A repeat changes nothing."""

    def __init__(self, context: BillingContext) -> None:
        self._context = context

    @uninterrupted(name="take_up_charge")
    def take_up(self, found: MoneyFound) -> TakenUp:
        """Open the charge, book its money and grant in one transaction, or record a finding."""
        buyer, claim = found.buyer, found.claim
        with self._context.engine.begin() as connection:
            accounts.lock(connection, buyer.account_id, buyer.at)
            known = charges.known(connection, buyer.account_id, claim.charge_id)
            plan = self._plan(claim.sale)
            if known is not None:
                return _again(connection, found, known, plan)
            if findings.is_settled(connection, finding_key(claim)):
                return TakenUp("found")  # an operator's decision stands
            why = found.why or _objection(found, plan)
            if why or plan is None or claim.sale is None or found.paid is None:
                return _found(connection, found, why)
            return self._enter(connection, found=found, sale=claim.sale, plan=plan, paid=found.paid)

    def _plan(self, sale: PaidSale | None) -> Plan | None:
        """Return the plan version that was sold, as today's price list has it."""
        if sale is None:
            return None
        sold = sale.sold
        try:
            catalog = self._context.catalog(sold.catalog)
            return plan_in(catalog, sold.plan_id, sold.version, sale.currency)
        except InvalidInput:
            return None

    def _enter(
        self, connection: Connection, found: MoneyFound, sale: PaidSale, plan: Plan, paid: Paid
    ) -> TakenUp:
        buyer = found.buyer
        lasting = lasts(sale, plan)
        lost = _lost(found.claim, sale, plan, booked=lasting or buyer.window.end > buyer.at)
        account, subscription = buyer.account_id, buyer.subscription_id
        status = lost_charges.take_up(
            connection, account_id=account, subscription_id=subscription, lost=lost, at=buyer.at
        )
        if status in REASONS:
            return _found(connection, found, REASONS[status])
        charge = _charge(buyer, sale, plan, lost)
        taken = TakenUp(Outcome.OPENED, charge, lost.quantity_micro, lasting)
        if status == Outcome.OPENED:
            keep_note(connection, account, charge, lasting=lasting)
        else:
            # On the terms of the plan version that was sold.
            purchase = PaidPurchase(replace(buyer, plan=plan), charge, paid)
            grant(self._context, connection, purchase, first=True)
            taken = replace(
                taken, status=Outcome.GRANTED, available_micro=_available(connection, buyer)
            )
        findings.close(connection, finding_key(found.claim), "taken up since", buyer.at)
        return taken


def _again(
    connection: Connection, found: MoneyFound, known: ChargeRecord, plan: Plan | None
) -> TakenUp:
    """Return the first answer again, because it may never have reached the workflow."""
    buyer, claim, sale = found.buyer, found.claim, found.claim.sale
    if known.invoice != claim.invoice or sale is None or plan is None or deviation(sale, plan):
        return TakenUp(Outcome.REPEATED)
    charge = _charge(buyer, sale, plan, _lost(claim, sale, plan, booked=False))
    taken = TakenUp(Outcome.OPENED, charge, sale.sold.quantity_micro, lasts(sale, plan))
    if known.state != ChargeState.PAID:
        return taken if known.state == ChargeState.OPEN else TakenUp(Outcome.REPEATED)
    return replace(taken, status=Outcome.GRANTED, available_micro=_available(connection, buyer))


def _available(connection: Connection, buyer: Buyer) -> int:
    return balances.available(connection, buyer.account_id, buyer.plan.credit_type, buyer.at)


def _objection(found: MoneyFound, plan: Plan | None) -> str:
    """Return why found money is not granted, or ""."""
    buyer, claim = found.buyer, found.claim
    mine = (buyer.subscription_id, buyer.customer_id, buyer.payer)
    if (claim.subscription_id, claim.customer_id, claim.payer) != mine:
        return "it belongs to another customer"
    if claim.sale is None:
        return "its invoice does not say what it sold"
    if plan is None:
        return "the price list has no such plan version"
    if not buyer.plan.paid:
        return "the plan is free now, so the purchased credits would be frozen"
    return deviation(claim.sale, plan)


def _lost(claim: Claim, sale: PaidSale, plan: Plan, *, booked: bool) -> LostCharge:
    sold = sale.sold
    is_pack = sale.kind is ChargeKind.PACK
    return LostCharge(
        charge_id=claim.charge_id,
        kind=sale.kind,
        currency=sale.currency,
        amount_minor=sale.amount_minor,
        surcharge_minor=surcharge_of(sale, plan),
        quantity_micro=sold.quantity_micro,
        pack=sold_pack(plan.pack(sold.pack_id), sold.count) if is_pack else None,
        invoice=claim.invoice,
        booked=booked,
    )


def _charge(buyer: Buyer, sale: PaidSale, plan: Plan, lost: LostCharge) -> Charge:
    lines = purchase_lines(lost.quantity_micro, lost.amount_minor, lost.surcharge_minor)
    if sale.kind is ChargeKind.PACK:
        words = pack_words(plan.pack(sale.sold.pack_id).name, sale.sold.count)
        lines = (ChargeLine(words, lost.amount_minor),)
    return Charge(
        charge_id=lost.charge_id,
        kind=sale.kind,
        customer_id=buyer.customer_id,
        subscription_id=buyer.subscription_id,
        payer=buyer.payer,
        currency=lost.currency,
        lines=lines,
        sold=sale.sold,
    )


def _found(connection: Connection, found: MoneyFound, why: str) -> TakenUp:
    claim, buyer = found.claim, found.buyer
    findings.record(
        connection,
        Finding(
            key=finding_key(claim),
            kind=FindingKind.PAID_WITHOUT_CHARGE,
            customer_id=buyer.customer_id,
            subscription_id=buyer.subscription_id,
            charge_id=claim.charge_id,
            processor_id=claim.invoice,
            detail=f"{format_money(claim.amount_minor, claim.currency)}: no charge here; {why}",
            at=buyer.at,
        ),
    )
    return TakenUp("found")
