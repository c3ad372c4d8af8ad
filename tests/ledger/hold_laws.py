"""The laws of holds, each checked in a few calls, and faults that must break one."""

from contextlib import contextmanager
from datetime import timedelta

from domain.usage import Attempt, PricedWay, Terms
from ledger import accounts, balances, grants
from ledger.teams import limits
from ledger.usage import debits
from ledger.usage.corrections import CorrectionOrder, correct
from tests.builders import (
    MONTH_END,
    NOON,
    START,
    a_grant,
    a_subscribed_wallet,
    an_event,
    left,
    micro,
    use,
)
from tests.ledger.holding import LAPSE, MINUTE, capture, counter, extend, hold, release, took
from tests.ledger.test_concurrency import at_once
from tests.ledger.two_windows import WINDOWS

MEMBER = "member:ann"
WAYS = (PricedWay("credits", 1, 1),)
OF_MEMBER = Terms((Attempt("operation", WAYS),), counters=(MEMBER,))
ONCE = Terms((Attempt("operation", WAYS),), once="unlock:P1")


@contextmanager
def a_wallet_with(engine, allowance, **facts):
    with engine.connect() as connection:
        yield connection, a_subscribed_wallet(connection, allowance, **facts)
        assert balances.violations(connection) == []
        connection.rollback()


def what_a_hold_sets_aside_nobody_else_takes(engine, _):
    with a_wallet_with(engine, 10) as (connection, wallet):
        assert hold(connection, wallet, 7).status == "held"
        assert use(connection, wallet, 4).status == "insufficient_credits"
        assert hold(connection, wallet, 4, key="b").status == "insufficient_credits"
        assert left(connection, wallet) == micro(3)


def a_hold_ends_once_and_its_first_answer_stays(engine, _):
    with a_wallet_with(engine, 10) as (connection, wallet):
        first = hold(connection, wallet, 7)
        assert hold(connection, wallet, 7).seq == first.seq
        assert hold(connection, wallet, 6).status == "idempotency_conflict"
        assert took(capture(connection, wallet, 5)) == micro(5)
        assert capture(connection, wallet, 5).status == "repeated"
        assert capture(connection, wallet, 6).status == "idempotency_conflict"
        assert release(connection, wallet).status == "hold_captured"
        hold(connection, wallet, 2, key="b")
        release(connection, wallet, key="b")
        assert release(connection, wallet, key="b").status == "repeated"
        assert capture(connection, wallet, 2, key="b").status == "hold_released"
        assert left(connection, wallet) == micro(5)


def a_lapse_is_decided_by_its_instant(engine, _):
    with a_wallet_with(engine, 10) as (connection, wallet):
        hold(connection, wallet, 7)
        extend(connection, wallet, LAPSE + MINUTE)
        assert balances.violations(connection) == []
        assert use(connection, wallet, 4, at=LAPSE).status == "insufficient_credits"
        assert left(connection, wallet, LAPSE + MINUTE) == micro(10)
        assert use(connection, wallet, 1, at=LAPSE + MINUTE).status == "debited"
        assert capture(connection, wallet, 7, at=LAPSE + MINUTE).status == "hold_lapsed"
        assert use(connection, wallet, 9, at=LAPSE + MINUTE).status == "debited"
    with a_wallet_with(engine, 10) as (connection, wallet):
        hold(connection, wallet, 7)
        events = [an_event(wallet.account_id, 1, event_at=LAPSE) for _ in range(2)]
        assert {one.status for one in debits.debit(connection, events, LAPSE)} == {"debited"}
    with a_wallet_with(engine, 10) as (connection, wallet):
        hold(connection, wallet, 7)
        assert capture(connection, wallet, 7, at=LAPSE).status == "hold_lapsed"


def a_capture_takes_its_own_credits_first_and_no_more_than_there_is(engine, _):
    with a_wallet_with(engine, 10) as (connection, wallet):
        hold(connection, wallet, 7)
        grants.give(connection, wallet.account_id, a_grant(priority=1), NOON)
        captured = capture(connection, wallet, 30)
        assert (took(captured), dict(captured.uncollected)) == (micro(20), {"credits": micro(10)})
    with a_wallet_with(engine, 10) as (connection, wallet):
        hold(connection, wallet, 7)
        grants.give(connection, wallet.account_id, a_grant(priority=1, expires_at=LAPSE), NOON)
        assert took(capture(connection, wallet, 7)) == micro(7)
        assert left(connection, wallet, LAPSE) == micro(3)


def held_credits_outlive_their_grants_expiry_and_no_longer(engine, _):
    with a_wallet_with(engine, 10) as (connection, wallet):
        hold(connection, wallet, 7, at=MONTH_END - MINUTE)
        hold(connection, wallet, 1, key="b", at=MONTH_END - MINUTE)
        assert grants.expire_due(connection, wallet.account_id, MONTH_END) == micro(2)
        assert took(capture(connection, wallet, 5, at=MONTH_END)) == micro(5)
        later = MONTH_END + timedelta(hours=1)
        assert grants.expire_due(connection, wallet.account_id, later) == micro(3)


