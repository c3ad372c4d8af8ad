"""Months that finance has closed, and their figures."""

from datetime import date, datetime

from sqlalchemy import Numeric
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base

SUM = Numeric(38, 0)


class ClosedMonth(Base):
    """Who closed a month, when, and how the comparison with the processor stood."""

    __tablename__ = "closed_months"
    month: Mapped[date] = mapped_column(primary_key=True)
    closed_by: Mapped[str]
    closed_at: Mapped[datetime]
    compared: Mapped[bool | None]
    settled: Mapped[int]
    open_findings: Mapped[list[str]]
    reason: Mapped[str | None]
    recorded_at: Mapped[datetime]


class ClosedFigures(Base):
    """The figures of one currency with which a month was closed, in minor units."""

    __tablename__ = "closed_figures"
    month: Mapped[date] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    opening: Mapped[int] = mapped_column(SUM)
    cash: Mapped[int] = mapped_column(SUM)
    imported: Mapped[int] = mapped_column(SUM)
    revenue: Mapped[int] = mapped_column(SUM)
    breakage: Mapped[int] = mapped_column(SUM)
    refunds: Mapped[int] = mapped_column(SUM)
    disputes: Mapped[int] = mapped_column(SUM)
    closing: Mapped[int] = mapped_column(SUM)
    earned_not_posted: Mapped[int] = mapped_column(SUM)
    broken_not_posted: Mapped[int] = mapped_column(SUM)
    liability: Mapped[int] = mapped_column(SUM)
    recorded_at: Mapped[datetime]
    receivable: Mapped[int] = mapped_column(SUM)
