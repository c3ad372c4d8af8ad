"""What is sold: credit types, actions with their rates, plans with their policies. Immutable."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.burn import TieBreak
from domain.errors import InvalidInput
from domain.money import Ratio
from domain.payments.kinds import ONLY_CARDS, TakenKinds
from domain.payments.taxes import TaxTerms
from domain.periods import Interval
from domain.pricing.discounts import Coupon
from domain.pricing.policies import (
    APPROVAL_DAYS,
    AfterDunning,
    Alert,
    AnchorRule,
    Ask,
    AtZero,
    Companion,
    DebtRepaidFrom,
    GrantOn,
    LateUsage,
    Overdraft,
    Priorities,
    ResumeOn,
    Rollover,
    UpgradeMode,
    VolumeTier,
    WhileUnpaid,
)
from domain.pricing.promotions import Door
from domain.pricing.rates import Rate


class Extras(StrEnum):
    """When purchased credits expire."""

    WINDOW_END = "window_end"
    PERIOD_END = "period_end"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class CreditType:
    """A unit that can be held and burnt; `decimals` is for display and never rounds."""

    credit_type: str
    name: str
    decimals: int = 6


@dataclass(frozen=True, slots=True)
class Way:
    """One way of paying for an action: a credit type and its rate."""

    credit_type: str
    rate: Rate
    ask: Ask = Ask.NEVER


@dataclass(frozen=True, slots=True)
class RateVersion:
    """The rate card of one action from an instant on: ways in paying order, none if it is free."""

    effective_from: datetime
    ways: tuple[Way, ...]

    @property
    def free(self) -> bool:
        """Whether the action is recorded without costing anything."""
        return not self.ways


@dataclass(frozen=True, slots=True)
class Action:
    """Something a product does; `degrades_to` is served instead where `at_zero` says so.

    `once_per` is the tag that names an object: the same object is never paid for again.
    """

    action_id: str
    name: str
    rates: tuple[RateVersion, ...]
    once_per: str | None = None
    at_zero: AtZero = AtZero.PURCHASE
    degrades_to: str | None = None

    def rate_at(self, event_at: datetime) -> RateVersion:
        """Return the version in force at the event's own time. Raises `no_rate`."""
        for version in reversed(self.rates):
            if version.effective_from <= event_at:
                return version
        raise InvalidInput("no_rate", f"{self.action_id} had no rate yet at {event_at.isoformat()}")


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a plan grants per window; `scope` names the actions it may pay (None: all).

    `share` weighs it against the plan's other allowances when the plan's price is spread.
    """

    credit_type: str
    quantity_micro: int
    scope: tuple[str, ...] | None = None
    share: int = 1
    rollover: Rollover | None = None


@dataclass(frozen=True, slots=True)
class Starter:
    """Credits given once, free, with a customer's first period ever."""

    credit_type: str
    quantity_micro: int
    expires: Extras
    scope: tuple[str, ...] | None = None
    valid_days: int | None = None  # as of a bonus


@dataclass(frozen=True, slots=True)
class Trial:
    """Days before the first charge, and what is granted for them."""

    days: int
    allowances: tuple[Allowance, ...]


@dataclass(frozen=True, slots=True)
class ManualPurchase:
    """Credits bought by hand in whole units; `unit_price` is minor units per micro-credit."""

    unit_micro: int
    unit_price: Ratio
    credit_type: str = "credits"
    scope: tuple[str, ...] | None = None
    volume: tuple[VolumeTier, ...] = ()


@dataclass(frozen=True, slots=True)
class AutoPurchase:
    """Credits bought at a shortfall in whole units, with a surcharge (30/1 is 30 %)."""

    unit_micro: int
    unit_price: Ratio
    surcharge_percent: Ratio
    cap_micro: int
    dunning_days: tuple[int, ...] = ()
    credit_type: str = "credits"
    cap_window: Interval | None = None  # what the cap counts over; None: the allowance window

    @property
    def units_per_window(self) -> int:
        """How many whole units the cap allows per window; at 0 the switch is refused."""
        return self.cap_micro // self.unit_micro


@dataclass(frozen=True, slots=True)
class Pack:
    """A fixed block of credits at a fixed price; `volume` discounts several bought at once.

    A pack that is not `refundable` is refunded only as an exception by support.
    """

    pack_id: str
    name: str
    credit_type: str
    quantity_micro: int
    price_minor: int
    expires: Extras
    scope: tuple[str, ...] | None = None
    volume: tuple[VolumeTier, ...] = ()
    refundable: bool = True


@dataclass(frozen=True, slots=True)
class Bonus:
    """Credits for an event outside billing, such as a referral, given once per key.

    With `valid_days` it ends so many times 24 hours after it is given, whatever `expires` is.
    """

    bonus_id: str
    name: str
    credit_type: str
    quantity_micro: int
    expires: Extras
    valid_days: int | None = None


def gift_ends(
    gift: Bonus | Starter, at: datetime, ends: Mapping[Extras, datetime | None]
) -> datetime | None:
    """Return when a gift made at an instant ends; `ends` are the customer's. None: never."""
    days = gift.valid_days
    return ends[gift.expires] if days is None else at + timedelta(days=days)


