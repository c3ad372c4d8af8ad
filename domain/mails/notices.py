"""Mails that report a balance or ask a person for a decision."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from domain.mails.facts import (
    Ask,
    Offer,
    Reader,
    UsedMost,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LowBalance:
    """The balance fell to a threshold: `percent` of the base, or `threshold_micro` credits."""

    kind: Literal["low_balance"] = "low_balance"
    reader: Reader
    currency: str
    percent: int | None
    balance_micro: int
    base_micro: int
    window_end: datetime
    per_day_micro: int
    days_left: int | None  # at the recent rate of use; None = nothing was used lately
    used_most: tuple[UsedMost, ...] = ()
    offer: Offer | None = None
    threshold_micro: int | None = None
    auto_on: bool = False  # auto-purchase will buy more when needed


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditsExpiring:
    """Credits are about to expire unused."""

    kind: Literal["credits_expiring"] = "credits_expiring"
    reader: Reader
    expiring_micro: int
    expires_at: datetime
    days: int
    balance_micro: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BonusGiven:
    """Credits came as a bonus, `name` as the price list calls it; None: they never expire."""

    kind: Literal["bonus_given"] = "bonus_given"
    reader: Reader
    name: str
    given_micro: int
    expires_at: datetime | None
    balance_micro: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalAsked:
    """A member asks for something that an admin must decide before `lapses_at`."""

    kind: Literal["approval_asked"] = "approval_asked"
    reader: Reader
    ask: Ask
    available_micro: int
    lapses_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalDecided:
    """The decision on a member's request; `held_until` is set for an approved operation."""

    kind: Literal["approval_decided"] = "approval_decided"
    reader: Reader
    ask: Ask
    outcome: Literal["approved", "refused", "lapsed"]
    decided_by: str = ""
    reason: str = ""
    held_until: datetime | None = None
    window_end: datetime | None = None  # when a raised limit ends


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointOff:
    """A webhook endpoint gets nothing any more; its reader is its owner, no customer.

    `is_gone`: it answered that it is gone; else it failed for so many days.
    """

    kind: Literal["endpoint_off"] = "endpoint_off"
    reader: Reader
    endpoint_id: str
    is_gone: bool
    off_at: datetime
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshLink:
    """The link of an older mail has expired; this mail's opens the same for so many days."""

    kind: Literal["fresh_link"] = "fresh_link"
    reader: Reader
    days: int
    is_of_invoices: bool
