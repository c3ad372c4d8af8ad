"""Usage: priced by the catalog, decided by the ledger, one transaction per batch."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection
from temporalio import activity

from activities.context import BillingContext
from activities.notifications.mails import Desk
from activities.uninterrupted import uninterrupted
from activities.usage.batches import Deviations, Short, UsageMessage
from domain.errors import InvalidInput
from domain.mails.money import CapReached
from domain.messages import usage
from domain.outcomes import UNDECIDED, Refusal, Undecided
from domain.pricing.catalog import Plan
from domain.pricing.event_price import price
from domain.usage import DECIDED, DebitOutcome, RefusedEvent, UsageEvent
from ledger import accounts, balances
from ledger.usage import debits

LONGEST_REQUEST = 500  # characters kept of a refused message


@dataclass(frozen=True, slots=True)
class Batch:
    """Usage of one subscription in order, and refusals to keep, decided at `at`.

    `events` have a sender that waits for each answer; `messages` lie between them as raw JSON.
    """

    subscription_id: str
    account_id: int
    plan: Plan
    window_end: datetime | None
    events: tuple[UsageEvent, ...]
    refusals: tuple[RefusedEvent, ...]
    at: datetime
    messages: tuple[UsageMessage, ...] = ()


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """The outcome of each event and message, and the available micro-credits afterwards."""

    outcomes: tuple[DebitOutcome, ...]
    available_micro: int
    deviations: tuple[Deviations, ...] = ()


@dataclass(frozen=True, slots=True)
class _Asked:
    """An event to decide and its position: `place` in `message`, or on its own."""

    event: UsageEvent
    message: int | None = None
    place: int = 0


Pairs = list[tuple[_Asked, DebitOutcome]]


class UsageActivities:
    """Debits for workflows."""

    def __init__(self, context: BillingContext) -> None:
        self._context = context

    @uninterrupted(name="debit_usage")
    def debit(self, batch: Batch) -> BatchOutcome:
        """Decide a batch; a retry returns the first answers, because every event has a key."""
        read = [_read(number, one) for number, one in enumerate(batch.messages)]
        asked = _in_order(batch, [events for events, _ in read])
        unusable = [refusals for _, refusals in read]
        with self._context.changing(batch.account_id) as connection:
            outcomes = self._decided(connection, batch, asked)
            pairs: dict[int | None, Pairs] = {number: [] for number in range(len(read))}
            for one, outcome in zip(asked, outcomes, strict=True):
                pairs.setdefault(one.message, []).append((one, outcome))
            answers = tuple(outcome for _, outcome in pairs.pop(None, []))
            refused = [
                [*unusable[number], *_refusals(batch.messages[number], pairs[number])]
                for number in range(len(read))
            ]
            kept = [*batch.refusals, *(one for some in refused for one in some)]
            accounts.keep_refusals(connection, batch.account_id, kept, batch.at)
            available = self._available(connection, batch)
            if any(outcome.status == Refusal.CAP_REACHED for outcome in outcomes):
                tell_cap_reached(
                    Desk(self._context, connection, batch.account_id, batch.subscription_id),
                    batch.plan,
                    batch.window_end,
                    available,
                )
        told = (_deviations(pairs[number], refused[number]) for number in range(len(read)))
        return BatchOutcome(answers, available, tuple(told))

    def _decided(
        self, connection: Connection, batch: Batch, asked: Sequence[_Asked]
    ) -> list[DebitOutcome]:
        """Return each event's outcome; what an attempt with a lost answer refused stays refused.

        Otherwise it might fit now, and would be both debited and reported as refused.
        """
        before = _refused_before(connection, batch, asked)
        events = [one.event for one in asked if _name(batch, one) not in before]
        decided = iter(self._decide(connection, batch, events))
        return [
            DebitOutcome(one.event.key, before[name])
            if (name := _name(batch, one)) in before
            else next(decided)
            for one in asked
        ]

    def _decide(
        self, connection: Connection, batch: Batch, events: Sequence[UsageEvent]
    ) -> list[DebitOutcome]:
        """Return each event's outcome; one that cannot be priced is refused with the reason."""
        catalog = self._context.catalog(batch.plan.catalog)
        outcomes: list[DebitOutcome | None] = []
        demands: list[debits.Demand] = []
        for event in events:
            try:
                priced = price(catalog, batch.plan, event, batch.at)
            except InvalidInput as error:
                outcomes.append(DebitOutcome(event.key, error.reason))
                continue
            outcomes.append(None)
            demands.append(debits.Demand(batch.account_id, priced))
        decided = iter(debits.debit(connection, demands, batch.at))
        return [outcome or next(decided) for outcome in outcomes]

    def _available(self, connection: Connection, batch: Batch) -> int:
        credit_type = self._context.catalog(batch.plan.catalog).credit_types[0].credit_type
        return balances.available(connection, batch.account_id, credit_type, batch.at)


