"""Subscriptions that customers bring along from another system, in the middle of a period.

docs/imports.md says what the columns mean.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from domain.errors import InvalidInput
from domain.messages import fields
from domain.payments.import_files import Cells, read_key, read_rows
from domain.periods import Window, anchor_of, boundary, checked_zone, index_at, window
from domain.plan_calendar import TRIAL, first_anchor
from domain.pricing.catalog import Plan
from domain.pricing.policies import AnchorRule
from domain.subscription import Start, Status

COLUMNS = ("customer", "name", "email", "seller", "plan", "renews_at", "status", "key")
OPTIONAL = (
    *("subscription", "version", "locale", "time_zone", "anchor"),
    *("processor_customer", "payment_method", "currency"),
)
MOST_DIGITS = 9  # of a version


class Brings(StrEnum):
    """What a subscription can come along as."""

    ACTIVE = "active"
    TRIALING = "trialing"  # `renews_at` is the trial's end: the first charge
    CANCELED = "canceled"  # it ends at `renews_at`
    PAUSED = "paused"  # by an operator: nothing is charged until it is resumed


@dataclass(frozen=True, slots=True)
class Moved:
    """A subscription whose running period was paid for elsewhere and ends at `renews_at`.

    `anchor` is the instant from which its boundaries are counted; None: the latest that fits.
    `version` 0: the newest. `currency` "": the price list's first. `payer` and `method` are the
    processor's ids, "" if not known.
    """

    line: int
    customer_id: str
    subscription_id: str
    name: str
    email: str
    catalog: str
    plan_id: str
    version: int
    status: Brings
    renews_at: datetime
    anchor: datetime | None
    locale: str
    time_zone: str | None
    payer: str
    method: str
    key: str
    currency: str = ""

    def start(self, begins_at: datetime) -> Start:
        """Return what its workflow starts with; the rest is in its rows."""
        return Start(
            subscription_id=self.subscription_id,
            customer_id=self.customer_id,
            name=self.name,
            email=self.email,
            catalog=self.catalog,
            plan_id=self.plan_id,
            locale=self.locale,
            time_zone=self.time_zone,
            payment_method=self.method or None,
            begins_at=begins_at,
            currency=self.currency or None,
        )

    def content(self) -> dict[str, str | int | None]:
        """Return what a repeat under the same key must say again."""
        return {
            "subscription": self.subscription_id,
            "name": self.name,
            "email": self.email,
            "catalog": self.catalog,
            "plan": self.plan_id,
            "version": self.version,
            "status": self.status.value,
            "renews_at": self.renews_at.isoformat(),
            "anchor": self.anchor.isoformat() if self.anchor else None,
            "locale": self.locale,
            "time_zone": self.time_zone,
            "processor_customer": self.payer,
            "payment_method": self.method,
            **({"currency": self.currency} if self.currency else {}),  # rows of before have none
        }


@dataclass(frozen=True, slots=True)
class RunningPeriod:
    """The period that was paid for elsewhere, and the anchor of those to come."""

    anchor: datetime
    period: Window
    status: Status


def read_subscriptions(text: str) -> tuple[Moved, ...]:
    """Read a file of subscriptions.

    Raises `InvalidImport` with all its faults, also `invalid_id`, `invalid_email`, `invalid_time`,
    `invalid_value`, `unknown_plan`, `unknown_catalog`, `unknown_time_zone`, `invalid_key`.
    """
    return read_rows(text, COLUMNS, OPTIONAL, _read)


def running_period(plan: Plan, moved: Moved, zone: str, at: datetime) -> RunningPeriod:
    """Return the period under way at an instant; its end is the row's and never moves.

    Raises `InvalidInput` (`invalid_time`, `invalid_value`) if no such period is under way.
    """
    ends = moved.renews_at
    if ends <= at:
        raise InvalidInput("invalid_time", "this renewal is over: write the next one")
    if moved.status is Brings.TRIALING:
        return _trial(plan, moved, zone, at)
    anchor = moved.anchor or anchor_of(ends, zone, plan.interval)
    if plan.anchor_rule is not AnchorRule.START:
        anchor = first_anchor(plan, anchor, zone)
    if anchor >= ends:
        raise InvalidInput("invalid_time", "the anchor is before the renewal that is counted by it")
    k = index_at(anchor, zone, plan.interval, ends)
    if boundary(anchor, zone, plan.interval, k) != ends:
        words = f"counted from {anchor.isoformat()}, no period of {plan.plan_id} ends then"
        raise InvalidInput("invalid_time", words)
    period = window(anchor, zone, plan.interval, k - 1)
    if period.start > at:
        words = f"the period that ends then begins only on {period.start.isoformat()}"
        raise InvalidInput("invalid_time", words)
    return RunningPeriod(anchor, period, _STATUS[moved.status])


_STATUS = {
    Brings.ACTIVE: Status.ACTIVE,
    Brings.CANCELED: Status.CANCELED,
    Brings.PAUSED: Status.PAUSED,
}


def _trial(plan: Plan, moved: Moved, zone: str, at: datetime) -> RunningPeriod:
    if plan.trial is None:
        raise InvalidInput("invalid_value", f"{plan.plan_id} has no trial")
    ends = moved.renews_at
    begins = moved.anchor or min(at, ends - timedelta(days=plan.trial.days))
    if begins > at:
        raise InvalidInput("invalid_time", "this trial has not begun")
    anchor = first_anchor(plan, ends, zone)
    return RunningPeriod(anchor, Window(TRIAL, begins, ends), Status.TRIALING)


def _read(cell: Cells) -> Moved:
    customer = cell.read("customer", lambda text: fields.identifier(text, "invalid_id")) or ""
    return Moved(
        line=cell.line,
        customer_id=customer,
        subscription_id=cell.maybe("subscription", _subscription)
        or (cell.read("customer", _subscription) if customer else "")
        or "",
        name=cell.read("name", lambda text: fields.text({"name": text}, "name", "malformed")) or "",
        email=cell.read("email", lambda text: fields.email({"email": text})) or "",
        catalog=cell.read("seller", lambda text: fields.identifier(text, "unknown_catalog")) or "",
        plan_id=cell.read("plan", lambda text: fields.identifier(text, "unknown_plan")) or "",
        version=cell.maybe("version", _version) or 0,
        status=cell.read("status", _status) or Brings.ACTIVE,
        renews_at=cell.read("renews_at", fields.parse_instant) or datetime.max.replace(tzinfo=UTC),
        anchor=cell.maybe("anchor", fields.parse_instant),
        locale=cell.maybe("locale", str) or "en_US",
        time_zone=cell.maybe("time_zone", lambda text: checked_zone(text).key),
        payer=cell.maybe("processor_customer", _processors) or "",
        method=cell.maybe("payment_method", _processors) or "",
        key=cell.read("key", read_key) or "",
        currency=cell.maybe("currency", str) or "",
    )


def _subscription(text: str) -> str:
    found = fields.identifier(text, "invalid_id")
    if ":" in found:
        raise InvalidInput("invalid_id", "a subscription's id has no colon: name another beside it")
    return found


def _version(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS and int(text)):
        raise InvalidInput("invalid_value", f"{text!a:.60} is no version of a plan")
    return int(text)


def _status(text: str) -> Brings:
    try:
        return Brings(text)
    except ValueError as error:
        words = f"{text!a:.60} is none of {', '.join(Brings)}"
        raise InvalidInput("invalid_value", words) from error


def _processors(text: str) -> str:
    return fields.identifier(text, "invalid_id")
