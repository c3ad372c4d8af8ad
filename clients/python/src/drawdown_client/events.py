"""A usage event: what one customer used, named by its key for ever."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from drawdown_client import amounts
from drawdown_client.amounts import Amount


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Event:
    """One action that was performed.

    `key` names it for ever: sent again with the same content, it is charged once. `event_at`, when
    it happened, is content: keep it with the key if you may make the event a second time.
    `confirmed`: a person has agreed to the price; not part of the content.

    Raises `TypeError` for a float, `ValueError` for an instant without a time zone.
    """

    customer_id: str
    key: str
    action: str
    quantity: Amount = 1
    event_at: datetime = field(default_factory=_now)
    tags: Mapping[str, str] = field(default_factory=dict)
    confirmed: bool = False

    def __post_init__(self) -> None:
        """Refuse at once what cannot be sent exactly."""
        for name in ("customer_id", "key", "action"):
            if not isinstance(getattr(self, name), str):
                raise TypeError(f"`{name}` must be a text")
        object.__setattr__(self, "quantity", amounts.exact(self.quantity))
        amounts.instant(self.event_at)

    @property
    def exact_quantity(self) -> Decimal:
        """Return the quantity as a decimal."""
        return amounts.exact(self.quantity)


def body(event: Event) -> dict[str, Any]:
    """Return an event as it is sent."""
    sent: dict[str, Any] = {
        "customer_id": event.customer_id,
        "key": event.key,
        "action": event.action,
        "quantity": amounts.text(event.exact_quantity),
        "event_at": amounts.instant(event.event_at),
    }
    if event.tags:
        sent["tags"] = dict(event.tags)
    if event.confirmed:
        sent["confirmed"] = True
    return sent


def of(sent: Mapping[str, Any]) -> Event:
    """Return the event of a body."""
    return Event(
        customer_id=sent["customer_id"],
        key=sent["key"],
        action=sent["action"],
        quantity=sent["quantity"],
        event_at=amounts.read_instant(sent["event_at"]),
        tags=sent.get("tags", {}),
        confirmed=sent.get("confirmed", False),
    )
