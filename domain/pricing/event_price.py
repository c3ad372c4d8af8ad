"""What a usage event costs by the catalog: a plain amount, or terms that the ledger resolves."""

from dataclasses import replace
from datetime import datetime

from domain.credits import MICRO
from domain.errors import InvalidInput
from domain.pricing.catalog import Action, Catalog, Plan, Way
from domain.pricing.policies import Ask, AtZero
from domain.pricing.rates import Rounding, cost
from domain.usage import (
    CLOCK_TOLERANCE,
    EVERY_TIME,
    AtShortfall,
    Attempt,
    PricedEvent,
    PricedWay,
    Terms,
    UsageEvent,
)

MEMBER_TAG = "member"


def price(catalog: Catalog, plan: Plan, event: UsageEvent, at: datetime) -> PricedEvent:
    """Price an event by the rate in force at its own time.

    An event that one way pays exactly gets a plain amount. All others get terms, and the amount is
    then what the last way would take alone. Raises `InvalidInput`: `event_in_future`,
    `unknown_action`, `no_rate`, `missing_object`, `quantity_not_one`; `invalid_quantity` for more
    than a wallet ever holds.
    """
    if event.event_at > at + CLOCK_TOLERANCE:
        raise InvalidInput("event_in_future", f"{event.event_at} is after {at}")
    action = catalog.action(event.action)
    ways = action.rate_at(event.event_at).ways
    if not ways:  # recorded in the catalog's first credit type
        return PricedEvent(event, catalog.credit_types[0].credit_type, 0)
    tags = dict(event.tags)
    counters = (f"member:{tags[MEMBER_TAG]}",) if MEMBER_TAG in tags else ()
    once = _once(action, tags, event.quantity_micro)
    amount = cost(event.quantity_micro, ways[-1].rate)
    priced = PricedEvent(event, ways[-1].credit_type, amount)
    large = needs_approval(plan, event, ways[0])
    if not (counters or once or large) and _is_plain(action, plan, ways, event.quantity_micro):
        return priced
    attempts = [action, *_cheaper(catalog, action)]
    terms = Terms(
        attempts=tuple(_attempt(one, event.event_at) for one in attempts),
        counters=counters,
        once=once,
        at_zero=_at_zero(attempts[-1]),
        confirmed=event.confirmed,
        needs_approval=large,
    )
    return PricedEvent(event, priced.credit_type, amount, terms)


def price_on_terms(catalog: Catalog, plan: Plan, event: UsageEvent, at: datetime) -> PricedEvent:
    """Price an event with the rates themselves, so that another quantity can be priced later.

    Raises `InvalidInput` as `price` does.
    """
    priced = price(catalog, plan, event, at)
    if priced.terms is not None:
        return priced
    action = catalog.action(event.action)
    attempts = (_attempt(action, event.event_at),)
    terms = Terms(attempts, at_zero=_at_zero(action), confirmed=event.confirmed)
    return replace(priced, terms=terms)


def needs_approval(plan: Plan, event: UsageEvent, way: Way) -> bool:
    """Return whether an operation costs more than the plan allows without a second person.

    By its first way of paying: a person is asked about the size, whatever quota is left.
    """
    above = plan.approval_above_micro
    return above is not None and cost(event.quantity_micro, way.rate) > above


def _once(action: Action, tags: dict[str, str], quantity_micro: int) -> str | None:
    """Return the name of what is paid for only once, or None.

    Raises `missing_object`: without its name the object would be paid for each time, and
    `quantity_not_one`: part of an object would buy all of it forever.
    """
    if action.once_per is None:
        return None
    if quantity_micro != MICRO:
        raise InvalidInput("quantity_not_one", f"the quantity of {action.action_id} must be 1")
    if action.once_per not in tags:
        raise InvalidInput("missing_object", f"{action.action_id} needs the tag {action.once_per}")
    return f"{action.action_id}:{tags[action.once_per]}"


def _is_plain(action: Action, plan: Plan, ways: tuple[Way, ...], quantity_micro: int) -> bool:
    """Return whether one way pays exactly and a shortfall leads to nothing special."""
    way = ways[0]
    inexact = quantity_micro * way.rate.credits_micro % way.rate.per_micro
    carried = inexact and way.rate.rounding is Rounding.EXACT
    if len(ways) > 1 or way.ask is not Ask.NEVER or carried:
        return False
    match action.at_zero:
        case AtZero.PURCHASE:
            return True
        case AtZero.BLOCK | AtZero.PROMPT:
            return plan.auto is None  # nothing could be bought automatically
        case AtZero.OVERDRAFT:
            return plan.auto is None and plan.overdraft is None
        case AtZero.DEGRADE:
            return False


def _cheaper(catalog: Catalog, action: Action) -> list[Action]:
    """Return the actions to degrade to, in order."""
    found: list[Action] = []
    while action.degrades_to is not None:
        action = catalog.action(action.degrades_to)
        if action in found:
            break
        found.append(action)
    return found


def _at_zero(action: Action) -> AtShortfall:
    match action.at_zero:
        case AtZero.PURCHASE:
            return "purchase"
        case AtZero.PROMPT:
            return "prompt"
        case AtZero.BLOCK | AtZero.OVERDRAFT | AtZero.DEGRADE:
            return "block"


def _attempt(action: Action, event_at: datetime) -> Attempt:
    ways = action.rate_at(event_at).ways
    return Attempt(action.action_id, tuple(_way(action, way) for way in ways))


def _way(action: Action, way: Way) -> PricedWay:
    rate = way.rate
    started = rate.rounding is Rounding.STARTED_UNIT
    name = f"{action.action_id}:{way.credit_type}"
    carry = None
    if not started and rate.credits_micro % rate.per_micro:
        # One counter per rate: a changed rate starts a new sum.
        carry = f"carry:{name}:{rate.credits_micro}/{rate.per_micro}"
    consents = {Ask.NEVER: None, Ask.PER_ACTION: f"consent:{name}", Ask.EVERY_TIME: EVERY_TIME}
    return PricedWay(
        credit_type=way.credit_type,
        credits_micro=rate.credits_micro,
        per_micro=rate.per_micro,
        started=started,
        carry=carry,
        consent=consents[way.ask],
    )
