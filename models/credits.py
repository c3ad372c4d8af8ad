"""Credits: grants, the journal, holds, counters and what people are told of them."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Enum, Integer, Numeric, SmallInteger
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base

ENTRY_KINDS = (
    "grant", "debit", "hold", "capture", "release", "expiry", "adjustment", "void", "correction",
    "rollover", "refund", "chargeback", "debt", "reopen", "repayment",
)  # fmt: skip


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


class Line:
    """The columns of a line of the journal, wherever it is kept."""

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


class Entry(Line, Base):
    """One line of the journal."""

    __tablename__ = "entries"


class ArchivedEntry(Line, Base):
    """An old line of the journal, kept apart."""

    __tablename__ = "archived_entries"


class CarriedSum(Base):
    """What the archived lines of a grant and a kind come to."""

    __tablename__ = "carried"
    account_id: Mapped[int] = mapped_column(primary_key=True)
    grant_id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Enum(*ENTRY_KINDS, name="entry_kind"), primary_key=True)
    credit_type: Mapped[str]
    change: Mapped[Decimal] = mapped_column(Numeric)
    held_change: Mapped[Decimal] = mapped_column(Numeric)
    debt_change: Mapped[Decimal] = mapped_column(Numeric)
    minor: Mapped[Decimal] = mapped_column(Numeric)
    given_back: Mapped[Decimal] = mapped_column(Numeric)


class SummedDay(Base):
    """What was used on a day that is over, by action and tags; a place in each list for each sum.

    None: looked at and not kept.
    """

    __tablename__ = "summed_days"
    account_id: Mapped[int] = mapped_column(primary_key=True)
    after: Mapped[int] = mapped_column(primary_key=True)
    upto: Mapped[int] = mapped_column(primary_key=True)
    actions: Mapped[list[str] | None]
    tags: Mapped[list[Any] | None] = mapped_column(ARRAY(JSONB))
    credit_types: Mapped[list[str] | None]
    events: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger))
    quantities: Mapped[list[Decimal] | None] = mapped_column(ARRAY(Numeric))
    credits: Mapped[list[Decimal] | None] = mapped_column(ARRAY(Numeric))


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


class NamedRequest(Base):
    """What a request did that was named: a line of the journal, or a charge."""

    __tablename__ = "named_requests"
    account_id: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    charge_id: Mapped[str] = mapped_column(primary_key=True)
    request_id: Mapped[str]


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
