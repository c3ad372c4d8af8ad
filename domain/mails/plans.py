"""Mails about the start, change and end of a plan."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from domain.mails.facts import Lot, OtherCredits, PlanTerms, Reader
from domain.payments.taxes import Taxed


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome:
    """A subscription became active for the first time; with `trial` it is free until `next_at`."""

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
    paid_minor: int = 0  # 0 = nothing due, or waived as too small to charge
    taxed: Taxed | None = None  # of what was paid
    granted_micro: int
    also: tuple[OtherCredits, ...] = ()  # granted along with it
    balance_micro: int
    next_at: datetime | None = None
    next_minor: int | None = None
    lasts_until: datetime | None = None  # the new period, where one began with the change
    unused_minor: int = 0  # of the old plan's price, taken off
    ended_micro: int = 0  # credits of the old period that ended with it
    ended_also: tuple[OtherCredits, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DowngradeScheduled:
    """A smaller plan takes over at `effective_at`; nothing changes until then.

    With `due_days` its invoice is sent then; it begins once that is paid, if `granted` at once.
    """

    kind: Literal["downgrade_scheduled"] = "downgrade_scheduled"
    reader: Reader
    currency: str
    old: PlanTerms
    new: PlanTerms
    effective_at: datetime
    due_days: int | None = None  # None: no invoice is sent for it
    granted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Canceled:
    """The subscription ends at `effective_at`, possibly the moment of the request.

    `unpaid_minor` is set if it ends because this amount was not paid in time.
    """

    kind: Literal["canceled"] = "canceled"
    reader: Reader
    requested_at: datetime
    effective_at: datetime
    lost_micro: int  # what expires with the subscription, as of the request
    frozen_micro: int  # kept, and usable again on any paid plan
    lost_also: tuple[OtherCredits, ...] = ()
    frozen_also: tuple[OtherCredits, ...] = ()
    currency: str = ""
    unpaid_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncanceled:
    """The subscription goes on after all: its cancellation was taken back at `requested_at`."""

    kind: Literal["uncanceled"] = "uncanceled"
    reader: Reader
    currency: str
    requested_at: datetime
    next_at: datetime | None = None  # the next payment, if any
    next_minor: int | None = None
