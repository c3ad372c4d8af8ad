"""Mails about plans: begun, changed, ended."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from domain.mails.facts import Lot, OtherCredits, PlanTerms, Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome:
    """A subscription became active for the first time; `trial`: free of charge until `next_at`."""

    kind: Literal["welcome"] = "welcome"
    reader: Reader
    currency: str
    terms: PlanTerms
    balance_micro: int
    lots: tuple[Lot, ...] = ()  # of the balance
    next_at: datetime | None = None  # the next payment, if any
    next_minor: int | None = None
    trial: bool = False


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
    also: tuple[OtherCredits, ...] = ()  # granted beside
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
    """The subscription ends at `effective_at`, which may be the instant of the request.

    `unpaid_minor`: it ends because this was not paid in time.
    """

    kind: Literal["canceled"] = "canceled"
    reader: Reader
    requested_at: datetime
    effective_at: datetime
    lost_micro: int  # what expires with the subscription, as of the request
    frozen_micro: int  # kept, and spendable again with any paid plan
    lost_also: tuple[OtherCredits, ...] = ()
    frozen_also: tuple[OtherCredits, ...] = ()
    currency: str = ""
    unpaid_minor: int | None = None
