"""Customers and what they agreed to: wallets, plans, windows, teams."""

from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, Identity, Integer, LargeBinary, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


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
    payment_method: Mapped[str | None]
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
    archived_seq: Mapped[int]
    plan_revision: Mapped[int]


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
    pays_with: Mapped[str]
    auto_kinds: Mapped[list[str]] = mapped_column(ARRAY(Text))
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
    account_id: Mapped[int] = mapped_column(primary_key=True)
    subscription_id: Mapped[str] = mapped_column(primary_key=True)
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
    coupon: Mapped[str | None]
    coupon_terms: Mapped[dict[str, Any] | None]


class AllowanceWindow(Base):
    """A window that is paid for."""

    __tablename__ = "windows"
    account_id: Mapped[int] = mapped_column(primary_key=True)
    window_start: Mapped[datetime] = mapped_column(primary_key=True)
    window_end: Mapped[datetime]
    subscription_id: Mapped[str]


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


class ImportRow(Base):
    """A row of a file from another system: what it said, and who imported it."""

    __tablename__ = "imports"
    account_id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[dict[str, Any]]
    made_by: Mapped[str]
    at: Mapped[datetime]
    recorded_at: Mapped[datetime]


class KeptAnswer(Base):
    """An update that was asked for with a key, and what was answered."""

    __tablename__ = "kept_answers"
    account_id: Mapped[int] = mapped_column(primary_key=True)
    subscription_id: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request: Mapped[str]
    answer: Mapped[dict[str, Any]]
    at: Mapped[datetime]
    recorded_at: Mapped[datetime]


class KeptRequest(Base):
    """A request of the HTTP door that carried a key, and its first answer."""

    __tablename__ = "kept_requests"
    catalog: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    address: Mapped[str]
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    attempt: Mapped[str]
    begun_at: Mapped[datetime]
    status: Mapped[int | None] = mapped_column(Integer)
    answer: Mapped[bytes | None] = mapped_column(LargeBinary)
    answered_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime]
    request_id: Mapped[str | None]


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
