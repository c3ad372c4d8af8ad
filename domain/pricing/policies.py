"""The policies of a plan or an action that sellers choose. Immutable values."""

from dataclasses import dataclass
from enum import StrEnum

from domain.money import Ratio

APPROVAL_DAYS = 7  # how long a request waits for a person


class Ask(StrEnum):
    """When a person must confirm paying this way for what earlier ways did not cover."""

    NEVER = "never"
    PER_ACTION = "per_action"  # once confirmed, not again for that action in that window
    EVERY_TIME = "every_time"


class AtZero(StrEnum):
    """What an action does when credits run short."""

    PURCHASE = "purchase"  # auto-purchase where the customer switched it on, else refused
    BLOCK = "block"  # refused, whatever the switch says
    PROMPT = "prompt"  # refused with an offer: a person buys and the action is sent again
    DEGRADE = "degrade"  # a cheaper action is served instead
    OVERDRAFT = "overdraft"  # served on credit, down to the plan's limit


class UpgradeMode(StrEnum):
    """What an upgrade costs and gives where it begins inside the running period."""

    PRORATE = "prorate"  # the difference for the rest of the period, all the credits it adds
    PRORATE_CREDITS = "prorate_credits"  # both for the rest of the period
    RESTART = "restart"  # the price less the unused part of the old one; a new period begins


class GrantOn(StrEnum):
    """When the credits of a charge come whose money takes days."""

    PAID = "paid"
    PROCESSING = "processing"  # at once, and they are taken back if it fails


class WhileUnpaid(StrEnum):
    """What a subscription serves while its renewal is unpaid."""

    PAUSE = "pause"
    SERVE_PURCHASED = "serve_purchased"  # no allowance, but purchased credits until the grace ends


class AfterDunning(StrEnum):
    """What follows the dunning of a renewal and its days of grace."""

    STAY_PAST_DUE = "stay_past_due"  # until a sign that a card may work
    END = "end"


class DebtRepaidFrom(StrEnum):
    """Which new credits repay a debt before they serve anything."""

    PURCHASES = "purchases"
    ALL_GRANTS = "all_grants"  # allowances and bonuses too


class Channel(StrEnum):
    """How people are notified."""

    EMAIL = "email"
    IN_APP = "in_app"
    BOTH = "both"


class AnchorRule(StrEnum):
    """What the boundaries of periods are counted from."""

    START = "start"  # the instant the subscription starts
    MONTH_FIRST = "month_first"  # local midnight of the first day of the month it starts in


@dataclass(frozen=True, slots=True)
class Overdraft:
    """Credits served before they are paid for, in micro-credits, to the actions of `scope` only."""

    credit_type: str
    limit_micro: int
    scope: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rollover:
    """How much of an unused allowance moves into the next window: the lesser of its limits.

    `share` is a fraction of the unused credits (1/2 is half), `amount_micro` a cap. Credits that
    moved may move again, at most `times` times.
    """

    share: Ratio | None
    amount_micro: int | None
    times: int


@dataclass(frozen=True, slots=True)
class Alert:
    """Notify when the balance falls to a percentage of its base, or to an amount.

    Sent once per window; with `rearms`, again after a purchase lifts the balance above it.
    """

    threshold_id: str
    percent: int | None
    amount_micro: int | None
    channel: Channel
    rearms: bool = False


@dataclass(frozen=True, slots=True)
class Companion:
    """Free credits of another type that come with each purchased credit and expire with it.

    `per_credit_micro` is micro-credits of `credit_type` per whole purchased credit.
    """

    credit_type: str
    per_credit_micro: int


@dataclass(frozen=True, slots=True)
class VolumeTier:
    """A percentage off (10/1 is 10 %) the whole of a purchase of at least `from_micro` credits."""

    from_micro: int
    percent_off: Ratio


class ResumeOn(StrEnum):
    """What ends a pause for a failed payment."""

    PAYMENT_METHOD_UPDATE = "payment_method_update"
    ANY_SUCCESSFUL_PAYMENT = "any_successful_payment"


class Late(StrEnum):
    """What happens to usage of a window that has closed."""

    BOOK_NOW = "book_now"
    REOPEN = "reopen"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class LateUsage:
    """The policy for late events; `reopen_days` counts from the window's end, else it is 0."""

    kind: Late
    reopen_days: int = 0


@dataclass(frozen=True, slots=True)
class Priorities:
    """The burn priority of each kind of grant; lower burns first."""

    allowance: int = 20
    bonus: int = 20
    rollover: int = 15
    pack: int = 30
    overdraft: int = 90
