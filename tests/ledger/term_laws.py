"""The laws of debits on terms, each checked in a few calls on any database."""

from datetime import timedelta

from domain.usage import EVERY_TIME, Attempt, PricedEvent, PricedWay, Terms, UsageEvent
from ledger import balances, grants
from ledger.teams import limits
from ledger.usage import debits
from ledger.usage.debits import Demand
from tests.builders import (
    MONTH_END,
    NOON,
    START,
    a_grant,
    a_subscribed_wallet,
    an_event,
    auto_purchase_on,
    left,
    micro,
    pay_auto,
    reserve_auto,
    use,
)
from tests.ledger.undone import undone

DAY = timedelta(days=1)


def ask(connection, wallet, key, quantity, *ways, at=NOON, event_at=NOON, action="a", **terms):
    event = UsageEvent(key, action, quantity, event_at)
    wanted = Terms((Attempt(action, ways),), **terms)
    demand = Demand(wallet.account_id, PricedEvent(event, "credits", 0, wanted))
    return debits.debit(connection, [demand], at)[0]


def a_way(credit_type="credits", credits_micro=1, per=1, **facts):
    return PricedWay(credit_type, credits_micro, per, **facts)


def quota_pays_first_and_the_wallet_the_rest_once_agreed_to(engine, _):
    with undone(engine) as connection:
        wallet = a_subscribed_wallet(connection, allowance=10)
        quota = a_grant(credit_type="quota", quantity_micro=5)
        grants.give(connection, wallet.account_id, quota, START)
        ways = (a_way("quota"), a_way(consent="consent:a"))
        assert ask(connection, wallet, "a", 5, *ways).charged == (("quota", 5),)
        asked = ask(connection, wallet, "b", 6, *ways)
        assert (asked.status, asked.asked.credits) == ("confirmation_required", (("credits", 6),))
        assert left(connection, wallet) == micro(10)
        assert ask(connection, wallet, "b", 6, *ways, confirmed=True).status == "debited"
        assert ask(connection, wallet, "c", 6, *ways).status == "debited"
        assert ask(connection, wallet, "d", micro(10), *ways).status == "insufficient_credits"
        split = (a_way("credits"), a_way("usd"))
        grants.give(connection, wallet.account_id, a_grant(credit_type="usd"), START)
        done = ask(connection, wallet, "e", micro(10), *split)
        assert dict(done.charged) == {"credits": micro(10) - 12, "usd": 12}
        assert balances.violations(connection) == []


def rounding_never_drifts(engine, _):
    with undone(engine) as connection:
        wallet = a_subscribed_wallet(connection, allowance=10)
        third = a_way(credits_micro=1, per=3, carry="carry:a")
        charged = [ask(connection, wallet, f"k{n}", 1, third).charged for n in range(7)]
        assert [dict(one).get("credits", 0) for one in charged] == [0, 1, 0, 0, 1, 0, 0]


def an_object_is_paid_for_once(engine, _):
    with undone(engine) as connection:
        wallet = a_subscribed_wallet(connection, allowance=2)
        for part in (1, micro(1) - 1, micro(2)):
            refused = ask(connection, wallet, "k0", part, a_way(), once="a:1")
            assert refused.status == "quantity_not_one"
        answers = [ask(connection, wallet, f"k{n}", micro(1), a_way(), once="a:1") for n in (0, 1)]
        assert [one.status for one in answers] == ["debited", "already_unlocked"]
        assert ask(connection, wallet, "k2", 5, a_way(), once="a:1").status == "quantity_not_one"
        assert left(connection, wallet) == micro(1)


def a_member_stays_under_the_limit(engine, _):
    with undone(engine) as connection:
        wallet = a_subscribed_wallet(connection, allowance=1)
        limits.set_limit(
            connection,
            account_id=wallet.account_id,
            counter="member:u",
            credit_type="credits",
            ceiling_micro=5,
            at=NOON,
        )

        def act(key, amount):
            return ask(connection, wallet, key, amount, a_way(), counters=("member:u",)).status

        statuses = [act("a", 6), act("b", 3), act("c", 3), act("d", 2)]
        assert statuses == ["user_limit", "debited", "user_limit", "debited"]


def what_blocks_at_zero_never_buys_and_what_prompts_asks(engine, _):
    with undone(engine) as connection:
        wallet = a_subscribed_wallet(connection, allowance=0, **auto_purchase_on())
        statuses = [
            ask(connection, wallet, at_zero, 5, a_way(), at_zero=at_zero).status
            for at_zero in ("block", "prompt", "purchase")
        ]
        assert statuses == ["insufficient_credits", "confirmation_required", "purchase_needed"]
    with undone(engine) as connection:
        off = auto_purchase_on() | {"auto_on": False}
        wallet = a_subscribed_wallet(connection, allowance=0, **off)
        assert reserve_auto(connection, wallet).status == "auto_purchase_off"


