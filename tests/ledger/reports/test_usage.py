"""Usage and outcomes: reports match what was accepted, to the micro-credit."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

from hypothesis import given, settings
from sqlalchemy import text, update

from ledger.reports.outcomes import outcomes_by_tag
from ledger.reports.scope import Scope
from ledger.reports.usage import usage_by_action, usage_by_day, usage_by_tag
from ledger.usage import debits
from models.tables import Customer
from tests.builders import NOON, START, a_subscribed_wallet, an_event, micro
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


def told(usage):
    return Counter(
        events=usage.events,
        free=usage.free_events,
        credits=usage.credits_micro,
        late=usage.late_micro,
    )


@settings(max_examples=25)
@given(told_steps=steps, cut=cuts)
def test_usage_is_what_was_accepted_however_it_is_grouped(books, told_steps, cut):
    with books() as ledger:
        history = History(ledger).tell(told_steps)
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
