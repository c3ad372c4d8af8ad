"""Reports for product people: members, the period that runs, single events."""

from collections import Counter
from datetime import timedelta
from fractions import Fraction

from hypothesis import given, settings
from sqlalchemy import text

from domain.payments.charges import ChargeKind
from domain.teams.members import Member
from domain.usage import Attempt, PricedEvent, PricedWay, Terms, UsageEvent
from ledger import balances, grants
from ledger.reports.charged import Charged, charged
from ledger.reports.debts import debts
from ledger.reports.members import events, limits_of, usage_by_member
from ledger.reports.period import periods
from ledger.reports.registry import ReportRequest, sheet
from ledger.reports.scope import Scope
from ledger.reports.usage import usage_by_tag
from ledger.teams import limits, members
from ledger.usage import debits
from ledger.usage.debits import Demand
from tests.builders import (
    MONTH_END,
    NOON,
    START,
    a_grant,
    a_paid_charge,
    a_subscribed_wallet,
    an_event,
    auto_purchase_on,
    micro,
)
from tests.ledger.reports.histories import BEGINS, History, cuts, steps
from tests.ledger.returns import a_pack, buy, dispute


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


@settings(max_examples=20)
@given(told=steps, cut=cuts)
def test_debts_close_to_what_is_owed_and_open_the_next(books, told, cut):
    with books() as ledger:
        history = History(ledger).tell(told)
        middle = max(history.cut(cut), BEGINS + timedelta(microseconds=1))
        first, later = Scope(BEGINS, middle), Scope(middle, history.end + timedelta(days=1))
        counted = text("""
            SELECT c.customer_id, substr(o.counter, 6), o.value::bigint FROM counters o
            JOIN customers c USING (account_id) WHERE o.counter ^@ 'debt:' AND o.value > 0
        """)

        closing = {
            (one.customer_id, one.credit_type): one.closing_micro for one in debts(ledger, later)
        }
        assert {key: owed for key, owed in closing.items() if owed} == {
            (row[0], row[1]): row[2] for row in ledger.execute(counted)
        }
        before = {
            (one.customer_id, one.credit_type): one.closing_micro for one in debts(ledger, first)
        }
        assert all(
            one.opening_micro == before.get((one.customer_id, one.credit_type), 0)
            for one in debts(ledger, later)
        )


def test_what_was_charged_back_is_owed_at_the_price_it_was_sold_at(ledger):
    wallet, pack = a_pack(ledger, used=400)  # 1,000 for $45.00
    dispute(ledger, wallet, pack, "open")
    assert owed(ledger, wallet) == (micro(400), "USD", 1_800)

    buy(ledger, wallet=wallet, charge_id=f"{pack}:2", quantity=250, cost=2_500)
    assert owed(ledger, wallet) == (micro(150), "USD", 675)
    asked = ReportRequest("debts", wallet.customer_id, START.date(), MONTH_END.date())
    (row,) = sheet(ledger, asked, NOON).rows
    assert row[-3:] == ("150", "6.75", "USD")
    dispute(ledger, wallet, pack, "won")
    assert owed(ledger, wallet) == (0, "USD", 0)


def test_what_was_used_on_credit_is_owed_at_the_last_price_that_was_paid(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=0)
    overdraft = a_grant(source="overdraft", priority=90, scope=("a",), quantity_micro=micro(5))
    grants.give(ledger, wallet.account_id, overdraft, START)
    terms = Terms((Attempt("a", (PricedWay("credits", 1, 1),)),), at_zero="block")
    event = PricedEvent(UsageEvent("k", "a", micro(4), NOON), "credits", 0, terms)
    debits.debit(ledger, [Demand(wallet.account_id, event)], NOON)
    assert owed(ledger, wallet) == (micro(4), "USD", None)  # nothing was ever paid for

    buy(ledger, wallet=wallet, charge_id="pack", quantity=1, cost=150)
    assert owed(ledger, wallet) == (micro(3), "USD", 450)


