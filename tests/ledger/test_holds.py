"""Holds: set aside, captured, extended, released, lapsed; each exactly once."""

from datetime import timedelta

import pytest

from domain.holds import HoldState
from ledger import balances, grants
from ledger.usage import debits, holds
from tests.builders import (
    NOON,
    START,
    a_grant,
    a_subscribed_wallet,
    an_event,
    left,
    micro,
    use,
)
from tests.ledger.holding import (
    LAPSE,
    MINUTE,
    capture,
    extend,
    hold,
    release,
    sources,
    took,
)


@pytest.fixture(autouse=True)
def no_law_is_broken(ledger):
    yield
    assert balances.violations(ledger) == []


def test_what_is_held_cannot_be_debited(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=120)

    assert hold(ledger, wallet, 100).available_micro == micro(20)

    assert use(ledger, wallet, 21).status == "insufficient_credits"
    assert use(ledger, wallet, 20).status == "debited"
    assert hold(ledger, wallet, 1, key="other").status == "insufficient_credits"


def test_m17_a_capture_of_more_takes_what_there_is_and_records_the_rest(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=120)
    hold(ledger, wallet, 100)

    captured = capture(ledger, wallet, 130)

    assert (captured.status, took(captured)) == ("captured", micro(120))
    assert captured.uncollected == (("credits", micro(10)),)
    assert left(ledger, wallet) == 0


def test_m17_capturing_twice_captures_once(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=120)
    hold(ledger, wallet, 100)
    first = capture(ledger, wallet, 70)

    again = capture(ledger, wallet, 70, at=LAPSE)

    assert again.status == "repeated"
    assert (again.seq, again.taken, again.available_micro) == (first.seq, first.taken, micro(50))
    assert capture(ledger, wallet, 71).status == "idempotency_conflict"
    assert left(ledger, wallet) == micro(50)


def test_m17_a_lapsed_hold_is_released_exactly_once(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=120)
    hold(ledger, wallet, 100)

    assert holds.lapse_due(ledger, wallet.account_id, LAPSE - MINUTE) == 0
    assert holds.lapse_due(ledger, wallet.account_id, LAPSE + MINUTE) == 1
    assert holds.lapse_due(ledger, wallet.account_id, LAPSE + MINUTE) == 0

    assert left(ledger, wallet, LAPSE) == micro(120)


def test_m11_a_hold_needs_what_is_available_and_gives_back_what_is_not_captured(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=100)
    use(ledger, wallet, 30)
    assert hold(ledger, wallet, 80).status == "insufficient_credits"
    pack = a_grant(quantity_micro=micro(500), priority=30, expires_at=None)
    grants.give(ledger, wallet.account_id, pack, NOON)

    held = hold(ledger, wallet, 80)
    captured = capture(ledger, wallet, 70)

    assert (held.status, held.held) == ("held", (("credits", micro(80)),))
    assert took(captured) == micro(70)
    assert sources(ledger, wallet) == [0, micro(500)]
    assert left(ledger, wallet) == micro(500)


def test_a_hold_with_a_known_key_gives_the_first_answer(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=120)
    first = hold(ledger, wallet, 100)

    again = hold(ledger, wallet, 100)

    assert (again.status, again.seq, again.held) == ("repeated", first.seq, first.held)
    assert hold(ledger, wallet, 99).status == "idempotency_conflict"
    assert hold(ledger, wallet, 100, until=LAPSE + MINUTE).status == "idempotency_conflict"
    assert use(ledger, wallet, 100, key="h").status == "idempotency_conflict"
    assert left(ledger, wallet) == micro(20)
    use(ledger, wallet, 1, key="d")
    assert hold(ledger, wallet, 1, key="d").status == "idempotency_conflict"


def test_a_repeated_hold_tells_how_it_ended_and_holds_nothing_again(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=120)
    hold(ledger, wallet, 100)
    extend(ledger, wallet, LAPSE + MINUTE)
    release(ledger, wallet)

    again = hold(ledger, wallet, 100)

    assert (again.status, again.state) == ("repeated", HoldState.RELEASED)
    assert left(ledger, wallet) == micro(120)


@pytest.mark.parametrize("batch", [1, 2])
def test_a_hold_lapses_at_its_instant_without_a_sweep(ledger, batch):
    wallet = a_subscribed_wallet(ledger, allowance=120)
    hold(ledger, wallet, 100)

    before = LAPSE - timedelta(microseconds=1)
    assert left(ledger, wallet, before) == micro(20)
    assert left(ledger, wallet, LAPSE) == micro(120)
    assert use(ledger, wallet, 60, at=before).status == "insufficient_credits"
    for _ in range(batch):
        assert use(ledger, wallet, 60, at=LAPSE).status == "debited"


def test_a_batch_at_the_lapse_finds_the_credits_free(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=120)
    hold(ledger, wallet, 100)
    events = [an_event(wallet.account_id, 60, event_at=LAPSE) for _ in range(2)]

    assert [one.status for one in debits.debit(ledger, events, LAPSE)] == ["debited"] * 2


