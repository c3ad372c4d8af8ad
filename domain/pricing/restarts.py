"""Changes of plan that begin a new period at once: the unused part of the old price is taken off.

Source: rules 3.10, upgrades: `restart`, and a change of interval at once.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from domain.errors import InvalidInput
from domain.money import charge_step_minor, minimum_charge_minor
from domain.plan_calendar import TRIAL, Stretch, period_price
from domain.pricing.catalog import Plan
from domain.pricing.policies import UpgradeMode
from domain.pricing.proration import ChangeKind, ChangeQuote, ExtraCredits, is_upgrade


@dataclass(frozen=True, slots=True)
class Unused:
    """What is left of a period's allowances: credits that can be used now, and what all cost.

    `left` are the credits of its later windows, too. `discount_minor` is what a coupon took off the
    price of the whole period.
    """

    credits: tuple[ExtraCredits, ...]
    left: tuple[ExtraCredits, ...]
    cost_minor: int
    discount_minor: int = 0


@dataclass(frozen=True, slots=True)
class Restart:
    """A new period in place of the running one.

    `running` is the running period, with the whole one that its price is for; `begins` the new
    one, `window` its first window.
    """

    running: Stretch
    begins: Stretch
    window: Stretch
    unused: Unused


def restarts(old: Plan, new: Plan, running: int, *, at_once: bool) -> bool:
    """Return whether a change begins a new period: an upgrade so sold, an interval at once.

    `running` is the number of the running period: a trial is never cut short.
    """
    if running == TRIAL or old.currency != new.currency or not new.paid:
        return False
    if (old.interval, old.window) != (new.interval, new.window):
        return at_once
    return new.upgrade is UpgradeMode.RESTART and is_upgrade(old, new)


def quote_restart(old: Plan, new: Plan, restart: Restart, at: datetime) -> ChangeQuote:
    """Return what a new period costs that begins now. Raises `needs_next_period`.

    The unused part of the old price is that of the time left, but never more than the credits
    left of it had cost: who has used them all has nothing left to be taken off. The old price is
    the one with its coupon.
    """
    paid = max(0, old.price_minor - restart.unused.discount_minor)
    of_time = restart.running.rest(at).price(paid, old.currency)
    unused = min(of_time, restart.unused.cost_minor)
    unused -= unused % charge_step_minor(old.currency)
    due = period_price(new, restart.begins) - unused
    if due < 0 and not is_upgrade(old, new):
        message = f"what is left of {old.plan_id} is worth more than {new.plan_id}"
        raise InvalidInput("needs_next_period", message)
    waived = due < minimum_charge_minor(new.currency)
    return ChangeQuote(
        kind=ChangeKind.UPGRADE,
        plan_id=new.plan_id,
        plan_version=new.version,
        currency=new.currency,
        amount_minor=0 if waived else due,
        difference_minor=max(0, due),
        waived=waived and due > 0,
        why="below_minimum" if waived and due > 0 else "",
        extra=tuple(
            ExtraCredits(one.credit_type, quantity, one.scope)
            for one in new.allowances
            if (quantity := restart.window.of(one.quantity_micro))
        ),
        effective_at=at,
        price_minor=new.price_minor,
        cap_micro=new.auto.cap_micro if new.auto else 0,
        mode=UpgradeMode.RESTART,
        restarts=restart.begins.part,
        unused_minor=unused,
        ending=restart.unused.credits,
        left=restart.unused.left,
    )


def granted_now(quote: ChangeQuote, left: Unused, *, late: bool) -> tuple[ExtraCredits, ...]:
    """Return what the new period's first window is granted: what was quoted, less what is used.

    What the old price still paid for when it was taken off, but was used or ran out before the
    money came, counts in the new period. `late`: the old period ended meanwhile, with all of it.
    """
    now = {} if late else {one.credit_type: one.quantity_micro for one in left.left}
    used = {
        one.credit_type: max(0, one.quantity_micro - now.get(one.credit_type, 0))
        for one in quote.left
    }
    # A grant of nothing could not carry its share of the price.
    return tuple(
        replace(one, quantity_micro=max(1, one.quantity_micro - used.get(one.credit_type, 0)))
        for one in quote.extra
    )
