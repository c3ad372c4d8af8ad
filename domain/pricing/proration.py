"""What a plan change costs and gives: one function for the preview and the change itself."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.errors import InvalidInput
from domain.money import minimum_charge_minor
from domain.periods import Window
from domain.plan_calendar import TRIAL, Stretch
from domain.pricing.catalog import Plan
from domain.pricing.policies import UpgradeMode
from domain.pricing.published import same_terms


class ChangeKind(StrEnum):
    """An upgrade takes effect now; every other change with the next billing period."""

    UPGRADE = "upgrade"
    DOWNGRADE = "downgrade"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ExtraCredits:
    """Micro-credits of a type that an upgrade adds to the current window."""

    credit_type: str
    quantity_micro: int
    scope: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class ChangeQuote:
    """What a change would do. `amount_minor` is charged now; 0 if waived or not an upgrade.

    `difference_minor` is what is due before any waiver: the prorated difference of the prices, or
    the new price less `unused_minor` where a new period begins. `why` is a code:
    `below_minimum` (waived), `next_period`, `trial` (it begins after the trial), `same_plan`,
    `new_version` (an operator's move, free of charge) or empty. `extra` is what the current window
    is given. `price_minor` and `cap_micro` are the new plan's; auto-purchases already made in the
    window count against the cap.
    """

    kind: ChangeKind
    plan_id: str
    plan_version: int
    currency: str
    amount_minor: int
    difference_minor: int
    waived: bool
    why: str
    extra: tuple[ExtraCredits, ...]
    effective_at: datetime
    price_minor: int
    cap_micro: int
    mode: UpgradeMode = UpgradeMode.PRORATE  # an upgrade's
    restarts: Window | None = None  # the new period, where one begins now
    unused_minor: int = 0  # of the old price, taken off the new one
    ending: tuple[ExtraCredits, ...] = ()  # what is left of the old period's credits then
    left: tuple[ExtraCredits, ...] = ()  # with those of its later windows


def upgrade_price(
    old_price_minor: int,
    new_price_minor: int,
    period: Window,
    at: datetime,
    *,
    currency: str,
    whole: Window | None = None,
) -> int:
    """Return the price difference for the rest of the period, by exact time, as it is charged.

    `whole` is the full period that the prices are for, if the current one is only part of it.
    Raises `outside_period`.
    """
    if not period.contains(at):
        raise InvalidInput("outside_period", "a change is priced inside the current period")
    left = Stretch(Window(period.k, at, period.end), whole or period)
    return left.price(new_price_minor - old_price_minor, currency)


def is_upgrade(old: Plan, new: Plan) -> bool:
    """Return whether `new` may begin inside the running period: same clocks, no step down.

    A plan with another billing interval or window cannot keep the anchor and waits for the next
    period. So does a cheaper plan or one that includes no more: a charge must fund credits.
    """
    if (old.interval, old.window) != (new.interval, new.window):
        return False
    if new.price_minor == old.price_minor:
        return _more(old, new) and not _more(new, old)
    return new.price_minor > old.price_minor and _more(old, new)


def quote_change(
    old: Plan,
    new: Plan,
    *,
    period: Window,
    at: datetime,
    whole: Window | None = None,
    window: Stretch | None = None,
) -> ChangeQuote:
    """Return what changing from `old` to `new` at `at` costs and gives; moves nothing.

    `whole` and `window` matter only if the current period or window is part of a whole one.
    """
    if old.currency != new.currency:
        raise InvalidInput("not_in_plan", f"{new.plan_id} is sold only in {new.currency}")
    if (old.plan_id, old.version) == (new.plan_id, new.version):
        return _quote(ChangeKind.NONE, new, at=at, why="same_plan")
    if period.k == TRIAL:  # nothing is paid yet, so there is no difference to pay
        return _quote(ChangeKind.DOWNGRADE, new, at=period.end, why="trial")
    if not is_upgrade(old, new):
        return _quote(ChangeKind.DOWNGRADE, new, at=period.end, why="next_period")
    difference = upgrade_price(
        old_price_minor=old.price_minor,
        new_price_minor=new.price_minor,
        period=period,
        at=at,
        currency=new.currency,
        whole=whole,
    )
    waived = 0 < difference < minimum_charge_minor(new.currency)
    return _quote(
        ChangeKind.UPGRADE,
        new,
        at=at,
        why="below_minimum" if waived else "",
        difference=difference,
        waived=waived,
        extra=upgrade_extra(
            old=old,
            new=new,
            window=window or Stretch(period, period),
            at=at,
            mode=new.upgrade,
        ),
        mode=new.upgrade,
    )


def upgrade_extra(
    *, old: Plan, new: Plan, window: Stretch, at: datetime, mode: UpgradeMode
) -> tuple[ExtraCredits, ...]:
    """Return what an upgrade at `at` adds to a window: all of the difference, or its rest's."""
    if mode is UpgradeMode.PRORATE_CREDITS:
        window = window.rest(at)
    return extra_in(old, new, window)


def quote_version(
    old: Plan, new: Plan, *, period: Window, at: datetime, now: bool, window: Stretch | None = None
) -> ChangeQuote:
    """Return what an operator's move to another version does; it never charges.

    A version re-rated after it was sold counts as another version, whatever its number.
    `now` puts its policies in force at once and grants what it includes beyond the old one; nothing
    is taken away, and the price follows with the next period. Raises `needs_next_period` if the
    clocks differ.
    """
    if (old.plan_id, old.version) == (new.plan_id, new.version) and same_terms(old, new):
        return _quote(ChangeKind.NONE, new, at=at, why="same_plan")
    if old.currency != new.currency:
        raise InvalidInput("not_in_plan", f"{new.plan_id} is sold only in {new.currency}")
    if not now or period.k == TRIAL:
        return _quote(ChangeKind.DOWNGRADE, new, at=period.end, why="new_version")
    if (old.interval, old.window) != (new.interval, new.window):
        message = f"version {new.version} of {new.plan_id} has another interval or window"
        raise InvalidInput("needs_next_period", message)
    extra = extra_in(old, new, window)
    return _quote(ChangeKind.UPGRADE, new, at=at, why="new_version", extra=extra)


def extra_in(old: Plan, new: Plan, window: Stretch | None = None) -> tuple[ExtraCredits, ...]:
    """Return by how much each of the new plan's allowances exceeds the old one in a window."""

    def given(quantity_micro: int) -> int:
        return window.of(quantity_micro) if window else quantity_micro

    return tuple(
        ExtraCredits(allowance.credit_type, more, allowance.scope)
        for allowance in new.allowances
        if (
            more := given(allowance.quantity_micro)
            - given(old.allowance_micro(allowance.credit_type))
        )
        > 0
    )


def _quote(
    kind: ChangeKind,
    new: Plan,
    *,
    at: datetime,
    why: str,
    difference: int = 0,
    waived: bool = False,
    extra: tuple[ExtraCredits, ...] = (),
    mode: UpgradeMode = UpgradeMode.PRORATE,
) -> ChangeQuote:
    return ChangeQuote(
        kind=kind,
        plan_id=new.plan_id,
        plan_version=new.version,
        currency=new.currency,
        amount_minor=0 if waived else difference,
        difference_minor=difference,
        waived=waived,
        why=why,
        extra=extra,
        effective_at=at,
        price_minor=new.price_minor,
        cap_micro=new.auto.cap_micro if new.auto else 0,
        mode=mode,
    )


def _more(old: Plan, new: Plan) -> bool:
    """Return whether the new plan includes more of anything."""
    return bool(extra_in(old, new))