@dataclass(frozen=True, slots=True)
class Plan:
    """One immutable version of a plan: price per interval, allowance per window, policies.

    `approval_above_micro`: a larger operation waits for a person, at most `approval_days`.
    `adjustment_limit_micro`: a larger adjustment needs two people. `grace_days` run from the last
    attempt until an unpaid renewal is given up; `expiry_warning_days` is when mails warn of ends.
    """

    plan_id: str
    version: int
    name: str
    family: str
    catalog: str
    price_minor: int
    currency: str
    interval: Interval
    window: Interval
    allowances: tuple[Allowance, ...]
    manual: ManualPurchase | None
    auto: AutoPurchase | None
    packs: tuple[Pack, ...]
    extras_expire: Extras
    resume_on: ResumeOn
    renewal_dunning_days: tuple[int, ...]
    late_usage: LateUsage
    tie_break: TieBreak
    priorities: Priorities
    anchor_rule: AnchorRule = AnchorRule.START
    trial: Trial | None = None
    starter: tuple[Starter, ...] = ()
    companions: tuple[Companion, ...] = ()
    overdraft: Overdraft | None = None
    debt_repaid_from: DebtRepaidFrom = DebtRepaidFrom.PURCHASES
    while_unpaid: WhileUnpaid = WhileUnpaid.PAUSE
    after_dunning: AfterDunning = AfterDunning.STAY_PAST_DUE
    grace_days: int = 0
    approval_above_micro: int | None = None
    approval_days: int = APPROVAL_DAYS
    adjustment_limit_micro: int | None = None
    alerts: tuple[Alert, ...] = ()
    takes: TakenKinds = ONLY_CARDS
    expiry_warning_days: tuple[int, ...] = ()
    tax: TaxTerms | None = None  # None: no tax is computed
    upgrade: UpgradeMode = UpgradeMode.PRORATE  # to it; so was sold what does not say
    grant_on: GrantOn = GrantOn.PAID

    @property
    def paid(self) -> bool:
        """Whether it costs money; purchased credits can be used on paid plans only."""
        return self.price_minor > 0

    @property
    def credit_type(self) -> str:
        """The credit type its balance is shown in: the first it grants, else the first it sells."""
        if self.allowances:
            return self.allowances[0].credit_type
        if self.starter:
            return self.starter[0].credit_type
        return self.manual.credit_type if self.manual else "credits"

    @property
    def windows_per_period(self) -> int:
        """How many allowance windows one charge of the plan pays for."""
        if self.interval.months:
            return self.interval.months // self.window.months
        return self.interval.days // self.window.days

    @property
    def unit_price(self) -> Ratio:
        """Own price ÷ first allowance of a period, minor units per micro. Raises `no_allowance`."""
        if not self.allowances:
            raise InvalidInput("no_allowance", f"{self.plan_id} includes no credits to price")
        included = self.allowances[0].quantity_micro * self.windows_per_period
        return Ratio(self.price_minor, included)

    @property
    def main_credit_type(self) -> str:
        """The credit type its balance is shown in and its alerts watch."""
        sources = (*self.allowances, *self.packs, self.manual, self.auto)
        return next((one.credit_type for one in sources if one is not None), "credits")

    def allowance_micro(self, credit_type: str) -> int:
        """Return the micro-credits of a type that the plan grants per window."""
        return sum(a.quantity_micro for a in self.allowances if a.credit_type == credit_type)

    def pack(self, pack_id: str) -> Pack:
        """Return a pack that this plan may buy. Raises `not_in_plan`."""
        for pack in self.packs:
            if pack.pack_id == pack_id:
                return pack
        raise InvalidInput("not_in_plan", f"{self.plan_id} does not sell the pack {pack_id!r:.60}")


@dataclass(frozen=True, slots=True)
class Catalog:
    """A whole price list. `currency` and `time_zone` are for customers who name none.

    `elsewhere`: the same plans in its other currencies. `private`: ids and versions of plans that
    pricing pages don't show: no term of the plan, it may be changed at any time.
    """

    name: str
    version: int
    brand: str
    currency: str
    time_zone: str
    credit_types: tuple[CreditType, ...]
    actions: tuple[Action, ...]
    plans: tuple[Plan, ...]
    bonuses: tuple[Bonus, ...] = ()
    private: tuple[tuple[str, int], ...] = ()
    elsewhere: tuple[Plan, ...] = ()
    coupons: tuple[Coupon, ...] = ()
    door: Door | None = None  # to the processor's promotion codes; None: it is not asked about any

    def is_public(self, plan: Plan) -> bool:
        """Return whether a plan is for everybody, and not for the customer it was made for."""
        return (plan.plan_id, plan.version) not in self.private

    def plan(self, plan_id: str, version: int = 0) -> Plan:
        """Return a version of a plan, 0: the newest. Raises `unknown_plan`, listing public ones."""
        versions = {plan.version: plan for plan in self.plans if plan.plan_id == plan_id}
        if not versions:
            known = ", ".join(sorted({plan.plan_id for plan in self.plans if self.is_public(plan)}))
            raise InvalidInput("unknown_plan", f"no plan {plan_id!r:.60}; known: {known}")
        if version and version not in versions:
            known = ", ".join(map(str, sorted(versions)))
            raise InvalidInput("unknown_plan", f"{plan_id} has no version {version}: {known}")
        return versions[version or max(versions)]

    def bonus(self, bonus_id: str) -> Bonus:
        """Return a bonus. Raises `unknown_bonus`, listing what exists."""
        for bonus in self.bonuses:
            if bonus.bonus_id == bonus_id:
                return bonus
        known = ", ".join(bonus.bonus_id for bonus in self.bonuses) or "none"
        raise InvalidInput("unknown_bonus", f"no bonus {bonus_id!r:.60}; known: {known}")

    def action(self, action_id: str) -> Action:
        """Return an action. Raises `unknown_action`, listing what exists."""
        for action in self.actions:
            if action.action_id == action_id:
                return action
        known = ", ".join(sorted(action.action_id for action in self.actions))
        raise InvalidInput("unknown_action", f"no action {action_id!r:.60}; known: {known}")
