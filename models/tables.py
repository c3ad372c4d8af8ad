"""The tables as SQLAlchemy reads them; migrations/sql holds the constraints and their reasons."""

from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, Enum, Identity, Integer, SmallInteger
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base

ENTRY_KINDS = (
    "grant", "debit", "hold", "capture", "release", "expiry", "adjustment", "void", "correction",
    "rollover", "refund", "chargeback", "debt", "reopen", "repayment",
)  # fmt: skip
BOOKS = ("cash", "deferred_revenue", "revenue", "breakage", "refunds", "disputes")


class Customer(Base):
    """The paying organization; `account_id` is the key of everything it owns."""

    __tablename__ = "customers"
    customer_id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[int]
    name: Mapped[str]
    email: Mapped[str]
    locale: Mapped[str]
    time_zone: Mapped[str]
    payer: Mapped[str | None]
    finance_email: Mapped[str | None]
    recorded_at: Mapped[datetime]


class Wallet(Base):
    """The lock row of a customer."""

    __tablename__ = "wallets"
    account_id: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int]
    decided_at: Mapped[datetime]
    transfer_seq: Mapped[int]
    state: Mapped[str]
    paused_by: Mapped[list[str]]
    window_start: Mapped[datetime | None]
    window_end: Mapped[datetime | None]
    alert_type: Mapped[str | None]
    alert_level: Mapped[int]
    frozen: Mapped[bool]
    kept_until: Mapped[datetime | None]
    next_lapse: Mapped[datetime]


class Policy(Base):
    """What the lock must know of the plan."""

    __tablename__ = "policies"
    account_id: Mapped[int] = mapped_column(primary_key=True)
    late_usage: Mapped[str]
    own_alerts: Mapped[bool]
    reopen_days: Mapped[int] = mapped_column(Integer)
    debt_repaid_from: Mapped[str]
    buys_while_paused: Mapped[bool]
    card_usable: Mapped[bool]
    currency: Mapped[str]
    auto_on: Mapped[bool]
    auto_credit_type: Mapped[str | None]
    auto_unit: Mapped[int | None]
    auto_cap: Mapped[int | None]
    cap_bounds: Mapped[list[datetime] | None] = mapped_column(ARRAY(DateTime(timezone=True)))
    auto_price_num: Mapped[int | None]
    auto_price_den: Mapped[int | None]
    auto_surcharge_num: Mapped[int | None]
    auto_surcharge_den: Mapped[int | None]


class Subscription(Base):
    """A subscription as its workflow last wrote it; enough to rebuild the workflow."""

    __tablename__ = "subscriptions"
    subscription_id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[int]
    plan: Mapped[dict[str, Any]]
    status: Mapped[str]
    anchor: Mapped[datetime]
    time_zone: Mapped[str]
    begins_at: Mapped[datetime | None]
    trial_ends_at: Mapped[datetime | None]
    period_k: Mapped[int] = mapped_column(Integer)
    period_start: Mapped[datetime | None]
    period_end: Mapped[datetime | None]
    next_plan: Mapped[dict[str, Any] | None]
    cancel_at_end: Mapped[bool]
    updated_at: Mapped[datetime]
    recorded_at: Mapped[datetime]


class AllowanceWindow(Base):
    """A window that is paid for."""

    __tablename__ = "windows"
    account_id: Mapped[int] = mapped_column(primary_key=True)
    window_start: Mapped[datetime] = mapped_column(primary_key=True)
    window_end: Mapped[datetime]
    subscription_id: Mapped[str]


class ChargeRow(Base):
    """A demand for money and what became of it."""

    __tablename__ = "charges"
    account_id: Mapped[int] = mapped_column(primary_key=True)
    charge_id: Mapped[str] = mapped_column(primary_key=True)
    subscription_id: Mapped[str]
    kind: Mapped[str]
    state: Mapped[str]
    currency: Mapped[str]
    amount_minor: Mapped[int]
    surcharge_minor: Mapped[int]
    quantity: Mapped[int | None]
    pack: Mapped[dict[str, Any] | None]
    window_start: Mapped[datetime | None]
    window_end: Mapped[datetime | None]
    opened_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    declines: Mapped[int] = mapped_column(Integer)
    decline_code: Mapped[str | None]
    invoice: Mapped[str | None]
    received_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime]


class ChargeNote(Base):
    """What a workflow must know to go on with a charge."""

    __tablename__ = "charge_notes"
    account_id: Mapped[int] = mapped_column(primary_key=True)
    charge_id: Mapped[str] = mapped_column(primary_key=True)
    note: Mapped[dict[str, Any]]


