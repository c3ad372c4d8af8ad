"""Money: charges, postings, what went back, findings; and messages that wait."""

from datetime import datetime
from typing import Any

from sqlalchemy import Enum, Integer, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base

BOOKS = ("cash", "deferred_revenue", "revenue", "breakage", "refunds", "disputes", "opening")


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
    tax_minor: Mapped[int]
    tax: Mapped[dict[str, Any] | None]
    coupon: Mapped[str | None]
    discount_minor: Mapped[int]
    granted_at: Mapped[datetime | None]
    taken_back_at: Mapped[datetime | None]


class ChargeNote(Base):
    """What a workflow must know to go on with a charge."""

    __tablename__ = "charge_notes"
    account_id: Mapped[int] = mapped_column(primary_key=True)
    charge_id: Mapped[str] = mapped_column(primary_key=True)
    note: Mapped[dict[str, Any]]


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


class OutboxMessage(Base):
    """What the outside must be told, at least once."""

    __tablename__ = "outbox"
    account_id: Mapped[int] = mapped_column(primary_key=True)
    message_key: Mapped[str] = mapped_column(primary_key=True)
    topic: Mapped[str]
    payload: Mapped[dict[str, Any]]
    recorded_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]
    refused: Mapped[str | None]
