"""Rebuilds the state of a subscription whose workflow was lost from its rows in the ledger."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from temporalio.converter import value_to_type

from domain.payments.charges import Charge, Decline
from domain.payments.taxes import LOCATION_MISSING
from domain.periods import Window
from domain.plan_calendar import window_at
from domain.pricing.catalog import Plan
from domain.pricing.proration import ChangeQuote
from domain.subscription import Arrears, OpenCharge, Pause, Start, Step
from domain.subscription_state import SubscriptionState
from ledger import accounts, balances, checkpoints
from ledger.checkpoints import NotedCharge
from ledger.payments import coupons, findings
from ledger.subscriptions import StoredSubscription


def restored(
    connection: Connection, start: Start, stored: StoredSubscription, plan: Plan, at: datetime
) -> SubscriptionState:
    """Return where a subscription whose period has begun stands at an instant.

    Usage that was reported but not decided is not in the ledger: its senders repeat it.
    """
    account_id, zone, mine = stored.account_id, stored.time_zone, stored.subscription_id
    period = stored.period()
    wallet = checkpoints.standing(connection, account_id)
    state = SubscriptionState(
        start,
        account_id=account_id,
        time_zone=zone,
        begun_at=stored.begins_at,
        anchor=stored.anchor,
        plan=plan,
        next_plan=_read(Plan, stored.next_plan),
        period=period,
        window=window_at(plan=plan, anchor=stored.anchor, zone=zone, period=period, at=at).part,
        cancel_at_end=stored.cancel_at_end,
        auto_purchase=wallet.auto_on,
        pauses=tuple(Pause(cause) for cause in wallet.paused_by),
        purchases=checkpoints.last_number(connection, account_id, f"{mine}:auto:"),
        upgrades=checkpoints.last_number(connection, account_id, f"{mine}:upgrade:"),
        renewals_dropped=checkpoints.void_renewals(connection, account_id, mine),
        available_micro=balances.available(connection, account_id, plan.credit_type, at),
        balance_as_of=at,
        findings=findings.count_of(connection, mine),
        awaits_card=checkpoints.awaits_card(connection, account_id),
        held=Pause.BY_OPERATOR in wallet.paused_by,
        pause_note=accounts.pause_note(connection, account_id),
        coupon=coupons.of_period(connection, account_id, mine),
    )
    unpaid = checkpoints.unpaid_period(connection, account_id, mine)
    charges = open_charges(connection, state)
    if Pause.PAYMENT_FAILED not in state.pauses or period.end > at or unpaid is None:
        return replace(state, charges=charges)
    lapsed = not unpaid.get("retry_at")
    return replace(state, charges=charges, lapsed=lapsed, arrears=_arrears(unpaid))


def _arrears(unpaid: dict[str, Any]) -> Arrears:
    return Arrears(
        _read(datetime, unpaid.get("first_declined_at")),
        unpaid.get("declines", 0),
        _read(datetime, unpaid.get("ends_at")),
    )


def open_charges(connection: Connection, state: SubscriptionState) -> tuple[OpenCharge, ...]:
    """Return the unsettled charges as they were left."""
    found = checkpoints.open_charges(connection, state.account_id, state.subscription_id)
    return tuple(_open_charge(noted, state) for noted in found)


def _open_charge(noted: NotedCharge, state: SubscriptionState) -> OpenCharge:
    """Return a charge as it was left.

    If it was never declined it is collected again under the same keys, which finds whatever the
    processor has done meanwhile.
    """
    note = noted.note
    period: Window | None = _read(Window, note.get("period"))
    ends = period or state.period
    return OpenCharge(
        value_to_type(Charge, note["charge"]),
        _step(noted),
        noted.opened_at,
        quantity_micro=noted.quantity_micro,
        plan=_read(Plan, note.get("plan")) or state.plan,
        period=period,
        window_end=noted.window_end or (ends.end if ends else None),
        invoice="" if note.get("looked_into") else noted.invoice,
        attempt=max(1, noted.declines),
        declines=note.get("declines", noted.declines),
        first_declined_at=_read(datetime, note.get("first_declined_at")),
        pay_at=period.start if period else None,
        retry_at=_read(datetime, note.get("retry_at")),
        ends_at=_read(datetime, note.get("ends_at")),
        quote=_read(ChangeQuote, note.get("quote")),
        anchor=_read(datetime, note.get("anchor")),
        time_zone=note.get("time_zone", ""),
        confirmed=note.get("confirmed", False),
        needs_window=not note.get("lasting", False),
        refused=note.get("looked_into") == Decline.REFUSED,
        look_at=noted.opened_at if noted.processing else None,  # which finds out where it stands
        placeless=noted.decline_code == LOCATION_MISSING,
        granted=noted.granted,
    )


def _step(noted: NotedCharge) -> Step:
    if noted.processing:
        return Step.SENT if noted.note.get("sent") else Step.PROCESSING
    if noted.note.get("looked_into") == Decline.DIFFERS:
        return Step.REVIEW
    return Step.DECLINED if noted.declines else Step.PREPARING


def _read(kind: Any, value: Any) -> Any:
    return value_to_type(kind, value) if value else None