def _refused_before(
    connection: Connection, batch: Batch, asked: Sequence[_Asked]
) -> dict[str, str]:
    """Return the events that an earlier attempt refused before its answer was lost, and why."""
    if not activity.in_activity() or activity.info().attempt == 1:
        return {}
    names = [name for one in asked if (name := _name(batch, one))]
    return accounts.kept_refusals(connection, batch.account_id, names, batch.at) if names else {}


def _name(batch: Batch, one: _Asked) -> str:
    """Return the name of an event's refusal, equal on a retry; "" if it has none."""
    return "" if one.message is None else f"{batch.messages[one.message].name}:{one.place}"


def _read(number: int, message: UsageMessage) -> tuple[list[_Asked], list[RefusedEvent]]:
    """Return a message's events to decide, and those that cannot be parsed."""
    try:
        parts = usage.read_events(message.data.encode())
    except InvalidInput as error:
        text = f"record_usage: {message.data}"[:LONGEST_REQUEST]
        return [], [RefusedEvent(f"{message.name}:all", None, error.reason, text)]
    asked: list[_Asked] = []
    unusable: list[RefusedEvent] = []
    for place in range(len(parts)) if message.left is None else message.left:
        part = parts[place]
        if isinstance(part, UsageEvent):
            asked.append(_Asked(part, number, place))
        else:
            name = f"{message.name}:{place}"
            unusable.append(RefusedEvent(name, part.key, part.reason, part.request))
    return asked, unusable


def _in_order(batch: Batch, read: Sequence[Sequence[_Asked]]) -> list[_Asked]:
    """Return all events of a batch in the order they arrived."""
    alone = iter(_Asked(event) for event in batch.events)
    asked: list[_Asked] = []
    taken = 0
    for message, events in zip(batch.messages, read, strict=True):
        asked += [*islice(alone, message.after - taken), *events]
        taken = message.after
    return [*asked, *alone]


def _refusals(message: UsageMessage, pairs: Pairs) -> list[RefusedEvent]:
    """Return the refusals of a message, with names that are equal on a retry."""
    return [
        RefusedEvent(f"{message.name}:{one.place}", outcome.key, outcome.status, one.event.action)
        for one, outcome in pairs
        if outcome.status not in (*DECIDED, *UNDECIDED)
    ]


def _deviations(pairs: Pairs, refused: Sequence[RefusedEvent]) -> Deviations:
    """Return what the workflow must know about a message."""
    waiting = [(one, outcome) for one, outcome in pairs if outcome.status in UNDECIDED]
    short = next((pair for pair in waiting if pair[1].status == Undecided.PURCHASE_NEEDED), None)
    return Deviations(
        decided=sum(outcome.status in DECIDED for _, outcome in pairs),
        left=tuple(one.place for one, _ in waiting),
        refused=tuple(sorted(Counter(one.reason for one in refused).items())),
        renewal_pending=any(outcome.status == Undecided.RENEWAL_PENDING for _, outcome in waiting),
        short=_short(*short) if short else None,
        crossed=any(outcome.crossed for _, outcome in pairs),
    )


def _short(one: _Asked, outcome: DebitOutcome) -> Short:
    needed = (outcome.missing_micro or 0) + (outcome.available_micro or 0)
    return Short(outcome.key, one.event.action, needed, one.event.confirmed)


def tell_cap_reached(
    desk: Desk, plan: Plan, window_end: datetime | None, available_micro: int
) -> None:
    """Mail once per window that auto-purchase has reached its cap."""
    totals = desk.auto_totals(plan, window_end) if window_end else None
    if totals is None:
        return
    desk.post(
        f"cap-reached:{totals.window_end.isoformat()}",
        CapReached(
            reader=desk.reader(plan, plan.auto.credit_type if plan.auto else ""),
            currency=plan.currency,
            auto=totals,
            balance_micro=available_micro,
        ),
    )
