"""What becomes of an open charge when circumstances change: one table, which the workflow asks.

`domain/README.md` shows it; a test compares the two and plays every cell.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import product

from domain.payments.charges import ChargeKind
from domain.subscription import OpenCharge, Step
from domain.subscription_state import SubscriptionState

FORGOTTEN = timedelta(days=1)  # nobody waits this long for a purchase they asked for


class Happened(StrEnum):
    """What may happen while a charge is open."""

    SWITCHED_OFF = "auto-purchase switched off"
    WINDOW_OVER = "its window over"
    PERIOD_OVER = "its period over"
    PLAN_LEFT = "its plan left"
    ENDING = "subscription ending"
    OTHER_DECLINED = "another charge declined"
    CARD_SIGN = "sign of a card"  # another, saved again, updated by the processor, or "try again"
    PAUSED = "paused by operator"
    RESUMED = "resumed"
    OUTAGE = "forgotten for a day"  # no worker ran for a day or more
    REBUILT = "rebuilt"


class Fate(StrEnum):
    """What becomes of a charge."""

    KEPT = "kept"
    HELD = "kept, not tried"
    RETRIED = "retried once"
    VOID = "void"
    GRANTED = "granted at once"
    WAITS = "waits for the window"


# What was paid elsewhere is booked at once: it is never open.
KINDS = tuple(kind for kind in ChargeKind if kind is not ChargeKind.IMPORT)
STEPS = (Step.PREPARED, Step.DECLINED, Step.PROCESSING, Step.SENT, Step.PAID)
# What an invoice may be sent for: nobody is sent one for what was bought by itself.
INVOICED = (ChargeKind.PERIOD, ChargeKind.UPGRADE, ChargeKind.MANUAL, ChargeKind.PACK)
ROWS = tuple(
    (kind, step)
    for kind, step in product(KINDS, STEPS)
    if step is not Step.SENT or kind in INVOICED
)
ASKED_FOR = (ChargeKind.UPGRADE, ChargeKind.MANUAL, ChargeKind.PACK)
PURCHASES = (ChargeKind.MANUAL, ChargeKind.PACK, ChargeKind.AUTO)
# Circumstances that hold or do not hold at an instant; a card's sign is an event instead.
_STANDING = (
    Happened.SWITCHED_OFF,
    Happened.WINDOW_OVER,
    Happened.PERIOD_OVER,
    Happened.PLAN_LEFT,
    Happened.ENDING,
    Happened.PAUSED,
    Happened.OUTAGE,
)
# Each ends the wait for the buyer's confirmation, beside `confirm_until` and another card.
_UNCONFIRMED = frozenset(
    (Happened.WINDOW_OVER, Happened.PLAN_LEFT, Happened.ENDING, Happened.PAUSED)
)
_OUTLIVED = (Happened.PERIOD_OVER, Happened.PLAN_LEFT, Happened.ENDING)

_FATES: dict[tuple[ChargeKind, Step, Happened], Fate] = {
    # A period's price is due in that period only; nothing is charged while an operator pauses.
    **{
        (ChargeKind.PERIOD, Step.PREPARED, happened): Fate.VOID
        for happened in (*_OUTLIVED, Happened.PAUSED)
    },
    **{
        (ChargeKind.PERIOD, step, happened): Fate.VOID
        for step, happened in product((Step.DECLINED, Step.SENT), _OUTLIVED)
    },
    # Who pays an invoice by transfer may do so until its period or the subscription is over.
    (ChargeKind.UPGRADE, Step.SENT, Happened.PERIOD_OVER): Fate.VOID,
    **{
        (kind, Step.SENT, Happened.ENDING): Fate.VOID
        for kind in (ChargeKind.UPGRADE, ChargeKind.MANUAL, ChargeKind.PACK)
    },
    # Nobody is reminded, and nothing given up, while an operator pauses.
    **{(kind, Step.SENT, Happened.PAUSED): Fate.HELD for kind in INVOICED},
    # A purchase somebody asked for is tried at once or not at all.
    **{
        (kind, Step.PREPARED, happened): Fate.VOID
        for kind, happened in product(
            (*ASKED_FOR, ChargeKind.AUTO), (Happened.PAUSED, Happened.OUTAGE)
        )
    },
    (ChargeKind.UPGRADE, Step.PREPARED, Happened.PERIOD_OVER): Fate.VOID,
    **{
        (kind, Step.DECLINED, happened): Fate.VOID
        for kind, happened in product(ASKED_FOR, Happened)
    },
    # An auto-purchase is wanted only in its window, with switch and plan unchanged.
    (ChargeKind.AUTO, Step.PREPARED, Happened.WINDOW_OVER): Fate.VOID,
    (ChargeKind.AUTO, Step.PREPARED, Happened.PERIOD_OVER): Fate.VOID,
    **{
        (ChargeKind.AUTO, Step.DECLINED, happened): Fate.VOID
        for happened in (*_OUTLIVED, Happened.SWITCHED_OFF, Happened.WINDOW_OVER)
    },
    **{
        (kind, Step.DECLINED, happened): fate
        for kind in (ChargeKind.PERIOD, ChargeKind.AUTO)
        for happened, fate in (
            (Happened.CARD_SIGN, Fate.RETRIED),
            (Happened.PAUSED, Fate.HELD),
        )
    },
}


def fate(kind: ChargeKind, step: Step, happened: Happened, *, needs_window: bool = True) -> Fate:
    """Return what becomes of a charge; `needs_window`: the credits it pays for expire with one.

    Once money came or is on its way, only the processor's answer and the window count.
    """
    if step is Step.PAID:
        waits = kind is ChargeKind.UPGRADE or (kind in PURCHASES and needs_window)
        return Fate.WAITS if waits and happened is not Happened.ENDING else Fate.GRANTED
    return _FATES.get((kind, step, happened), Fate.KEPT)


def is_void(state: SubscriptionState, charge: OpenCharge, at: datetime) -> bool:
    """Return whether a charge is no longer wanted at an instant."""
    if charge.kind in ASKED_FOR and charge.step is Step.DECLINED:
        return not awaits_bank(state, charge, at)
    if charge.is_of_running_period:  # it has begun: whoever leaves or cancels had it, and pays it
        unpaid = charge.step in (Step.PREPARED, Step.DECLINED, Step.SENT)
        return unpaid and _period_is_over(state, charge, at)
    return Fate.VOID in _fates(state, charge, at)


def awaits_bank(state: SubscriptionState, charge: OpenCharge, at: datetime) -> bool:
    """Return whether a charge waits for its buyer, of whom the bank wants a confirmation."""
    if charge.confirm_until is None or charge.confirm_until <= at:
        return False
    true = set(circumstances(state, charge, at))
    if not charge.needs_window:
        true.discard(Happened.WINDOW_OVER)
    return true.isdisjoint(_UNCONFIRMED)


def is_held(state: SubscriptionState, charge: OpenCharge, at: datetime) -> bool:
    """Return whether a charge must not be tried at an instant."""
    return Fate.HELD in _fates(state, charge, at)


def waits_for_window(state: SubscriptionState, charge: OpenCharge, at: datetime) -> bool:
    """Return whether a paid charge must wait for a window before it can be granted."""
    open_until = state.period if charge.kind is ChargeKind.UPGRADE else state.window
    if open_until is None or open_until.end > at:
        return False
    happened = Happened.ENDING if state.ended else Happened.WINDOW_OVER
    wanted = fate(charge.kind, Step.PAID, happened, needs_window=charge.needs_window)
    return wanted is Fate.WAITS


def circumstances(state: SubscriptionState, charge: OpenCharge, at: datetime) -> Iterator[Happened]:
    """Yield the circumstances that apply to a charge at an instant."""
    true = {
        Happened.SWITCHED_OFF: not state.auto_purchase and not charge.confirmed,
        Happened.WINDOW_OVER: charge.window_end is not None and charge.window_end <= at,
        Happened.PERIOD_OVER: _period_is_over(state, charge, at),
        Happened.PLAN_LEFT: _plan_is_left(state, charge),
        Happened.ENDING: state.cancel_at_end or state.ends_now,
        Happened.PAUSED: state.held,
        Happened.OUTAGE: charge.opened_at + FORGOTTEN <= at,
    }
    return (happened for happened in _STANDING if true[happened])


def _fates(state: SubscriptionState, charge: OpenCharge, at: datetime) -> set[Fate]:
    return {
        fate(charge.kind, charge.step, happened) for happened in circumstances(state, charge, at)
    }


def _period_is_over(state: SubscriptionState, charge: OpenCharge, at: datetime) -> bool:
    if charge.kind is ChargeKind.PERIOD:
        return charge.period is not None and charge.period.end <= at
    return state.period is not None and state.period.end <= at


def _plan_is_left(state: SubscriptionState, charge: OpenCharge) -> bool:
    """Return whether another plan or plan version has replaced the one the charge is for."""
    plan = state.plan
    if charge.kind is ChargeKind.UPGRADE or plan is None or charge.plan is None:
        return False  # an upgrade is itself the change of plan
    if charge.kind is ChargeKind.PERIOD:
        plan = state.next_plan or plan
    return (plan.plan_id, plan.version) != (charge.plan.plan_id, charge.plan.version)
