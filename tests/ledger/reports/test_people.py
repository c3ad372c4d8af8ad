"""Reports for product people: members, the period that runs, single events."""

from collections import Counter
from fractions import Fraction

from hypothesis import given, settings

from ledger import debits, limits
from ledger.reports.asking import Asked, sheet
from ledger.reports.members import events, usage_by_member
from ledger.reports.period import periods
from ledger.reports.scope import Scope
from ledger.reports.usage import usage_by_tag
from tests.builders import MONTH_END, NOON, START, a_subscribed_wallet, an_event, micro
from tests.ledger.reports.histories import BEGINS, History, steps


@settings(max_examples=10)
@given(told=steps)
def test_members_and_events_sum_to_all_that_was_used(books, told):
    with books() as ledger:
        history = History(ledger).tell(told)
        scope = Scope(BEGINS, history.end)
        used: Counter[object] = Counter()
        for one in usage_by_tag(ledger, scope, "member"):
            used[one.customer_id, one.value, one.usage.credit_type] += one.usage.credits_micro

        by_member = {
            (one.customer_id, one.member, one.credit_type): one.credits_micro
            for one in usage_by_member(ledger, scope)
        }
        assert by_member == dict(used)

        single: Counter[object] = Counter()
        for one in events(ledger, scope, None, "{}"):
            single[one.customer_id, one.tags.get("member"), one.credit_type] += one.credits_micro
        assert single == used
        chosen = events(ledger, scope, "email", '{"campaign": "ai"}')
        assert sum(one.credits_micro for one in chosen) == sum(
            one.amount
            for one in history.events
            if one.action == "email" and one.tags.get("campaign") == "ai"
        )


def a_team(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=12_000)
    for member, amount in (("ada", 150), ("ben", 50), (None, 7)):
        tags = (("member", member),) if member else ()
        demand = an_event(wallet.account_id, amount, key=f"{member}", tags=tags)
        assert debits.debit(ledger, [demand], NOON)[0].status == "debited"
    limits.set_limit(ledger, wallet.account_id, "member:eve", "credits", micro(200), NOON)
    return wallet


def test_a_member_without_usage_is_there_with_the_limit(ledger):
    wallet = a_team(ledger)

    found = usage_by_member(ledger, Scope(START, MONTH_END, wallet.account_id))

    assert [(one.member, one.events, one.credits_micro, one.limit_micro, one.left_micro)
            for one in found] == [
        ("ada", 1, micro(150), None, None),
        ("ben", 1, micro(50), None, None),
        ("eve", 0, 0, micro(200), micro(200)),
        (None, 1, micro(7), None, None),
    ]  # fmt: skip


def test_the_period_says_what_is_used_when_it_resets_and_each_members_goal(ledger):
    wallet = a_team(ledger)

    (found,) = periods(ledger, Scope(START, NOON.replace(hour=13), wallet.account_id))

    assert (found.starts, found.resets) == (START, MONTH_END)
    assert (found.granted_micro, found.used_micro, found.available_micro) == (
        micro(12_000), micro(207), micro(11_793),
    )  # fmt: skip
    assert (found.members, found.months) == (3, 1)
    assert found.monthly_goal == Fraction(micro(12_000), 3)


def test_events_are_chosen_by_action_and_tag_and_summed(ledger):
    wallet = a_team(ledger)
    days = (wallet.customer_id, START.date(), MONTH_END.date())

    found = sheet(ledger, Asked("events", *days, where=(("member", "ada"),)), NOON)
    nothing = sheet(ledger, Asked("events", *days, action="other"), NOON)

    assert [row[-1] for row in found.rows] == ["member=ada"]
    assert found.notes == ("credits: 150 in all",)
    assert nothing.rows == ()