class GrantRow(Base):
    """A block of credits given."""

    __tablename__ = "grants"
    account_id: Mapped[int] = mapped_column(primary_key=True)
    grant_id: Mapped[int] = mapped_column(primary_key=True)
    credit_type: Mapped[str]
    scope: Mapped[list[str] | None]
    source: Mapped[str]
    priority: Mapped[int] = mapped_column(SmallInteger)
    effective_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    tie_1: Mapped[int]
    tie_2: Mapped[int]
    granted: Mapped[int]
    remaining: Mapped[int]
    held: Mapped[int]
    expired: Mapped[int]
    voided: Mapped[int]
    refunded: Mapped[int]
    rolled: Mapped[int]
    owed: Mapped[int]
    is_open: Mapped[bool]
    cost_minor: Mapped[int]
    recognised_minor: Mapped[int]
    broken_minor: Mapped[int]
    refunded_minor: Mapped[int]
    rolled_minor: Mapped[int]
    currency: Mapped[str]
    charge_id: Mapped[str | None]
    part: Mapped[int | None] = mapped_column(Integer)
    rolls_left: Mapped[int] = mapped_column(Integer)
    roll_num: Mapped[int]
    roll_den: Mapped[int]
    roll_cap: Mapped[int | None]
    roll_priority: Mapped[int] = mapped_column(SmallInteger)
    rolled_at: Mapped[datetime]
    rollable: Mapped[int]
    rolled_from: Mapped[int | None]
    unrolled: Mapped[int]


class Counter(Base):
    """What debits count in a window, or for ever."""

    __tablename__ = "counters"
    account_id: Mapped[int] = mapped_column(primary_key=True)
    counter: Mapped[str] = mapped_column(primary_key=True)
    window_start: Mapped[datetime] = mapped_column(primary_key=True)
    value: Mapped[int]


class Limit(Base):
    """How far a counter of credits may go in a window."""

    __tablename__ = "limits"
    account_id: Mapped[int] = mapped_column(primary_key=True)
    counter: Mapped[str] = mapped_column(primary_key=True)
    credit_type: Mapped[str] = mapped_column(primary_key=True)
    ceiling: Mapped[int]
    refusal: Mapped[str]
    since: Mapped[datetime]


class Threshold(Base):
    """A balance at which somebody is told."""

    __tablename__ = "thresholds"
    account_id: Mapped[int] = mapped_column(primary_key=True)
    threshold: Mapped[str] = mapped_column(primary_key=True)
    percent: Mapped[int | None] = mapped_column(Integer)
    amount: Mapped[int | None]
    channel: Mapped[str]
    rearms: Mapped[bool]


class NoticeRow(Base):
    """What people read inside the product."""

    __tablename__ = "notices"
    account_id: Mapped[int] = mapped_column(primary_key=True)
    notice_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    payload: Mapped[dict[str, Any]]
    at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    read_at: Mapped[datetime | None]


class Entry(Base):
    """One line of the journal."""

    __tablename__ = "entries"
    account_id: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    line: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    grant_id: Mapped[int | None]
    change: Mapped[int]
    held_change: Mapped[int]
    balance_after: Mapped[int]
    held_after: Mapped[int]
    available_after: Mapped[int]
    event_at: Mapped[datetime]
    at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    quantity: Mapped[int | None]
    corrects: Mapped[int | None]
    debt_change: Mapped[int | None]
    kind: Mapped[str] = mapped_column(Enum(*ENTRY_KINDS, name="entry_kind"))
    late: Mapped[bool]
    credit_type: Mapped[str]
    key: Mapped[str | None]
    action: Mapped[str | None]
    served_as: Mapped[str | None]
    tags: Mapped[dict[str, Any] | None]


class HoldRow(Base):
    """Credits set aside for work in progress, and how that ended."""

    __tablename__ = "holds"
    account_id: Mapped[int] = mapped_column(primary_key=True)
    hold_id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str]
    action: Mapped[str]
    served_as: Mapped[str | None]
    quantity: Mapped[int]
    credit_type: Mapped[str]
    ways: Mapped[dict[str, Any]]
    counters: Mapped[list[str]]
    once: Mapped[str | None]
    window_start: Mapped[datetime]
    asked_lapse: Mapped[datetime]
    lapses_at: Mapped[datetime]
    state: Mapped[str]
    resolved_seq: Mapped[int | None]
    resolved_at: Mapped[datetime | None]
    captured: Mapped[int | None]
    taken: Mapped[dict[str, Any] | None]
    uncollected: Mapped[dict[str, Any] | None]
    forgiven: Mapped[dict[str, Any]]


class HoldLine(Base):
    """What a hold sets aside in one grant."""

    __tablename__ = "hold_lines"
    account_id: Mapped[int] = mapped_column(primary_key=True)
    hold_id: Mapped[int] = mapped_column(primary_key=True)
    line: Mapped[int] = mapped_column(SmallInteger)
    grant_id: Mapped[int] = mapped_column(primary_key=True)
    credit_type: Mapped[str]
    amount: Mapped[int]


