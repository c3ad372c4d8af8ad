"""What a customer has, with exact decimals and instants."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from drawdown_client import amounts


@dataclass(frozen=True, slots=True)
class Grant:
    """A block of credits that was given: how much of it is left, until when, and why."""

    grant_id: int
    source: str
    reason: str | None
    charge_id: str | None
    granted: Decimal
    used: Decimal
    available: Decimal
    held: Decimal
    frozen: Decimal
    effective_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class AutoPurchase:
    """The switch, the unit that is bought, and this window's total against the cap.

    `unit_price_minor` is in minor units of `currency`.
    """

    on: bool
    in_flight: bool
    card_usable: bool
    unit: Decimal
    cap: Decimal
    bought: Decimal
    left: Decimal
    unit_price_minor: int | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class CreditType:
    """One credit type of a customer.

    `available` is what the plan includes and what is extra; `included` and `used` are of this
    window; `per_day` is how fast it is used, `days_to_empty` how long it lasts so.
    """

    available: Decimal
    included_available: Decimal
    extra_available: Decimal
    held: Decimal
    frozen: Decimal
    owed: Decimal
    included: Decimal
    used: Decimal
    next_reset_at: datetime | None
    per_day: Decimal
    days_to_empty: int | None
    suggested_pack: str | None
    auto_purchase: AutoPurchase | None
    grants: tuple[Grant, ...]


@dataclass(frozen=True, slots=True)
class SentInvoice:
    """An invoice that is paid by transfer, with its day; `paid_minor` of it has come so far."""

    number: str
    due_at: datetime
    paid_minor: int
    page: str


@dataclass(frozen=True, slots=True)
class OnItsWay:
    """Money that comes later, in minor units: a bank decides, or an `invoice` waits.

    `credits` of `credit_type` are granted once it has come; None: it pays a plan. If they were
    `granted` before, they are taken back should it fail.
    """

    charge_id: str
    kind: str
    amount_minor: int
    currency: str
    credits: Decimal | None
    credit_type: str | None
    since: datetime
    granted: bool = False
    invoice: SentInvoice | None = None


@dataclass(frozen=True, slots=True)
class Balance:
    """What a customer has, as of line `seq` of its ledger."""

    customer_id: str
    seq: int
    at: datetime
    credit_types: Mapping[str, CreditType]
    on_its_way: tuple[OnItsWay, ...] = ()


def read_balance(raw: Any) -> Balance:
    """Read a customer's balance."""
    types = {name: _credit_type(one) for name, one in raw["credit_types"].items()}
    return Balance(
        customer_id=raw["customer_id"],
        seq=raw["seq"],
        at=amounts.read_instant(raw["at"]),
        credit_types=types,
        on_its_way=tuple(_on_its_way(one) for one in raw.get("on_its_way", ())),
    )


def _on_its_way(raw: Any) -> OnItsWay:
    return OnItsWay(
        charge_id=raw["charge_id"],
        kind=raw["kind"],
        amount_minor=raw["amount_minor"],
        currency=raw["currency"],
        credits=None if raw["credits"] is None else amounts.read(raw["credits"]),
        credit_type=raw["credit_type"],
        since=amounts.read_instant(raw["since"]),
        granted=raw.get("granted", False),
        invoice=_invoice(raw["invoice"]) if raw.get("invoice") else None,
    )


def _invoice(raw: Any) -> SentInvoice:
    return SentInvoice(
        number=raw["number"],
        due_at=amounts.read_instant(raw["due_at"]),
        paid_minor=raw["paid_minor"],
        page=raw["page"],
    )


def _credit_type(raw: Any) -> CreditType:
    auto = raw.get("auto_purchase")
    return CreditType(
        available=amounts.read(raw["available"]),
        included_available=amounts.read(raw["included_available"]),
        extra_available=amounts.read(raw["extra_available"]),
        held=amounts.read(raw["held"]),
        frozen=amounts.read(raw["frozen"]),
        owed=amounts.read(raw["owed"]),
        included=amounts.read(raw["included"]),
        used=amounts.read(raw["used"]),
        next_reset_at=_instant(raw["next_reset_at"]),
        per_day=amounts.read(raw["per_day"]),
        days_to_empty=raw.get("days_to_empty"),
        suggested_pack=raw.get("suggested_pack"),
        auto_purchase=None if auto is None else _auto_purchase(auto),
        grants=tuple(_grant(one) for one in raw["grants"]),
    )


def _auto_purchase(raw: Any) -> AutoPurchase:
    return AutoPurchase(
        on=raw["on"],
        in_flight=raw["in_flight"],
        card_usable=raw["card_usable"],
        unit=amounts.read(raw["unit"]),
        cap=amounts.read(raw["cap"]),
        bought=amounts.read(raw["bought"]),
        left=amounts.read(raw["left"]),
        unit_price_minor=raw.get("unit_price_minor"),
        currency=raw.get("currency"),
    )


def _grant(raw: Any) -> Grant:
    return Grant(
        grant_id=raw["grant_id"],
        source=raw["source"],
        reason=raw.get("reason"),
        charge_id=raw.get("charge_id"),
        granted=amounts.read(raw["granted"]),
        used=amounts.read(raw["used"]),
        available=amounts.read(raw["available"]),
        held=amounts.read(raw["held"]),
        frozen=amounts.read(raw["frozen"]),
        effective_at=amounts.read_instant(raw["effective_at"]),
        expires_at=_instant(raw["expires_at"]),
    )


def _instant(value: Any) -> datetime | None:
    return None if value is None else amounts.read_instant(value)