def a_pause_stops_new_holds_and_no_capture(engine, _):
    with a_wallet_with(engine, 10) as (connection, wallet):
        hold(connection, wallet, 5)
        accounts.set_paused(connection, wallet.account_id, "by_operator", NOON, paused=True)
        assert hold(connection, wallet, 1, key="b").status == "paused:by_operator"
        assert took(capture(connection, wallet, 5)) == micro(5)


def what_is_held_counts_towards_limits_until_it_goes_back(engine, _):
    with a_wallet_with(engine, 100) as (connection, wallet):
        limits.set_limit(
            connection,
            account_id=wallet.account_id,
            counter=MEMBER,
            credit_type="credits",
            ceiling_micro=micro(10),
            at=START,
        )
        hold(connection, wallet, 8, terms=OF_MEMBER)
        assert hold(connection, wallet, 3, key="b", terms=OF_MEMBER).status == "user_limit"
        capture(connection, wallet, 6)
        assert hold(connection, wallet, 5, key="b", terms=OF_MEMBER).status == "user_limit"
        assert hold(connection, wallet, 4, key="b", terms=OF_MEMBER).status == "held"


def an_object_is_bought_by_the_first_capture(engine, _):
    with a_wallet_with(engine, 10) as (connection, wallet):
        hold(connection, wallet, 1, key="a", terms=ONCE)
        assert hold(connection, wallet, 1, key="b", terms=ONCE).status == "held"
        capture(connection, wallet, 1, key="a")
        assert capture(connection, wallet, 1, key="b").status == "already_unlocked"
        assert left(connection, wallet) == micro(9)


def an_object_is_held_and_captured_whole(engine, _):
    with a_wallet_with(engine, 10) as (connection, wallet):
        assert hold(connection, wallet, "0.5", terms=ONCE).status == "quantity_not_one"
        assert hold(connection, wallet, 2, terms=ONCE).status == "quantity_not_one"
        hold(connection, wallet, 1, terms=ONCE)
        assert capture(connection, wallet, "0.000001").status == "quantity_not_one"
        assert capture(connection, wallet, 2).status == "quantity_not_one"
        assert took(capture(connection, wallet, 1)) == micro(1)


def a_capture_pays_beyond_its_hold_only_what_was_agreed_to(engine, _):
    asks = PricedWay("usd_wallet", 1, 1, consent="consent:operation:usd_wallet")
    terms = Terms((Attempt("operation", (*WAYS, asks)),))
    dollars = a_grant(credit_type="usd_wallet", quantity_micro=micro(10))
    for confirmed in (False, True):
        with a_wallet_with(engine, 5) as (connection, wallet):
            grants.give(connection, wallet.account_id, dollars, START)
            hold(connection, wallet, 5, terms=terms)
            captured = capture(connection, wallet, 8, confirmed=confirmed)
            in_dollars = captured.taken if confirmed else captured.uncollected
            assert dict(in_dollars)["usd_wallet"] == micro(3)
            again = hold(connection, wallet, 1, key="b", terms=terms).status
            assert again == ("held" if confirmed else "confirmation_required")


def held_work_becomes_what_a_smaller_capture_would_have_been(engine, _):
    started = PricedWay("credits", micro(5), micro(15), started=True)
    for way, captured, quantity, taken in (
        (WAYS[0], 11, 10, 10),  # one was not collected
        (WAYS[0], 11, 8, 8),
        (WAYS[0], 11, 0, 0),
        (started, 16, 15, 5),
    ):
        terms = Terms((Attempt("operation", (way,)),))
        with a_wallet_with(engine, 10) as (connection, wallet):
            hold(connection, wallet, 10, terms=terms)
            capture(connection, wallet, captured)
            assert less(connection, wallet, quantity) == "corrected"
            assert left(connection, wallet) == micro(10 - taken)


def held_work_counts_in_the_window_of_its_hold(engine, _):
    with a_wallet_with(engine, 0, windows=WINDOWS) as (connection, wallet):
        grants.give(connection, wallet.account_id, a_grant(expires_at=None), START)
        hold(connection, wallet, 7, at=MONTH_END - MINUTE, terms=OF_MEMBER)
        capture(connection, wallet, 7, at=MONTH_END)
        assert less(connection, wallet, 3, MONTH_END) == "corrected"
        assert counter(connection, wallet, f"{MEMBER}@credits") == micro(3)


def less(connection, wallet, quantity, at=NOON):
    order = CorrectionOrder(
        key="c", event="h", quantity_micro=micro(quantity), reason="twice", by="ann"
    )
    return correct(connection, account_id=wallet.account_id, order=order, terms=None, at=at).status


def the_end_of_a_subscription_gives_back_what_is_held(engine, _):
    with a_wallet_with(engine, 10) as (connection, wallet):
        hold(connection, wallet, 5)
        accounts.end(connection, wallet.account_id, NOON)
        assert capture(connection, wallet, 5).status == "hold_released"