class Posting(Base):
    """One leg of a transfer of money."""

    __tablename__ = "postings"
    account_id: Mapped[int] = mapped_column(primary_key=True)
    transfer_id: Mapped[int] = mapped_column(primary_key=True)
    line: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    book: Mapped[str] = mapped_column(Enum(*BOOKS, name="book"))
    amount_minor: Mapped[int]
    currency: Mapped[str]
    cause: Mapped[str]
    charge_id: Mapped[str | None]
    grant_id: Mapped[int | None]
    at: Mapped[datetime]
    recorded_at: Mapped[datetime]


class RefundRow(Base):
    """Money sent back for a charge."""

    __tablename__ = "refunds"
    account_id: Mapped[int] = mapped_column(primary_key=True)
    refund_id: Mapped[str] = mapped_column(primary_key=True)
    charge_id: Mapped[str]
    amount_minor: Mapped[int]
    state: Mapped[str]
    reason: Mapped[str | None]
    made_by: Mapped[str | None]
    at: Mapped[datetime]
    recorded_at: Mapped[datetime]


class DisputeRow(Base):
    """Money of a charge that a bank took back, for now or for good."""

    __tablename__ = "disputes"
    account_id: Mapped[int] = mapped_column(primary_key=True)
    dispute_id: Mapped[str] = mapped_column(primary_key=True)
    charge_id: Mapped[str]
    amount_minor: Mapped[int]
    state: Mapped[str]
    at: Mapped[datetime]
    recorded_at: Mapped[datetime]


class Refusal(Base):
    """Fire-and-forget usage that was refused, and why."""

    __tablename__ = "refusals"
    account_id: Mapped[int] = mapped_column(primary_key=True)
    refusal_id: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str | None]
    reason: Mapped[str]
    request: Mapped[str]
    at: Mapped[datetime]
    recorded_at: Mapped[datetime]


class OutboxMessage(Base):
    """What the outside must be told, at least once."""

    __tablename__ = "outbox"
    account_id: Mapped[int] = mapped_column(primary_key=True)
    message_key: Mapped[str] = mapped_column(primary_key=True)
    lane: Mapped[str]
    payload: Mapped[dict[str, Any]]
    recorded_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]
    refused: Mapped[str | None]


class MemberRow(Base):
    """A person of a customer; `removed_at` once they left, for the history stays."""

    __tablename__ = "members"
    account_id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str]
    role: Mapped[str]
    restricted: Mapped[bool]
    limits: Mapped[dict[str, Any]]
    removed_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime]


class ApprovalRow(Base):
    """What a member asked an admin for, and how it ended."""

    __tablename__ = "approvals"
    account_id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    subscription_id: Mapped[str]
    kind: Mapped[str]
    member_id: Mapped[str]
    wish: Mapped[dict[str, Any]]
    credit_type: Mapped[str]
    amount: Mapped[int]
    state: Mapped[str]
    asked_at: Mapped[datetime]
    lapses_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
    reason: Mapped[str | None]
    needed: Mapped[int | None]
    recorded_at: Mapped[datetime]


class PauseRow(Base):
    """When and why a wallet was paused (or resumed), and by whom."""

    __tablename__ = "pauses"
    account_id: Mapped[int] = mapped_column(primary_key=True)
    pause_id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    at: Mapped[datetime]
    cause: Mapped[str]
    paused: Mapped[bool]
    reason: Mapped[str]
    made_by: Mapped[str]
    recorded_at: Mapped[datetime]


class PlanChangeRow(Base):
    """A change of plan that was asked for with a key, and what was answered."""

    __tablename__ = "plan_changes"
    account_id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    plan_id: Mapped[str]
    answer: Mapped[dict[str, Any]]
    at: Mapped[datetime]
    recorded_at: Mapped[datetime]


class FindingRow(Base):
    """What an operator must look at; `settled_at` once somebody has."""

    __tablename__ = "findings"
    key: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    customer_id: Mapped[str | None]
    subscription_id: Mapped[str | None]
    charge_id: Mapped[str | None]
    processor_id: Mapped[str | None]
    detail: Mapped[str]
    at: Mapped[datetime]
    settled_by: Mapped[str | None]
    settled_reason: Mapped[str | None]
    settled_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime]


class PublishedRow(Base):
    """What a price list promised; the newest `revision` of an item says what holds."""

    __tablename__ = "published"
    catalog: Mapped[str] = mapped_column(primary_key=True)
    item: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    terms: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    made_by: Mapped[str | None]
    reason: Mapped[str | None]
    at: Mapped[datetime]
    recorded_at: Mapped[datetime]