def test_a_release_is_written_at_the_instant_that_decided_it(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=120)
    hold(ledger, wallet, 100)
    use(ledger, wallet, 60, at=LAPSE + MINUTE)

    lines = balances.history(ledger, wallet.account_id)

    assert [(one.kind, one.at) for one in lines[1:]] == [
        ("hold", NOON),
        ("release", LAPSE),
        ("debit", LAPSE + MINUTE),
    ]
    assert [one.available_micro for one in lines[1:]] == [micro(20), micro(120), micro(60)]
    assert lines[2].cause == "operation (lapsed) [h]"


def test_a_balance_as_of_an_instant_knows_a_lapse_before_and_after_it_is_written(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=120)
    hold(ledger, wallet, 100)
    extend(ledger, wallet, LAPSE + MINUTE, at=NOON + MINUTE)

    def story():
        instants = (START, NOON, LAPSE, LAPSE + MINUTE)
        asked = [balances.balances_as_of(ledger, wallet.account_id, at)[0] for at in instants]
        return [(one.available_micro, one.held_micro) for one in asked]

    expected = [
        (micro(120), 0),
        (micro(20), micro(100)),
        (micro(20), micro(100)),
        (micro(120), 0),
    ]
    assert story() == expected
    holds.lapse_due(ledger, wallet.account_id, LAPSE + 9 * MINUTE)
    assert story() == expected


def test_a_capture_at_the_lapse_is_too_late(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=120)
    hold(ledger, wallet, 100)

    late = capture(ledger, wallet, 100, at=LAPSE)

    assert (late.status, late.state) == ("hold_lapsed", HoldState.LAPSED)
    assert release(ledger, wallet).status == "hold_lapsed"
    assert extend(ledger, wallet, LAPSE + MINUTE).status == "hold_lapsed"
    assert left(ledger, wallet, LAPSE) == micro(120)


def test_a_clock_behind_cannot_capture_what_has_lapsed(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=120)
    hold(ledger, wallet, 100)
    use(ledger, wallet, 1, at=LAPSE)

    assert capture(ledger, wallet, 100, at=NOON).status == "hold_lapsed"


def test_an_extended_hold_lapses_at_its_new_instant_only(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=120)
    hold(ledger, wallet, 100)

    extended = extend(ledger, wallet, LAPSE + MINUTE)

    assert (extended.status, extended.lapses_at) == ("extended", LAPSE + MINUTE)
    assert extend(ledger, wallet, LAPSE + MINUTE).status == "repeated"
    assert extend(ledger, wallet, LAPSE).status == "repeated"  # a late copy shortens nothing
    assert use(ledger, wallet, 21, at=LAPSE).status == "insufficient_credits"
    assert use(ledger, wallet, 21, at=LAPSE + MINUTE).status == "debited"


def test_a_released_hold_cannot_be_captured_and_is_released_once(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=120)
    hold(ledger, wallet, 100)

    released = release(ledger, wallet)

    assert (released.status, released.available_micro) == ("released", micro(120))
    again = release(ledger, wallet, at=LAPSE)
    assert (again.status, again.seq) == ("repeated", released.seq)
    assert capture(ledger, wallet, 1).status == "hold_released"


def test_a_captured_hold_cannot_be_released(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=120)
    hold(ledger, wallet, 100)
    capture(ledger, wallet, 100)

    assert release(ledger, wallet).status == "hold_captured"
    assert extend(ledger, wallet, LAPSE + MINUTE).status == "hold_captured"
    assert left(ledger, wallet) == micro(20)


def test_a_hold_that_never_was_is_unknown(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=120)
    use(ledger, wallet, key="debit")

    for call in (
        release,
        lambda *a, **k: capture(*a, 1, **k),
        lambda *a, **k: extend(*a, LAPSE, **k),
    ):
        assert call(ledger, wallet, key="debit").status == "unknown_hold"


@pytest.mark.parametrize("until", [NOON, START])
def test_a_hold_must_lapse_later_than_now(ledger, until):
    wallet = a_subscribed_wallet(ledger, allowance=120)

    assert hold(ledger, wallet, 100, until=until).status == "invalid_lapse"
    assert left(ledger, wallet) == micro(120)


def test_open_holds_are_listed_until_their_instant(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=100)
    hold(ledger, wallet, 10, key="b", until=LAPSE + MINUTE)
    hold(ledger, wallet, 5, key="a")
    release(ledger, wallet, key=hold(ledger, wallet, 1, key="c").key)

    listed = holds.open_holds(ledger, wallet.account_id, NOON)

    assert [(one.key, one.held) for one in listed] == [
        ("a", (("credits", micro(5)),)),
        ("b", (("credits", micro(10)),)),
    ]
    assert [one.key for one in holds.open_holds(ledger, wallet.account_id, LAPSE)] == ["b"]
