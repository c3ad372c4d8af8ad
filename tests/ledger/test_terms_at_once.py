"""Many clients at once on terms: at zero, at a member's limit, on one object."""

from collections import Counter

from domain.usage import PricedWay
from ledger import balances
from ledger.teams import limits
from ledger.usage import debits
from tests.builders import NOON, a_subscribed_wallet, micro
from tests.ledger.term_laws import a_way, ask
from tests.ledger.test_concurrency import at_once
from tests.ledger.way_laws import WHOLE, on_terms


def together(engine, wallet, count, **terms):
    def alone(number):
        with engine.begin() as connection:
            return ask(connection, wallet, f"k{number}", micro(1), a_way(), **terms)

    return at_once([lambda n=n: alone(n) for n in range(count)])


def committed(engine, allowance):
    with engine.begin() as connection:
        return a_subscribed_wallet(connection, allowance=allowance)


def sound(engine, wallet, left):
    with engine.connect() as connection:
        broken = [law for account, *law in balances.violations(connection)]
        assert broken == []
        assert balances.available(connection, wallet.account_id, "credits", NOON) == micro(left)


def test_m05_on_terms_exactly_what_is_there_is_taken(engine):
    wallet = committed(engine, 3)
    answers = together(engine, wallet, 10, counters=("member:u",))
    assert Counter(one.status for one in answers) == {"debited": 3, "insufficient_credits": 7}
    assert sum(one.crossed for one in answers) == 1
    sound(engine, wallet, 0)


def test_m10_a_members_limit_holds_for_many_at_once(engine):
    wallet = committed(engine, 100)
    with engine.begin() as connection:
        limits.set_limit(
            connection,
            account_id=wallet.account_id,
            counter="member:u",
            credit_type="credits",
            ceiling_micro=micro(4),
            at=NOON,
        )
    answers = together(engine, wallet, 10, counters=("member:u",))
    assert Counter(one.status for one in answers) == {"debited": 4, "user_limit": 6}
    sound(engine, wallet, 96)


def test_m09_colleagues_at_the_same_instant_make_one_debit_and_all_succeed(engine):
    wallet = committed(engine, 99)
    answers = together(engine, wallet, 10, once="unlock:p2")
    assert Counter(one.status for one in answers) == {"debited": 1, "already_unlocked": 9}
    assert sum(dict(one.charged).get("credits", 0) for one in answers) == micro(1)
    sound(engine, wallet, 98)


THIRD = PricedWay("credits", 1, 3, carry="carry:third")


def batches(engine, wallet, count, way=WHOLE, quantity=1_000_000, **terms):
    """Send batches of two at once, each decided as one; return all answers."""

    def pair(number):
        asked = [on_terms(wallet, f"k{number}-{n}", quantity, way, **terms) for n in range(2)]
        with engine.begin() as connection:
            return debits.debit(connection, asked, NOON)

    answers = at_once([lambda n=n: pair(n) for n in range(count)])
    return [one for both in answers for one in both]


def test_a_members_limit_holds_for_many_batches_at_once(engine):
    wallet = committed(engine, 100)
    with engine.begin() as connection:
        limits.set_limit(
            connection,
            account_id=wallet.account_id,
            counter="member:u",
            credit_type="credits",
            ceiling_micro=micro(5),
            at=NOON,
        )
    answers = batches(engine, wallet, 8, counters=("member:u",))
    assert Counter(one.status for one in answers) == {"debited": 5, "user_limit": 11}
    sound(engine, wallet, 95)


def test_rounding_drifts_by_nothing_over_many_batches_at_once(engine):
    wallet = committed(engine, 100)
    answers = batches(engine, wallet, 8, THIRD, 7)
    taken = sum(dict(one.charged)["credits"] for one in answers)
    assert taken == 37  # 16 x 7 / 3 = 37.3