def holds_at_once_set_aside_no_more_than_there_is(engine, _):
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection, allowance=3)
        use(connection, wallet, 1)

    def one(key):
        with engine.begin() as connection:
            return hold(connection, wallet, 1, key=key).status

    answers = at_once([lambda k=k: one(f"k{k}") for k in range(8)])
    assert sorted(answers).count("held") == 2
    with engine.begin() as connection:
        assert balances.violations(connection) == []


HOLD_LAWS = (
    what_a_hold_sets_aside_nobody_else_takes,
    a_hold_ends_once_and_its_first_answer_stays,
    a_lapse_is_decided_by_its_instant,
    a_capture_takes_its_own_credits_first_and_no_more_than_there_is,
    held_credits_outlive_their_grants_expiry_and_no_longer,
    a_pause_stops_new_holds_and_no_capture,
    what_is_held_counts_towards_limits_until_it_goes_back,
    an_object_is_bought_by_the_first_capture,
    an_object_is_held_and_captured_whole,
    a_capture_pays_beyond_its_hold_only_what_was_agreed_to,
    held_work_becomes_what_a_smaller_capture_would_have_been,
    held_work_counts_in_the_window_of_its_hold,
    the_end_of_a_subscription_gives_back_what_is_held,
    holds_at_once_set_aside_no_more_than_there_is,
)
# Name, function, and a pattern of its definition with what it is replaced by.
HOLD_FAULTS = (
    ("a hold takes no lock", "hold", r"FOR UPDATE", ""),
    ("a hold's content is not compared", "hold", r"'idempotency_conflict'", "'repeated'"),
    ("held while paused", "hold", r"r\.status := wallet_refusal\(w, p_at\)", "NULL"),
    ("nothing is set aside", "write_hold", r"g\.held \+ l\.amount", "g.held"),
    (
        "a hold tells nobody",
        "hold",
        r"IF w\.alert_level >= 0 THEN PERFORM fire_alerts\(p_account\); END IF;",
        "",
    ),
    ("holds do not count", "write_hold", r"PERFORM write_counters\(w, p\)", "NULL"),
    ("bought when held", "write_hold", r"u\.starts > '-infinity'", "true"),
    (
        "a debit waits for a sweep",
        "debit_one",
        r"least\(o\.window_end, o\.next_lapse\)",
        "o.window_end",
    ),
    (
        "a batch waits for a sweep",
        "debit_plain_accounts",
        r"least\(w\.window_end, w\.next_lapse\)",
        "w.window_end",
    ),
    ("nothing lapses by itself", "enter_window", r"w\.next_lapse <= p_at", "false"),
    ("a hold lapses a moment late", "release_lapsed", r"lapses_at <= p_at", "lapses_at < p_at"),
    ("a balance waits for a sweep", "lapsed_by", r"h\.lapses_at <= p_at", "false"),
    ("an extension is forgotten", "extend_hold", r"UPDATE wallets SET next_lapse[^;]*;", ""),
    ("captured twice", "capture_hold", r"IF h\.state = 'captured' THEN", "IF false THEN"),
    ("captured though it ended", "capture_hold", r"IF h\.state <> 'open' THEN[^;]*; END IF;", ""),
    ("released though it ended", "release_hold", r"IF h\.state <> 'open' THEN[^;]*; END IF;", ""),
    ("an object is bought twice", "capture_hold", r"'-infinity'\) > 0", "'-infinity') > 1"),
    (
        "a part of an object is captured",
        "capture_hold",
        r"h\.once IS NOT NULL AND p_quantity <> 1000000",
        "false",
    ),
    ("a capture pays unasked", "capture_costs", r"cost := least\(cost, of_hold\)", "NULL"),
    ("a confirmed capture is refused", "is_agreed", r"OR p_confirmed", "OR false"),
    (
        "a confirmation is forgotten",
        "capture_costs",
        r"y\.consent <> 'every_time' AND",
        "false AND",
    ),
    ("what is left stays held", "end_hold", r"held = g\.held - t\.back", "held = g.held - t.take"),
    ("a limit keeps what went back", "plan_limits", r"-o\.value::bigint", "0"),
    (
        "others are taken from first",
        "capture_draws",
        r"s\.is_held DESC, s\.place",
        "s.is_held, s.place",
    ),
    ("a capture takes all it can", "capture_draws", r"least\(r\.hi, r\.cost\)", "r.hi"),
    (
        "what was uncollected comes back",
        "correct_usage",
        r"p := forgive_short\(h, p\);",
        "",
    ),
    (
        "held work is corrected at no rate of its own",
        "correct_usage",
        r"IF h\.hold_id IS NOT NULL THEN p_terms[^;]*; END IF;",
        "",
    ),
    (
        "held work is corrected in the window of its capture",
        "correct_usage",
        r"coalesce\(h\.window_start, window_of\(e\)\)",
        "window_of(e)",
    ),
    ("holds outlive the subscription", "end_wallet", r"PERFORM release_open\(w\);", ""),
    ("held credits expire", "expire_due", r"g\.remaining - g\.held", "g.remaining"),
)