def what_is_taken_on_credit_is_a_debt_and_no_balance(engine, _):
    with undone(engine) as connection:
        wallet = a_subscribed_wallet(connection, allowance=1, debt_repaid_from="all_grants")
        overdraft = a_grant(source="overdraft", priority=90, scope=("a",), quantity_micro=micro(5))
        assert grants.give(connection, wallet.account_id, overdraft, START) == micro(1)
        assert left(connection, wallet) == micro(1)
        assert use(connection, wallet, 2).status == "insufficient_credits"
        assert ask(connection, wallet, "k", micro(3), a_way(), at_zero="block").status == "debited"
        assert balances.violations(connection) == []
        gift = a_grant(quantity_micro=micro(5))
        assert grants.give(connection, wallet.account_id, gift, NOON) == micro(3)
        assert balances.violations(connection) == []


def plain_usage_never_draws_on_credit(engine, _):
    for allowance in (0, 1):  # nothing else is there, or too little
        with undone(engine) as connection:
            wallet = a_subscribed_wallet(connection, allowance=allowance)
            credit = a_grant(source="overdraft", priority=90, scope=("a",), quantity_micro=micro(5))
            grants.give(connection, wallet.account_id, credit, START)
            plain = an_event(wallet.account_id, 2, action="a")
            assert debits.debit(connection, [plain], NOON)[0].status == "insufficient_credits"


def what_only_another_action_may_use_is_not_told_as_available(engine, _):
    with undone(engine) as connection:
        wallet = a_subscribed_wallet(connection, allowance=10)
        others = a_grant(scope=("b",), quantity_micro=micro(7))
        grants.give(connection, wallet.account_id, others, START)
        answer = ask(connection, wallet, "k", micro(1), a_way())
        assert (answer.status, answer.available_micro) == ("debited", micro(9))
        careful = a_way(consent=EVERY_TIME)
        answer = ask(connection, wallet, "m", micro(1), careful, confirmed=True)
        assert (answer.status, answer.available_micro) == ("debited", micro(8))


def a_debt_is_repaid_from_purchases_only_and_bought_for(engine, _):
    with undone(engine) as connection:
        policy = auto_purchase_on(cap=20_000)
        wallet = a_subscribed_wallet(connection, allowance=0, **policy)
        overdraft = a_grant(source="overdraft", priority=90, scope=("a",), quantity_micro=micro(5))
        grants.give(connection, wallet.account_id, overdraft, START)
        assert ask(connection, wallet, "k", micro(4), a_way(), at_zero="block").status == "debited"
        gift = a_grant(quantity_micro=micro(5))
        assert grants.give(connection, wallet.account_id, gift, NOON) == micro(5)
        assert use(connection, wallet, 20_002).status == "cap_reached"
        reserved = reserve_auto(connection, wallet, "auto", 10_002)
        assert reserved.quantity_micro == micro(20_000)
        assert pay_auto(connection, wallet, reserved) == micro(20_001)
        assert balances.violations(connection) == []


def what_was_purchased_is_frozen_on_every_path(engine, _):
    with undone(engine) as connection:
        wallet = a_subscribed_wallet(connection, allowance=1)
        pack = a_grant(source="pack", expires_at=None)
        grants.give(connection, wallet.account_id, pack, START)
        grants.set_frozen(connection, wallet.account_id, NOON, frozen=True)
        again = a_grant(source="pack", expires_at=None)
        assert grants.give(connection, wallet.account_id, again, NOON) == micro(1)
        assert left(connection, wallet) == micro(1)
        assert use(connection, wallet, 2).status == "insufficient_credits"
        assert ask(connection, wallet, "k", micro(2), a_way()).status == "insufficient_credits"
        both = [
            Demand(
                wallet.account_id, PricedEvent(UsageEvent(key, "a", 1, NOON), "credits", micro(1))
            )
            for key in ("x", "y")
        ]
        statuses = [one.status for one in debits.debit(connection, both, NOON)]
        assert statuses == ["debited", "insufficient_credits"]


def late_usage_reopens_its_own_window_for_some_days(engine, _):
    windows = ((START, MONTH_END), (MONTH_END, MONTH_END + 28 * DAY))
    with undone(engine) as connection:
        policy = {"late_usage": "reopen", "reopen_days": 2}
        wallet = a_subscribed_wallet(connection, 10, windows=windows, amount_minor=2_000, **policy)
        later = MONTH_END + DAY
        grants.expire_due(connection, wallet.account_id, later)
        use(connection, wallet, 4, at=later, event_at=NOON)
        assert left(connection, wallet, later) == micro(10)
        books = balances.books(connection, wallet.account_id)
        assert (books["revenue"], books["breakage"]) == (-400, -600)
        use(connection, wallet, 4, at=MONTH_END + 2 * DAY, event_at=NOON)
        assert left(connection, wallet, later) == micro(6)
        assert balances.violations(connection) == []


TERM_LAWS = (
    quota_pays_first_and_the_wallet_the_rest_once_agreed_to,
    rounding_never_drifts,
    an_object_is_paid_for_once,
    a_member_stays_under_the_limit,
    what_blocks_at_zero_never_buys_and_what_prompts_asks,
    what_is_taken_on_credit_is_a_debt_and_no_balance,
    plain_usage_never_draws_on_credit,
    what_only_another_action_may_use_is_not_told_as_available,
    a_debt_is_repaid_from_purchases_only_and_bought_for,
    what_was_purchased_is_frozen_on_every_path,
    late_usage_reopens_its_own_window_for_some_days,
)