def owed(connection, wallet):
    (one,) = debts(connection, Scope(START, MONTH_END, wallet.account_id))
    return one.closing_micro, one.currency, one.owed_minor


def test_a_member_without_limit_or_usage_is_there_with_nothing(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=10)
    fay = Member("fay", "Fay", "fay@example.com")
    members.put(ledger, account_id=wallet.account_id, member=fay, credit_types=["credits"], at=NOON)

    (found,) = usage_by_member(ledger, Scope(START, MONTH_END, wallet.account_id))

    assert (found.member, found.credit_type, found.events, found.credits_micro) == (
        "fay", None, 0, 0,
    )  # fmt: skip
    assert (found.limit_micro, found.left_micro) == (None, None)
    asked = ReportRequest("usage-by-member", wallet.customer_id, START.date(), MONTH_END.date())
    assert sheet(ledger, asked, NOON).rows == ((wallet.customer_id, "fay", "-", "0", "0", *"----"),)


def test_a_history_can_be_narrowed_to_a_member_a_campaign_an_action_and_days(ledger):
    wallet = a_team(ledger)
    account = wallet.account_id
    tags = (("campaign", "ai"), ("member", "ada"))
    later = an_event(account, 3, key="later", action="lookup", tags=tags)
    debits.debit(ledger, [later], NOON + timedelta(days=1))

    def kept(**facts):
        lines = balances.history(ledger, account, chosen=balances.Chosen(**facts))
        return [-line.change_micro // micro(1) for line in lines if line.kind == "debit"]

    assert kept() == [150, 50, 7, 3]
    assert kept(tags=(("member", "ada"),)) == [150, 3]
    assert kept(tags=tags) == [3]
    assert kept(action="lookup") == [3]
    assert kept(start=NOON + timedelta(hours=1)) == [3]
    assert kept(end=NOON + timedelta(hours=1)) == [150, 50, 7]
    limits.set_limit(
        ledger,
        account_id=account,
        counter="member:ada",
        credit_type="credits",
        ceiling_micro=micro(200),
        at=NOON,
    )
    assert limits_of(ledger, account, "ben") == ()
    assert [one.refusal for one in limits_of(ledger, account, "ada")] == ["user_limit"]
    (own,) = limits_of(ledger, account, "ada")
    assert (own.limit_micro, own.credits_micro) == (micro(200), micro(153))


def a_team(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=12_000)
    for member, amount in (("ada", 150), ("ben", 50), (None, 7)):
        tags = (("member", member),) if member else ()
        demand = an_event(wallet.account_id, amount, key=f"{member}", tags=tags)
        assert debits.debit(ledger, [demand], NOON)[0].status == "debited"
    limits.set_limit(
        ledger,
        account_id=wallet.account_id,
        counter="member:eve",
        credit_type="credits",
        ceiling_micro=micro(200),
        at=NOON,
    )
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

    found = sheet(ledger, ReportRequest("events", *days, where=(("member", "ada"),)), NOON)
    nothing = sheet(ledger, ReportRequest("events", *days, action="other"), NOON)

    assert [row[-1] for row in found.rows] == ["member=ada"]
    assert found.notes == ("credits: 150 in all",)
    assert nothing.rows == ()


def test_charges_are_listed_in_the_days_in_which_they_were_paid(ledger):
    wallet = a_subscribed_wallet(ledger, 0, **auto_purchase_on())
    a_paid_charge(ledger, wallet, "period", 900)
    later = NOON + timedelta(days=1)
    a_paid_charge(
        ledger, wallet, "more", 450, kind=ChargeKind.MANUAL, quantity_micro=micro(500), at=later
    )
    first = charged(ledger, Scope(START, later, wallet.account_id))
    assert first == (Charged(ChargeKind.PERIOD, "USD", 1, 900, 0),)
    second = charged(ledger, Scope(later, MONTH_END, wallet.account_id))
    assert second == (Charged(ChargeKind.MANUAL, "USD", 1, 450, 0),)
