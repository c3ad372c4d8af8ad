"""What follows a declined charge, and what ends the pause it causes."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from activities.context import BillingContext
from activities.notifications.mails import Desk
from activities.notifications.period_mails import purpose_of, serves
from activities.payments.sent_invoices import tell_invoice, tell_void
from activities.purchases.buyers import Buyer
from activities.uninterrupted import uninterrupted
from domain.mails.facts import neutral_reason
from domain.mails.money import LookedInto, Paused, PaymentFailed, Resumed
from domain.money import format_money
from domain.outcomes import Outcome, Refusal
from domain.payments.charges import (
    LOOKED_INTO,
    Charge,
    ChargeKind,
    ChargeState,
    Decline,
    Declined,
    Paid,
    Sent,
)
from domain.payments.findings import Finding, FindingKind
from domain.payments.sent_invoices import Notice
from domain.payments.taxes import LOCATION_MISSING, PRICE_CHANGED
from domain.subscription import Pause, Status
from ledger import accounts, balances, checkpoints, subscriptions
from ledger.payments import charges, findings, receivables


@dataclass(frozen=True, slots=True)
class FailedCharge:
    """A declined attempt and what follows: a retry at `retry_at`, a pause, or neither.

    During the pause purchased credits can be used until `serves_until`. At `ends_at` the
    subscription ends.
    """

    buyer: Buyer
    charge: Charge
    declined: Declined
    attempt: int
    status: Status
    pause: bool
    retry_at: datetime | None
    serves_until: datetime | None = None
    ends_at: datetime | None = None
    first_declined_at: datetime | None = None
    declines: int = 0
    answer: dict[str, Any] | None = None  # for whoever asked for the purchase
    confirmable: bool = False  # its buyer may still confirm it with the bank
    untried: bool = False  # nothing was tried before: it waited for an address
    sent: Sent | None = None  # an invoice that nobody has paid: no card was tried

    @property
    def looked_into(self) -> str:
        """How operators find it: `refused`, `differs`, or "" if the bank declined."""
        ours = self.declined.decline in LOOKED_INTO
        return self.declined.decline.value if ours else ""


@dataclass(frozen=True, slots=True)
class Resumption:
    """The end of a payment pause, by a payment or because nothing is owed any more."""

    buyer: Buyer
    status: Status
    paid: Paid | None


class DeclineActivities:
    """Declines and the pauses they cause. Each method is one transaction, safe to repeat."""

    def __init__(self, context: BillingContext) -> None:
        self._context = context

    @uninterrupted(name="note_decline")
    def note_decline(self, failed: FailedCharge) -> None:
        """Book a declined attempt; pause and mail in the same transaction."""
        buyer, charge = failed.buyer, failed.charge
        with self._context.engine.begin() as connection:
            state = charges.mark_declined(
                connection,
                account_id=buyer.account_id,
                charge_id=charge.charge_id,
                invoice=failed.declined.invoice,
                attempt=failed.attempt,
                code=failed.declined.code,
                at=buyer.at,
            )
            if state not in (Refusal.DECLINED, Outcome.REPEATED):
                return
            checkpoints.note(
                connection,
                buyer.account_id,
                charge.charge_id,
                first_declined_at=_text(failed.first_declined_at),
                declines=failed.declines,
                retry_at=_text(failed.retry_at) or "",
                ends_at=_text(failed.ends_at),
                looked_into=failed.looked_into,
                answer=failed.answer,
            )
            if failed.pause:
                accounts.set_paused(
                    connection, buyer.account_id, Pause.PAYMENT_FAILED, buyer.at, paused=True
                )
                refused = failed.declined.decline is Decline.REFUSED
                if charge.kind is ChargeKind.AUTO and not refused:
                    checkpoints.await_card(connection, buyer.account_id, charge.charge_id)
            if failed.serves_until is not None:
                accounts.keep_serving(connection, buyer.account_id, failed.serves_until, buyer.at)
            subscriptions.write(connection, buyer.subscription_id, buyer.at, status=failed.status)
            desk = Desk(self._context, connection, buyer.account_id, buyer.subscription_id)
            if failed.looked_into:
                _find(connection, failed)
                _tell_looked_into(desk, failed)
            else:
                _tell_unpaid(desk, failed)

    @uninterrupted(name="void_in_ledger")
    def void(
        self,
        buyer: Buyer,
        charge_id: str,
        gone: bool = False,  # noqa: FBT001, FBT002 - activities' arguments go by position
    ) -> str:
        """Void a charge in the ledger; return its state (`paid` if money had arrived).

        `gone`: it is already void at the processor, so no money can be on its way. Whoever was sent
        its invoice is told not to pay it.
        """
        with self._context.engine.begin() as connection:
            own = (connection, buyer.account_id)
            state = charges.mark_void(*own, charge_id, buyer.at, gone=gone)
            if gone and state == ChargeState.VOID:
                desk = Desk(self._context, *own, buyer.subscription_id)
                tell_void(desk, buyer, charge_id)
        return state

    @uninterrupted(name="resume_payment")
    def resume(self, resumption: Resumption) -> int:
        """End the payment pause and mail it; return the available micro-credits."""
        buyer, paid = resumption.buyer, resumption.paid
        with self._context.engine.begin() as connection:
            changed = accounts.set_paused(
                connection, buyer.account_id, Pause.PAYMENT_FAILED, buyer.at, paused=False
            )
            checkpoints.card_may_work(connection, buyer.account_id)
            subscriptions.write(
                connection, buyer.subscription_id, buyer.at, status=resumption.status
            )
            available = balances.available(
                connection, buyer.account_id, buyer.plan.credit_type, buyer.at
            )
            if changed and serves(resumption.status):
                desk = Desk(self._context, connection, buyer.account_id, buyer.subscription_id)
                next_at, next_minor = desk.next_payment()
                desk.post(
                    f"resumed:{buyer.at.isoformat()}",
                    Resumed(
                        reader=desk.reader(buyer.plan),
                        currency=buyer.plan.currency,
                        paid_minor=paid.amount_minor if paid else None,
                        card=paid.card if paid else None,
                        balance_micro=available,
                        lots=desk.lots(buyer.plan, buyer.at),
                        next_at=next_at,
                        next_minor=next_minor,
                    ),
                )
        return available


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _find(connection: Connection, failed: FailedCharge) -> None:
    """Record a finding, unless one about this charge is still open."""
    finding = _finding(failed)
    if not findings.is_open(connection, finding.kind, failed.charge.charge_id):
        findings.record(connection, finding)


def _finding(failed: FailedCharge) -> Finding:
    charge, declined = failed.charge, failed.declined
    differs = declined.decline is Decline.DIFFERS
    what = format_money(charge.total_minor, charge.currency)
    return Finding(
        key=f"{declined.decline}:{charge.charge_id}:{failed.attempt}",
        kind=FindingKind.AMOUNT_DIFFERS if differs else FindingKind.PROCESSOR_REFUSED,
        customer_id=charge.customer_id,
        subscription_id=charge.subscription_id,
        charge_id=charge.charge_id,
        processor_id=declined.invoice or charge.payer or None,
        detail=f"{what} for {charge.kind}: {declined.detail or declined.code}",
        at=failed.buyer.at,
    )


def _tell_looked_into(desk: Desk, failed: FailedCharge) -> None:
    charge = failed.charge
    desk.post(
        f"looked-into:{charge.charge_id}",
        LookedInto(
            reader=desk.reader(failed.buyer.plan),
            purpose=purpose_of(desk, charge),
            currency=charge.currency,
            amount_minor=charge.total_minor,
            paid=failed.declined.decline is Decline.DIFFERS,
            again=failed.retry_at is not None,
            paused=failed.pause,
        ),
    )


def _tell_unpaid(desk: Desk, failed: FailedCharge) -> None:
    if failed.ends_at is not None and failed.ends_at <= failed.buyer.at:
        return  # the subscription ends now: that mail says why
    if failed.sent is None:
        _tell_decline(desk, failed)
        return
    tell_invoice(
        desk,
        failed.buyer,
        failed.charge,
        failed.sent,
        notice=Notice.UNPAID,
        paused=failed.pause,
        serves_until=failed.serves_until if failed.pause else None,
    )


def _tell_decline(desk: Desk, failed: FailedCharge) -> None:
    buyer, declined = failed.buyer, failed.declined
    if declined.code == PRICE_CHANGED:
        return  # whoever asked is told at once, and nothing was tried
    again = failed.attempt > 1 and failed.declines != 1  # an attempt may be a new invoice only
    again = again and not failed.untried
    retried = again and failed.retry_at is None and failed.pause
    placeless = declined.code == LOCATION_MISSING  # nothing was tried
    if retried and failed.charge.kind is ChargeKind.PERIOD and not placeless:
        lots = desk.lots(buyer.plan, buyer.at)
        desk.post(
            f"paused:{failed.charge.charge_id}",
            Paused(
                reader=desk.for_card(desk.reader(buyer.plan)),
                cause="payment_failed",
                currency=failed.charge.currency,
                owed_minor=failed.charge.total_minor,
                kept_micro=sum(one.credits_micro for one in lots),
                lots=lots,
                serves_until=failed.serves_until,
                ends_at=failed.ends_at,
            ),
        )
        return
    back = receivables.taken_back(desk.connection, buyer.account_id, failed.charge.charge_id)
    reader = desk.for_card(desk.reader(buyer.plan, back.credit_type if back else ""))
    # Other purchases that somebody asked for are voided at once: a link would lead nowhere.
    kept = failed.confirmable or failed.charge.kind in (ChargeKind.PERIOD, ChargeKind.AUTO)
    if kept and declined.decline is Decline.NEEDS_CUSTOMER and declined.invoice_url:
        reader = replace(reader, action_url=declined.invoice_url)
    what = "address-missing" if placeless else "payment-failed"  # each is told once
    desk.post(
        f"{what}:{failed.charge.charge_id}",
        PaymentFailed(
            reader=reader,
            purpose=purpose_of(desk, failed.charge),
            currency=failed.charge.currency,
            amount_minor=failed.charge.total_minor,
            card=declined.card,
            decline=declined.decline,
            reason=neutral_reason(declined.code),
            retry_at=failed.retry_at,
            paused=failed.pause,
            serves_until=failed.serves_until if failed.pause else None,
            ends_at=failed.ends_at,
            taken_back=back is not None,
            owed_micro=back.owed_micro if back else 0,
        ),
    )
