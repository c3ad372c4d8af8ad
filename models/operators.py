"""People who run the engine."""

from datetime import datetime
from typing import Any

from sqlalchemy import Integer
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class OperatorRow(Base):
    """An operator's account; it stays when it is disabled."""

    __tablename__ = "operators"
    email: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    role: Mapped[str]
    password: Mapped[str | None]
    issuer: Mapped[str | None]
    subject: Mapped[str | None]
    epoch: Mapped[int] = mapped_column(Integer)
    failures: Mapped[int] = mapped_column(Integer)
    locked_until: Mapped[datetime | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime]


class OperatorAct(Base):
    """Who did something for a customer and why; `seconded`: it needs another operator."""

    __tablename__ = "operator_acts"
    account_id: Mapped[int] = mapped_column(primary_key=True)
    act_id: Mapped[str] = mapped_column(primary_key=True)
    act: Mapped[str]
    content: Mapped[dict[str, Any]]
    made_by: Mapped[str]
    reason: Mapped[str]
    at: Mapped[datetime]
    seconded: Mapped[bool]
    state: Mapped[str]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime]
