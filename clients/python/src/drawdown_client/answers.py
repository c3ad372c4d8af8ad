"""What the engine answers, with exact decimals and instants."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from drawdown_client import amounts


@dataclass(frozen=True, slots=True)
class Debited:
    """An event that was charged, now or before (`repeated`, `already_unlocked`)."""

    customer_id: str
    key: str
    status: Literal["debited", "repeated", "already_unlocked"]
    seq: int | None
    available: Decimal | None
    charged: Mapping[str, Decimal]
    served_as: str | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """An event that waits for a purchase or a renewal: send it again with the same key."""

    customer_id: str
    key: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """An event of several that was refused; its key is not bound."""

    customer_id: str
    key: str
    reason: str
    cure: str
    missing: Decimal | None = None
    asked: Mapping[str, Any] | None = None


Outcome = Debited | Pending | Refusal


@dataclass(frozen=True, slots=True)
class Check:
    """Whether an event would be allowed, and what it would take; or why not.

    `pending`: it would be, once credits are bought or a renewal is paid.
    """

    allowed: bool
    charged: Mapping[str, Decimal]
    available: Decimal | None
    pending: bool = False
    served_as: str | None = None
    reason: str | None = None
    cure: str | None = None
    missing: Decimal | None = None
    asked: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """Credits set aside until `lapses_at`, and what became of them."""

    status: str
    state: str | None
    seq: int | None
    held: Mapping[str, Decimal]
    available: Decimal | None
    lapses_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Captured:
    """What a hold's work cost at last; `uncollected` was not covered and is not owed."""

    status: str
    seq: int | None
    available: Decimal | None
    taken: Mapping[str, Decimal]
    uncollected: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Ending:
    """A subscription that ends with its period (`canceled`), has ended, or would (`preview`).

    At `effective_at` the `lost_credits` expire; the `kept_credits` wait for the next paid plan.
    """

    status: Literal["canceled", "ended", "preview"]
    effective_at: datetime
    lost_credits: Mapping[str, Decimal]
    kept_credits: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Renewal:
    """A subscription that goes on (`uncanceled`), or would (`preview`): what is charged, and when.

    `amount_minor` is in minor units of `currency`, without what the processor adds or takes off.
    """

    status: Literal["uncanceled", "preview"]
    plan: str
    renews_at: datetime
    amount_minor: int
    currency: str


def read_debited(raw: Any) -> Debited:
    """Read the answer to one event."""
    return Debited(
        customer_id=raw["customer_id"],
        key=raw["key"],
        status=raw["status"],
        seq=raw["seq"],
        available=optional(raw["available"]),
        charged=amounts.read_each(raw["charged"]),
        served_as=raw.get("served_as"),
    )


def read_outcome(raw: Any) -> Outcome:
    """Read the outcome of one event of several."""
    match raw["status"]:
        case "pending":
            return Pending(raw["customer_id"], raw["key"])
        case "refused":
            return Refusal(
                customer_id=raw["customer_id"],
                key=raw["key"],
                reason=raw["reason"],
                cure=raw["cure"],
                missing=optional(raw.get("missing")),
                asked=raw.get("asked"),
            )
        case _:
            return read_debited(raw)


def read_check(raw: Any) -> Check:
    """Read the answer to a check."""
    return Check(
        allowed=raw["allowed"],
        charged=amounts.read_each(raw.get("charged") or {}),
        available=optional(raw.get("available")),
        pending=raw.get("pending", False),
        served_as=raw.get("served_as"),
        reason=raw.get("reason"),
        cure=raw.get("cure"),
        missing=optional(raw.get("missing")),
        asked=raw.get("asked"),
    )


def read_held(raw: Any) -> Held:
    """Read the state of a hold."""
    lapses_at = raw.get("lapses_at")
    return Held(
        status=raw["status"],
        state=raw.get("state"),
        seq=raw["seq"],
        held=amounts.read_each(raw.get("held") or {}),
        available=optional(raw["available"]),
        lapses_at=amounts.read_instant(lapses_at) if lapses_at else None,
    )


def read_captured(raw: Any) -> Captured:
    """Read the answer to a capture."""
    return Captured(
        status=raw["status"],
        seq=raw["seq"],
        available=optional(raw["available"]),
        taken=amounts.read_each(raw.get("taken") or {}),
        uncollected=amounts.read_each(raw.get("uncollected") or {}),
    )


def read_ending(raw: Any) -> Ending:
    """Read how a subscription ends."""
    return Ending(
        status=raw["status"],
        effective_at=amounts.read_instant(raw["effective_at"]),
        lost_credits=amounts.read_each(raw["lost_credits"]),
        kept_credits=amounts.read_each(raw["kept_credits"]),
    )


def read_renewal(raw: Any) -> Renewal:
    """Read how a subscription goes on."""
    return Renewal(
        status=raw["status"],
        plan=raw["plan"],
        renews_at=amounts.read_instant(raw["renews_at"]),
        amount_minor=raw["amount_minor"],
        currency=raw["currency"],
    )


def optional(value: Any) -> Decimal | None:
    """Read an amount that need not be there."""
    return None if value is None else amounts.read(value)
