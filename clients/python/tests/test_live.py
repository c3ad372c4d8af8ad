"""The client and the real API on a real ledger."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from drawdown_client import (
    Conflict,
    Debited,
    Drawdown,
    Event,
    InvalidRequest,
    NotAuthenticated,
    NotFound,
    PaymentRequired,
    Refusal,
)

AT = datetime.now(UTC) - timedelta(hours=1)


def use(live, customer, quantity, key="call-1"):
    return live.use(customer, "operation", quantity, key=key, event_at=AT)


def test_an_event_is_charged_once(live, acme):
    first = use(live, acme, "2.5")
    again = use(live, acme, Decimal("2.50"))

    assert first == Debited(
        acme, "call-1", "debited", 2, Decimal("9997.5"), {"credits": Decimal("2.5")}
    )
    assert (again.status, again.seq, again.available) == ("repeated", 2, Decimal("9997.5"))


def test_other_content_under_a_key_is_a_conflict_of_the_request(live, acme):
    use(live, acme, 1)

    with pytest.raises(InvalidRequest) as raised:
        use(live, acme, 2)

    assert raised.value.reason == "idempotency_conflict"


def test_what_is_missing_is_told_exactly(live, acme):
    with pytest.raises(PaymentRequired) as raised:
        use(live, acme, "10000.000001")

    assert raised.value.reason == "insufficient_credits"
    assert raised.value.missing == Decimal("0.000001")
    assert raised.value.cure
    assert raised.value.request_id


def test_who_is_unknown_is_not_found(live):
    with pytest.raises(NotFound) as raised:
        use(live, "nobody", 1)

    assert raised.value.reason == "unknown_customer"


def test_a_key_that_is_none_is_not_authenticated(api_url, acme):
    with Drawdown(api_url, "dd_abcdefghijkl_" + "s" * 43) as dd, pytest.raises(NotAuthenticated):
        use(dd, acme, 1)


def test_many_are_decided_each_on_its_own(live, acme):
    events = [Event(acme, f"call-{n}", "operation", n, AT) for n in (1, 20_000, 3)]

    first, second, third = live.use_many([*events, Event(acme, "call-4", "dance", 1, AT)])[:3]

    assert (first.status, third.status, third.available) == ("debited", "debited", Decimal(9996))
    assert isinstance(second, Refusal)
    assert (second.reason, second.missing) == ("insufficient_credits", Decimal(10_001))


def test_a_check_moves_nothing(live, acme):
    allowed = live.check(acme, "operation", 4)
    refused = live.check(acme, "operation", 10_001)

    assert allowed.allowed
    assert allowed.charged == {"credits": Decimal(4)}
    assert (refused.allowed, refused.reason, refused.missing) == (False, "insufficient_credits", 1)
    assert use(live, acme, 1).available == 9_999


@pytest.mark.parametrize("key", ["job-1", "a/b c%2F?#ä"])
def test_a_hold_is_captured_by_what_was_used(live, acme, key):
    with live.hold(acme, "operation", 100, key=key, event_at=AT) as hold:
        assert hold.placed.held == {"credits": Decimal(100)}
        assert hold.placed.available == 9_900
        captured = hold.capture("70.5")

    assert captured.taken == {"credits": Decimal("70.5")}
    assert captured.available == Decimal("9929.5")
    assert live.capture(acme, key, "70.5").status == "repeated"
    with pytest.raises(Conflict) as raised:
        live.release(acme, key)
    assert raised.value.reason == "hold_captured"


def test_a_hold_around_an_error_gives_everything_back(live, acme):
    with (
        pytest.raises(ZeroDivisionError),
        live.hold(acme, "operation", 100, key="job-1", event_at=AT),
    ):
        raise ZeroDivisionError

    assert use(live, acme, 1).available == 9_999
    with pytest.raises(Conflict) as raised:
        live.capture(acme, "job-1", 1)
    assert raised.value.reason == "hold_released"


def test_a_hold_can_be_extended_by_hand(live, acme):
    placed = live.hold(acme, "operation", 100, key="job-1", event_at=AT).place()
    later = AT + timedelta(days=1)

    assert live.extend(acme, "job-1", later).lapses_at == later != placed.lapses_at


def test_a_balance_says_all_that_there_is_with_exact_numbers(live, new_customer):
    acme = new_customer().customer_id
    use(live, acme, "2.5")
    live.hold(acme, "operation", 100, key="job-1", event_at=AT).place()

    balance = live.balance(acme)

    credits_ = balance.credit_types["credits"]
    assert (balance.customer_id, balance.seq) == (acme, 3)
    assert (credits_.available, credits_.held) == (Decimal("9897.5"), 100)
    assert credits_.included_available == credits_.available
    (grant,) = credits_.grants
    assert (grant.source, grant.available) == ("allowance", Decimal("9897.5"))
    assert AT < credits_.next_reset_at == grant.expires_at
    assert credits_.auto_purchase.unit == 10_000
    assert not credits_.auto_purchase.on


def test_the_balance_of_nobody_is_not_found(live):
    with pytest.raises(NotFound) as raised:
        live.balance("a/b c")

    assert raised.value.reason == "unknown_customer"


def test_a_hold_that_is_placed_again_is_the_same_hold(live, acme):
    now = datetime.now(UTC)
    first, again = (
        live.hold(
            acme,
            "operation",
            100,
            key="job-1",
            event_at=now,
            lapses_at=now + timedelta(minutes=5),
        )
        for _ in range(2)
    )

    with first:
        assert again.place().status == "repeated"
        assert first.capture(70).taken == again.capture(70).taken == {"credits": Decimal(70)}

    assert live.balance(acme).credit_types["credits"].available == Decimal(9930)
