"""Mails about plans: begun, changed, ended."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from domain.mails.facts import (
    PlanTerms,
    Reader,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome:
    """A subscription became active for the first time."""

    kind: Literal["welcome"] = "welcome"
    reader: Reader
    currency: str
    terms: PlanTerms
    balance_micro: int
    window_end: datetime
    next_at: datetime | None = None  # the next payment, if any
    next_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanChanged:
    """A new plan is in force from `changed_at`."""

    kind: Literal["plan_changed"] = "plan_changed"
    reader: Reader
    currency: str
    old: PlanTerms
    new: PlanTerms
    changed_at: datetime
    paid_minor: int = 0  # 0 = nothing to pay, or too little to charge and waived
    granted_micro: int
    balance_micro: int
    next_at: datetime | None = None
    next_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DowngradeScheduled:
    """A smaller plan takes over at `effective_at`; nothing changes until then."""

    kind: Literal["downgrade_scheduled"] = "downgrade_scheduled"
    reader: Reader
    currency: str
    old: PlanTerms
    new: PlanTerms
    effective_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Canceled:
    """The subscription ends at `effective_at`, which may be the instant of the request."""

    kind: Literal["canceled"] = "canceled"
    reader: Reader
    requested_at: datetime
    effective_at: datetime
    lost_micro: int  # what expires with the subscription, as of the request
    frozen_micro: int  # kept, and spendable again with any paid plan
