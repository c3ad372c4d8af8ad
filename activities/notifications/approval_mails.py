"""Mails that ask admins for a decision and tell members the outcome."""

from dataclasses import replace
from datetime import datetime
from typing import Literal, cast

from sqlalchemy import Connection

from activities.context import BillingContext
from activities.notifications.mails import Desk
from domain.credits import format_credits
from domain.mails.facts import Ask, Reader
from domain.mails.notices import ApprovalAsked, ApprovalDecided
from domain.pricing.catalog import Catalog, Plan
from domain.teams.approvals import Approval, ApprovalRequest, Decision, Kind, State
from domain.teams.members import Member
from ledger import accounts, balances
from ledger.teams import members


def ask_admins(
    context: BillingContext, connection: Connection, plan: Plan, kept: Approval, at: datetime
) -> None:
    """Mail everyone who may decide; the customer itself if the team has no other admin."""
    desk = Desk(context, connection, kept.account_id, kept.subscription_id)
    available = balances.available(connection, kept.account_id, kept.wish.credit_type or "", at)
    mail = ApprovalAsked(
        reader=desk.reader(plan),
        ask=_ask(context.catalog(plan.catalog), kept),
        available_micro=available,
        lapses_at=kept.lapses_at,
    )
    deciders = members.admins(connection, kept.account_id, but=kept.wish.member_id)
    for admin in deciders:
        reader = _to(mail.reader, context, kept, admin)
        key = f"approval-asked:{kept.wish.key}:{admin.member_id}"
        desk.send(admin.email, key, replace(mail, reader=reader))
    if not deciders:
        desk.post(f"approval-asked:{kept.wish.key}", mail)


def tell_requester(
    context: BillingContext,
    connection: Connection,
    kept: Approval,
    decision: Decision,
    held_until: datetime | None = None,
) -> None:
    """Mail the requester the outcome, once."""
    requester = members.named(connection, kept.account_id, kept.wish.member_id)
    if requester is None:
        return
    plan = context.plan_of(connection, kept.subscription_id)
    desk = Desk(context, connection, kept.account_id, kept.subscription_id)
    admin = members.named(connection, kept.account_id, decision.by)
    raised = decision.verdict is State.APPROVED and kept.wish.kind is Kind.CREDITS
    desk.send(
        requester.email,
        f"approval-decided:{kept.wish.key}",
        ApprovalDecided(
            reader=_to(desk.reader(plan), context, kept, requester),
            ask=_ask(context.catalog(plan.catalog), kept),
            outcome=cast(Literal["approved", "refused", "lapsed"], decision.verdict.value),
            decided_by=admin.name if admin else decision.by,
            reason=decision.reason,
            held_until=held_until,
            window_end=accounts.window_end(connection, kept.account_id) if raised else None,
        ),
    )


def in_words(catalog: Catalog, wish: ApprovalRequest) -> str:
    """Return what is asked for, for people."""
    amount = f"{format_credits(wish.amount_micro)} {wish.credit_type}"
    if wish.event is None:
        return f"{amount} above their limit"
    quantity = format_credits(wish.event.quantity_micro)
    return f"{quantity} x {catalog.action(wish.event.action).name}: {amount}"


def _ask(catalog: Catalog, kept: Approval) -> Ask:
    event = kept.wish.event
    return Ask(
        member_name=kept.member_name,
        action_name=catalog.action(event.action).name if event else "",
        quantity_micro=event.quantity_micro if event else None,
        credits_micro=kept.wish.amount_micro,
        note=kept.wish.note,
    )


def _to(reader: Reader, context: BillingContext, kept: Approval, member: Member) -> Reader:
    link = context.approval_link(kept.subscription_id, kept.wish.key, member.member_id)
    return replace(reader, addressee=member.name, action_url=link)
