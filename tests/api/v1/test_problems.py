"""One table says which status a reason has."""

from collections import Counter

from api.v1.problems import BY_STATUS, OWN, STATUSES, cure_of
from domain.reasons import CURES


def test_every_reason_of_the_table_exists_and_has_one_status():
    named = Counter(reason for reasons in BY_STATUS.values() for reason in reasons)
    assert set(named) <= set(CURES) | set(OWN)
    assert set(named.values()) == {1}


def test_what_this_door_alone_refuses_has_a_status_and_a_cure():
    unprocessable = {
        "unknown_parameter",
        "invalid_parameter",
        "invalid_cursor",
        "idempotency_key_missing",
    }
    assert set(OWN) - set(STATUSES) == unprocessable
    assert all(map(cure_of, [*OWN, *CURES]))


def test_what_money_cures_is_a_402():
    cured_by_money = [reason for reason, status in STATUSES.items() if status == 402]
    assert {"insufficient_credits", "cap_reached", "declined"} <= set(cured_by_money)
