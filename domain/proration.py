"""What a change of plan costs and gives: one function for its preview and for the change."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.catalog import Plan
from domain.errors import InvalidInput
from domain.money import half_up, minimum_charge_minor
from domain.periods import Window

_MICROSECOND = timedelta(microseconds=1)


class ChangeKind(StrEnum):
    """An upgrade takes effect now; every other change does with the next billing period."""

    UPGRADE = "upgrade"
    DOWNGRADE = "downgrade"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ExtraCredits:
    """Micro-credits of a type that an upgrade adds to each window it still covers."""

    credit_type: str
    quantity_micro: int
    scope: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class ChangeQuote:
    """What a change would do. `amount_minor` is charged now; 0 if waived or not an upgrade.

    `difference_minor` is the prorated difference before any waiver; `why` is a code for people and
    programs: `below_minimum` (waived), `next_period`, `same_plan` or empty. `price_minor` and
    `cap_micro` are the new plan's; auto-purchases already made in the window count against it.
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


def upgrade_price(old_price_minor: int, new_price_minor: int, period: Window, at: datetime) -> int:
    """Return the price difference for what is left of the period, by exact time, half up."""
    if not period.contains(at):
        raise InvalidInput("outside_period", "a change is priced inside the current period")
    left = (period.end - at) // _MICROSECOND
    whole = (period.end - period.start) // _MICROSECOND
    return half_up((new_price_minor - old_price_minor) * left, whole)


def is_upgrade(old: Plan, new: Plan) -> bool:
    """Say whether `new` may begin inside the running period: same clocks, no step down.

    A plan with another billing interval or window cannot keep the anchor and waits for the next
    period, as does anything cheaper and anything that includes no more: a charge must fund credits.
    """
    if (old.interval, old.window) != (new.interval, new.window):
        return False
    if new.price_minor == old.price_minor:
        return bool(_extra(old, new)) and not _extra(new, old)
    return new.price_minor > old.price_minor and bool(_extra(old, new))


def quote_change(old: Plan, new: Plan, *, period: Window, at: datetime) -> ChangeQuote:
    """Return what changing from `old` to `new` at `at` costs and gives; moves nothing."""
    if old.currency != new.currency:
        raise InvalidInput("not_in_plan", f"{new.plan_id} is sold in {new.currency} only")
    if (old.plan_id, old.version) == (new.plan_id, new.version):
        return _quote(ChangeKind.NONE, new, at=at, why="same_plan")
    if not is_upgrade(old, new):
        return _quote(ChangeKind.DOWNGRADE, new, at=period.end, why="next_period")
    difference = upgrade_price(old.price_minor, new.price_minor, period, at)
    waived = 0 < difference < minimum_charge_minor(new.currency)
    return _quote(
        ChangeKind.UPGRADE,
        new,
        at=at,
        why="below_minimum" if waived else "",
        difference=difference,
        waived=waived,
        extra=_extra(old, new),
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
    )


def _extra(old: Plan, new: Plan) -> tuple[ExtraCredits, ...]:
    """Return what each of the new plan's allowances exceeds the old one by, where it does."""
    return tuple(
        ExtraCredits(allowance.credit_type, more, allowance.scope)
        for allowance in new.allowances
        if (more := allowance.quantity_micro - old.allowance_micro(allowance.credit_type)) > 0
    )
