"""Mails that tell of a balance, or ask a person for a decision."""

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
    """What is left has sunk to a threshold: `percent` of the base, or `threshold_micro` credits."""

    kind: Literal["low_balance"] = "low_balance"
    reader: Reader
    currency: str
    percent: int | None
    balance_micro: int
    base_micro: int
    window_end: datetime
    per_day_micro: int
    days_left: int | None  # at the recent rate of use; None = nothing was used
    used_most: tuple[UsedMost, ...] = ()
    offer: Offer | None = None
    threshold_micro: int | None = None
    auto_on: bool = False  # more is bought by itself when it is needed


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditsExpiring:
    """Credits that are left will expire soon, unless they are used."""

    kind: Literal["credits_expiring"] = "credits_expiring"
    reader: Reader
    expiring_micro: int
    expires_at: datetime
    days: int
    balance_micro: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalAsked:
    """A member asks for something that an admin must decide until `lapses_at`."""

    kind: Literal["approval_asked"] = "approval_asked"
    reader: Reader
    ask: Ask
    available_micro: int
    lapses_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalDecided:
    """What became of a member's request; `held_until` of an operation that was approved."""

    kind: Literal["approval_decided"] = "approval_decided"
    reader: Reader
    ask: Ask
    outcome: Literal["approved", "refused", "lapsed"]
    decided_by: str = ""
    reason: str = ""
    held_until: datetime | None = None
    window_end: datetime | None = None  # until when a higher limit holds
