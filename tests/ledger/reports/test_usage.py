"""Usage and outcomes: reports match what was accepted, to the micro-credit."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import product
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from sqlalchemy import text, update

from ledger.reads import usage
from ledger.reports.outcomes import outcomes_by_tag
from ledger.reports.scope import Scope
from ledger.reports.usage import usage_by_action, usage_by_day, usage_by_tag
from ledger.usage import days, debits
from models.tables import Customer
from tests.builders import NOON, START, a_subscribed_wallet, an_event, micro, use
from tests.ledger.reports.histories import BEGINS, LAST, OUTCOME, History, cuts, steps

JANUARY = Scope(START, START + timedelta(days=31))


def summed(events, group):
    found: dict[tuple[object, ...], Counter[str]] = {}
    for one in events:
        sums = found.setdefault((*group(one), one.credit_type), Counter())
        sums["events"] += one.kind != "correction"
        sums["free"] += one.amount == 0 and one.kind != "correction"
        sums["credits"] += one.amount
        sums["late"] += one.amount * one.late
    return found


def told(sums):
    return Counter(
        events=sums.events,
        free=sums.free_events,
        credits=sums.credits_micro,
        late=sums.late_micro,
    )


@pytest.mark.long
@settings(max_examples=25)
@given(told_steps=steps, cut=cuts)
def test_usage_is_what_was_accepted_however_it_is_grouped(books, told_steps, cut):
    with books() as ledger:
        history = History(ledger).tell(told_steps[: len(told_steps) // 2])
        days_are_summed_up(ledger, history)
        history.tell(told_steps[len(told_steps) // 2 :])
        end = history.cut(cut) + timedelta(days=cut % 2)
        scopes = [Scope(history.cut(cut), history.end), Scope(BEGINS - timedelta(1), end)]
        scopes += [Scope(BEGINS, LAST, wallet.account_id) for wallet in history.wallets]
        for scope in scopes:
            events = [
                one
                for one in history.events
                if scope.start <= one.at < scope.end and scope.account_id in {None, one.account_id}
            ]
            by_action = usage_by_action(ledger, scope)
            assert {(one.action, one.usage.credit_type): told(one.usage) for one in by_action} == (
                summed(events, lambda one: (one.action,))
            )
            assert {
                (one.day, one.usage.credit_type): told(one.usage)
                for one in usage_by_day(ledger, scope)
            } == summed(events, lambda one: (one.at.date(),))
            assert {
                (one.customer_id, one.value, one.usage.credit_type): told(one.usage)
                for one in usage_by_tag(ledger, scope, "campaign")
            } == summed(events, lambda one: (one.customer_id, one.tags.get("campaign")))
            assert sum(one.quantity_micro for one in by_action) == sum(
                one.quantity for one in events
            )
            if scope.account_id is not None:
                grouped_as_readers_ask(ledger, scope, events)
                days_are_summed_up(ledger, history)
                grouped_as_readers_ask(ledger, scope, events)
        assert ledger.execute(text("SELECT law FROM archive_violations")).all() == []


def days_are_summed_up(ledger, history):
    """Keep the sums of all days that are over; a part is told before that, a part afterwards."""
    for wallet in history.wallets:
        while days.sum_up(ledger, wallet.account_id, least=1, fewer=0):
            pass


VALUES = {
    "action": lambda one: one.action,
    "day": lambda one: one.at.date(),
    "tag:campaign": lambda one: one.tags.get("campaign"),
    "tag:member": lambda one: one.tags.get("member"),
}
GROUPS = (("action",), ("day",), ("tag:campaign", "action"), ("tag:member", "day", "tag:campaign"))
CHOSEN = (
    (usage.ALL, lambda _: True),
    (usage.ChosenUsage(action="email"), lambda one: one.action == "email"),
    (usage.ChosenUsage(tags='{"member": "ada"}'), lambda one: one.tags.get("member") == "ada"),
)


def grouped_as_readers_ask(ledger, scope, events):
    """Assert that the groups of one customer are those of the events, whatever is chosen."""
    for by, (chosen, is_chosen) in product(GROUPS, CHOSEN):
        expected: dict[tuple[object, ...], Counter[str]] = {}
        for one in filter(is_chosen, events):
            key = (*(VALUES[name](one) for name in by), one.credit_type)
            sums = Counter(
                events=one.kind != "correction", quantity=one.quantity, credits=one.amount
            )
            expected.setdefault(key, Counter()).update(sums)
        rows = usage.grouped(ledger, scope, by, chosen)
        found = {
            row[:-3]: dict(zip(("events", "quantity", "credits"), row[-3:], strict=True))
            for row in rows
        }
        assert found == expected, (by, chosen)
        assert len(found) == len(rows)


@settings(max_examples=15)
@given(told_steps=steps)
def test_usage_sums_to_all_debits_of_the_journal(books, told_steps):
    with books() as ledger:
        history = History(ledger).tell(told_steps)
        debited = ledger.scalar(
            text(
                "SELECT coalesce(-sum(change), 0) FROM entries "
                " WHERE kind IN ('debit', 'capture', 'correction')"
            )
        )
        scope = Scope(BEGINS, history.end)

        for report in (
            usage_by_action(ledger, scope),
            usage_by_day(ledger, scope),
            usage_by_tag(ledger, scope, "member"),
        ):
            assert sum(one.usage.credits_micro for one in report) == debited


@settings(max_examples=15)
@given(told_steps=steps)
def test_outcomes_and_the_credits_beside_them_are_what_was_accepted(books, told_steps):
    with books() as ledger:
        history = History(ledger).tell(told_steps)
        spent: Counter[object] = Counter()
        reached: Counter[object] = Counter()
        for one in history.events:
            value = one.tags.get("campaign")
            spent[one.customer_id, value, one.credit_type] += one.amount
            reached[one.customer_id, value] += one.quantity * (one.action == OUTCOME)

        lines = outcomes_by_tag(ledger, Scope(BEGINS, history.end), "campaign", [OUTCOME])

        assert all(
            one.credits_micro == spent[one.customer_id, one.value, one.credit_type]
            and one.outcomes_micro == reached[one.customer_id, one.value]
            for one in lines
        )
        named = {(one.customer_id, one.value) for one in lines}
        assert named >= {key for key, amount in reached.items() if amount}


def test_a_day_is_one_of_the_customers_time_zone(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=10)
    ledger.execute(
        update(Customer)
        .where(Customer.account_id == wallet.account_id)
        .values(time_zone="America/New_York")
    )
    for key, hour in (("evening", 4), ("morning", 5)):
        demand = an_event(wallet.account_id, 1, key=key, event_at=START)
        debits.debit(ledger, [demand], datetime(2027, 1, 9, hour, 30, tzinfo=UTC))

    days = usage_by_day(ledger, Scope(START, JANUARY.end, wallet.account_id))

    assert [one.day for one in days] == [date(2027, 1, 8), date(2027, 1, 9)]


NIGHTS = {  # in which a midnight comes twice, or never: the instant at which clocks are changed
    "Asia/Beirut": datetime(2027, 3, 27, 22, tzinfo=UTC),
    "America/Santiago": datetime(2027, 4, 4, 3, tzinfo=UTC),
    "Africa/Cairo": datetime(2027, 4, 29, 22, tzinfo=UTC),
    "America/Asuncion": datetime(2027, 10, 3, 4, tzinfo=UTC),
    "Atlantic/Azores": datetime(2027, 10, 31, 1, tzinfo=UTC),
    "America/Havana": datetime(2027, 11, 7, 5, tzinfo=UTC),
}


def test_days_are_those_of_the_customers_calendar_also_when_clocks_change(ledger):
    year = (START, datetime(2028, 1, 1, tzinfo=UTC))
    wallet = a_subscribed_wallet(ledger, 1_000, windows=(year,))
    instants = [
        night + minutes * timedelta(minutes=1)
        for night in NIGHTS.values()
        for minutes in range(-150, 151, 30)
    ]
    for at in instants:
        assert use(ledger, wallet, at=at).status == "debited"
    for zone in NIGHTS:
        ledger.execute(
            update(Customer).where(Customer.account_id == wallet.account_id).values(time_zone=zone)
        )
        rows = usage.grouped(ledger, Scope(*year, wallet.account_id), ["day"])
        days = Counter(at.astimezone(ZoneInfo(zone)).date() for at in instants)
        assert [(row[0], row[2]) for row in rows] == sorted(days.items()), zone


def test_outcomes_per_credit_compare_campaigns_and_name_the_one_without_any(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=100)
    for key, action, amount, campaign in (
        ("a", "ai_email", 10, "ai"),
        ("b", "ai_email", 30, "ai"),
        ("c", "ai_email", 5, "template"),
        ("d", "meeting_booked", 0, "ai"),
        ("e", "meeting_booked", 0, "ai"),
    ):
        demand = an_event(
            wallet.account_id,
            amount,
            key=key,
            action=action,
            quantity_micro=micro(1),
            tags=(("campaign", campaign),),
        )
        assert debits.debit(ledger, [demand], NOON)[0].status == "debited"

    scope = Scope(START, JANUARY.end, wallet.account_id)
    lines = outcomes_by_tag(ledger, scope, "campaign")

    assert [(one.value, one.outcome, one.credits_micro, one.per_credit) for one in lines] == [
        ("ai", "meeting_booked", micro(40), Fraction(2, 40)),
        ("template", "meeting_booked", micro(5), Fraction(0)),
    ]
