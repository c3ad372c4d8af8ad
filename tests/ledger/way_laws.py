"""Laws of debits on terms that their first way pays, and the faults that they notice."""

from domain.credits import MICRO
from domain.usage import EVERY_TIME, Attempt, PricedEvent, PricedWay, Terms, UsageEvent
from ledger.teams import limits
from ledger.usage import debits
from ledger.usage.debits import Demand
from tests.builders import NOON, START, a_subscribed_wallet, micro
from tests.ledger.undone import undone

THIRD = PricedWay("credits", 1, 3, carry="carry:a")
WHOLE = PricedWay("credits", 1, 1)


def on_terms(wallet, key, quantity, way=WHOLE, **terms):
    event = UsageEvent(key, "a", quantity, NOON)
    wanted = Terms((Attempt("a", (way,)),), **terms)
    return Demand(wallet.account_id, PricedEvent(event, "credits", 0, wanted))


def alone(connection, demands):
    return [debits.debit(connection, [one], NOON)[0] for one in demands]


def together(connection, demands):
    return debits.debit(connection, demands, NOON)


BOTH = (alone, together)


def rounding_drifts_neither_alone_nor_together(engine, _):
    for ask in BOTH:
        with undone(engine) as connection:
            wallet = a_subscribed_wallet(connection)
            sevens = [on_terms(wallet, f"k{n}", 7, THIRD) for n in range(5)]
            taken = [dict(one.charged)["credits"] for one in ask(connection, sevens)]
            assert taken == [2, 3, 2, 2, 3]
            more = [on_terms(wallet, f"m{n}", 7, THIRD) for n in range(2)]
            taken = [dict(one.charged)["credits"] for one in ask(connection, [sevens[0], *more])]
            assert taken == [2, 2, 2]


def rounding_drifts_not_with_care(engine, _):
    with undone(engine) as connection:
        wallet = a_subscribed_wallet(connection)
        asks = PricedWay("credits", 1, 3, carry="carry:a", consent=EVERY_TIME)
        sevens = [on_terms(wallet, f"k{n}", 7, asks, confirmed=True) for n in range(6)]
        taken = [dict(one.charged)["credits"] for one in alone(connection, sevens)]
        assert taken == [2, 3, 2, 2, 3, 2]


def a_members_limit_holds_alone_and_together(engine, _):
    for ask in BOTH:
        with undone(engine) as connection:
            wallet = a_subscribed_wallet(connection)
            limits.set_limit(
                connection,
                account_id=wallet.account_id,
                counter="member:a",
                credit_type="credits",
                ceiling_micro=micro(5),
                at=START,
            )
            twos = [on_terms(wallet, f"k{n}", micro(2), counters=("member:a",)) for n in range(3)]
            answers = [one.status for one in ask(connection, twos)]
            assert answers == ["debited", "debited", "user_limit"]
            three = [on_terms(wallet, f"m{n}", micro(1), counters=("member:a",)) for n in (0, 1)]
            assert [one.status for one in ask(connection, three)] == ["debited", "user_limit"]


def an_object_is_unlocked_once_alone_and_together(engine, _):
    for ask in BOTH:
        with undone(engine) as connection:
            wallet = a_subscribed_wallet(connection)
            twice = [on_terms(wallet, f"k{n}", MICRO, once="doc:1") for n in range(2)]
            answers = [one.status for one in ask(connection, twice)]
            assert answers == ["debited", "already_unlocked"]
            others = [on_terms(wallet, f"m{n}", MICRO, once=f"doc:{n}") for n in (1, 2)]
            answers = [one.status for one in ask(connection, others)]
            assert answers == ["already_unlocked", "debited"]


def what_must_be_agreed_to_is_asked_alone_and_together(engine, _):
    asks = PricedWay("credits", 1, 1, consent=EVERY_TIME)
    for ask in BOTH:
        with undone(engine) as connection:
            wallet = a_subscribed_wallet(connection)
            two = [on_terms(wallet, "k0", 5), on_terms(wallet, "k1", 5, asks)]
            answers = [one.status for one in ask(connection, two)]
            assert answers == ["debited", "confirmation_required"]


WAY_LAWS = (
    rounding_drifts_neither_alone_nor_together,
    rounding_drifts_not_with_care,
    a_members_limit_holds_alone_and_together,
    an_object_is_unlocked_once_alone_and_together,
    what_must_be_agreed_to_is_asked_alone_and_together,
)
WAY_FAULTS = (
    ("consent is not looked at", "first_way", r"y\.consent IS NULL AND", ""),
    (
        "rounding drifts alone",
        "use_of_way",
        r"used := counter_value\(",
        "used := 0 * counter_value(",
    ),
    ("a member has no limit alone", "use_of_way", r"c\.value > c\.ceiling OR", ""),
    ("an object is paid for again alone", "use_of_way", r"'-infinity'\) > 0", "'-infinity') > 9"),
    ("a counter stays alone", "debit_one", r"PERFORM put_counters\([^;]*;", "NULL;"),
    (
        "rounding drifts together",
        "size_by_terms",
        r"coalesce\(sum\(a\.quantity\) OVER before, 0\)",
        "0",
    ),
    (
        "a batch forgets what was carried",
        "size_by_terms",
        r"coalesce\(c\.value, 0\) \+ coalesce\(sum",
        "coalesce(sum",
    ),
    ("ceilings are not looked at together", "size_by_terms", r"m\.value > m\.most", "false"),
    ("repeats are carried", "size_by_terms", r"AND NOT EXISTS \([^)]*\)", ""),
    (
        "a counter stays together",
        "debit_plain_accounts",
        r"PERFORM put_batch_counters\([^;]*;",
        "NULL;",
    ),
)
