"""What a plan change costs and gives, and the grants of one that takes effect now."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from activities.answers import Keyed
from activities.periods.allowances import roll_terms
from activities.purchases.buyers import Buyer
from domain.burn import tie_keys
from domain.messages.answers import Answer
from domain.money import allocate
from domain.payments.charges import Charge, Paid
from domain.plan_calendar import Stretch, period_stretch, window_at, windows_of
from domain.pricing.catalog import Catalog, Plan
from domain.pricing.in_currency import plan_beside
from domain.pricing.policies import UpgradeMode
from domain.pricing.proration import (
    ChangeQuote,
    ExtraCredits,
    quote_change,
    quote_version,
    upgrade_extra,
)
from domain.subscription import Status
from ledger.grants import GrantOrder


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """A plan that a customer wants to change to; `preview`: say, too, what would be in the way."""

    buyer: Buyer
    plan_id: str
    anchor: datetime
    time_zone: str
    preview: bool = False
    at_once: bool = False  # also where its clocks are others: a new period begins


@dataclass(frozen=True, slots=True)
class VersionRequest:
    """A version of the plan in force (0: the newest), to apply now or from the next period.

    `scheduled` is the plan currently due to take over with the next period.
    """

    request: PlanRequest
    scheduled: Plan | None
    version: int
    now: bool


@dataclass(frozen=True, slots=True)
class Quoted:
    """The new plan version and what the change would do.

    For a preview: `refused`, why its charge would not be opened now, or nothing; `needs`, what is
    missing to pay it, or nothing; `takes_days`, whether its money does, as a bank debit's.
    """

    plan: Plan
    quote: ChangeQuote
    refused: str = ""
    needs: str = ""
    takes_days: bool = False

    def paying(self) -> Answer:
        """Return what a preview says of how it would be paid, beside its numbers."""
        needed: Answer = {"needs": self.needs} if self.needs else {}
        return needed | ({"takes_days": True} if self.takes_days else {})


@dataclass(frozen=True, slots=True)
class Upgrade:
    """An upgrade whose difference is still to be charged, is paid, or is waived (`paid` None)."""

    buyer: Buyer
    plan: Plan
    quote: ChangeQuote
    charge_id: str
    anchor: datetime
    time_zone: str
    paid: Paid | None = None
    keyed: Keyed | None = None
    charge: Charge | None = None  # of a paid one that begins a new period
    status: Status = Status.ACTIVE  # of the subscription in that period


@dataclass(frozen=True, slots=True)
class OpenedUpgrade:
    """The charge of an upgrade, or the reason why none was opened."""

    status: str
    charge: Charge | None = None


def charge_of_key(subscription_id: str, key: str) -> str:
    """Return the charge id of a plan change that was requested with a key."""
    return f"{subscription_id}:change:{key}"


def keyed_by(
    subscription_id: str, charge_id: str, plan: Plan, answer: dict[str, Any]
) -> Keyed | None:
    """Return the key in the charge's id; None if the id has a number instead."""
    prefix = charge_of_key(subscription_id, "")
    if not charge_id.startswith(prefix):
        return None
    key, request = charge_id.removeprefix(prefix), f"change_plan {plan.plan_id}"
    return Keyed(subscription_id, key, request, answer)


def quoted_change(catalog: Catalog, request: PlanRequest) -> Quoted:
    """Return what a change costs and gives. Raises `unknown_plan`, `not_in_plan`."""
    buyer = request.buyer
    plan = plan_beside(catalog, buyer.plan, request.plan_id)
    whole = period_stretch(buyer.plan, request.anchor, request.time_zone, buyer.period).whole
    quote = quote_change(
        buyer.plan,
        plan,
        period=buyer.period,
        at=buyer.at,
        whole=whole,
        window=_window(request),
    )
    return Quoted(plan, quote)


def quoted_version(catalog: Catalog, request: VersionRequest) -> Quoted:
    """Return what moving to another version does; `same_plan` if it is already scheduled.

    Raises `unknown_plan`, `needs_next_period`.
    """
    buyer = request.request.buyer
    plan = plan_beside(catalog, buyer.plan, buyer.plan.plan_id, request.version)
    old = buyer.plan
    if not request.now and request.scheduled is not None:
        old = request.scheduled  # what takes over if nothing is changed
    quote = quote_version(
        old,
        plan,
        period=buyer.period,
        at=buyer.at,
        now=request.now,
        window=_window(request.request),
    )
    return Quoted(plan, quote)


def upgrade_orders(upgrade: Upgrade, net_minor: int) -> list[GrantOrder]:
    """Return what the new plan adds to this window and to each later window already granted.

    `net_minor`: what was paid for it without tax.
    """
    planned = list(_planned(upgrade))
    shares = (
        allocate(net_minor, [extra.quantity_micro for _, _, extra in planned]) if planned else ()
    )
    return [
        _order(upgrade=upgrade, part=part, window=window, end=end, extra=extra, share=share)
        for part, ((window, end, extra), share) in enumerate(zip(planned, shares, strict=True))
    ]


def _planned(upgrade: Upgrade) -> Iterator[tuple[Stretch, datetime | None, ExtraCredits]]:
    """Yield what an upgrade adds, each with its window and the expiry of its credits.

    Where credits are prorated, those of a window that ended before the money came are due in the
    one under way. Paid in a later period, an upgrade adds what it was quoted, and no more: that
    period was paid at the old plan's price.
    """
    buyer, quote = upgrade.buyer, upgrade.quote
    windows = windows_of(buyer.plan, upgrade.anchor, upgrade.time_zone, buyer.period)
    left = [one for one in windows if one.part.end > buyer.at]
    # Paid just as the subscription ended: no window is left to use it in, so it is kept, frozen.
    now, ends = (left[0], left[0].part.end) if left else (windows[-1], None)
    prorated = quote.mode is UpgradeMode.PRORATE_CREDITS
    if quote.effective_at < buyer.period.start:
        yield from ((now, ends, extra) for extra in quote.extra)
        return
    due = [one for one in windows if one.part.end > quote.effective_at] if prorated else left
    for window in due or [now]:
        ended = window.part.end <= buyer.at
        for extra in upgrade_extra(
            old=buyer.plan, new=upgrade.plan, window=window, at=quote.effective_at, mode=quote.mode
        ):
            yield (now, ends, extra) if ended else (window, window.part.end, extra)


def _order(
    upgrade: Upgrade,
    part: int,
    window: Stretch,
    end: datetime | None,
    extra: ExtraCredits,
    share: int,
) -> GrantOrder:
    plan, starts = upgrade.plan, window.part.start
    return GrantOrder(
        key=f"{upgrade.charge_id}:{part}",
        source="allowance",
        credit_type=extra.credit_type,
        quantity_micro=extra.quantity_micro,
        priority=plan.priorities.allowance,
        effective_at=max(starts, upgrade.buyer.at),
        expires_at=end,
        ties=tie_keys(plan.tie_break, share, extra.quantity_micro, starts),
        currency=plan.currency,
        cost_minor=share,
        charge_id=upgrade.charge_id if upgrade.paid else None,
        part=part if upgrade.paid else None,
        scope=extra.scope,
        rolls=roll_terms(plan, extra.credit_type),
    )


def _window(request: PlanRequest) -> Stretch:
    """Return the current window with the whole one that an allowance is for."""
    buyer = request.buyer
    return window_at(
        plan=buyer.plan,
        anchor=request.anchor,
        zone=request.time_zone,
        period=buyer.period,
        at=buyer.at,
    )
