"""What the seller's own systems are told, and where."""

from datetime import datetime
from typing import Any

from sqlalchemy import Identity, Integer
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class WebhookEvent(Base):
    """A fact; `position` is its place among all that are published, None: not yet."""

    __tablename__ = "webhook_events"
    account_id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    type: Mapped[str]
    catalog: Mapped[str | None]
    credit_type: Mapped[str | None]
    seq: Mapped[int]
    at: Mapped[datetime]
    payload: Mapped[dict[str, Any]]
    position: Mapped[int | None]
    recorded_at: Mapped[datetime]


class WebhookEndpoint(Base):
    """An address of the seller. `types` and `catalog` None: all."""

    __tablename__ = "webhook_endpoints"
    endpoint_id: Mapped[str] = mapped_column(primary_key=True)
    url: Mapped[str]
    secret: Mapped[str | None]
    old_secret: Mapped[str | None]
    old_until: Mapped[datetime | None]
    types: Mapped[list[str] | None]
    catalog: Mapped[str | None]
    owner_email: Mapped[str]
    state: Mapped[str]
    off_because: Mapped[str | None]
    off_at: Mapped[datetime | None]
    failing_since: Mapped[datetime | None]
    rests_until: Mapped[datetime | None]
    created_at: Mapped[datetime]


class WebhookDelivery(Base):
    """How the delivery of one event to one endpoint went."""

    __tablename__ = "webhook_deliveries"
    account_id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    endpoint_id: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(Integer)
    next_at: Mapped[datetime]
    last_status: Mapped[int | None] = mapped_column(Integer)
    last_failure: Mapped[str | None]
    delivered_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime]
