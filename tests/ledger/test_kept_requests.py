"""A key of the HTTP door leads to its first answer, for ever, and to nothing else."""

from datetime import timedelta

import pytest
from psycopg.errors import IntegrityError
from sqlalchemy import exc, insert

from ledger import kept_requests
from ledger.kept_requests import LONGEST, Begun, Name, Request
from models.tables import KeptRequest
from tests.builders import NOON

SECOND = timedelta(seconds=1)
NAME = Name("make", "buy-1")
BUY = Request("POST /v1/customers/acme/purchases", b"digest")
SOUND = {
    "catalog": "make",
    "key": "k",
    "address": "POST /",
    "digest": b"d",
    "attempt": "a",
    "begun_at": NOON,
}
ATTACKS = (
    ("kept_requests_key_length", {"key": ""}),
    ("kept_requests_key_length", {"key": "x" * 201}),
    ("kept_requests_answered", {"status": 200}),
    ("kept_requests_pk", {"key": "known"}),
)


def begun(ledger, at=NOON, name=NAME, request=BUY):
    """Begin a request that must be new, or abandoned."""
    turn = kept_requests.begin(ledger, name, request, at).turn
    assert turn is not None
    return turn


def test_the_first_answer_is_given_again(ledger):
    kept_requests.answer(ledger, begun(ledger), 200, b"{}", at=NOON)
    later = NOON + 2 * LONGEST
    assert kept_requests.begin(ledger, NAME, BUY, later) == Begun(status=200, answer=b"{}")


def test_what_was_answered_is_never_answered_otherwise(ledger):
    turn = begun(ledger)
    kept_requests.answer(ledger, turn, 200, b"first", at=NOON)
    kept_requests.answer(ledger, turn, 200, b"second", at=NOON)
    kept_requests.forget(ledger, turn)
    kept_requests.abandon(ledger, turn)
    assert kept_requests.begin(ledger, NAME, BUY, NOON).answer == b"first"


@pytest.mark.parametrize(
    "other", [Request("POST /v1/other", b"digest"), Request(BUY.address, b"other")]
)
def test_another_request_is_a_conflict_that_names_the_first(ledger, other):
    begun(ledger)
    found = kept_requests.begin(ledger, NAME, other, NOON + 2 * LONGEST)
    assert found == Begun(address=BUY.address, conflict=True)


def test_a_repeat_meanwhile_waits_until_the_first_was_abandoned(ledger):
    first = begun(ledger)
    assert kept_requests.begin(ledger, NAME, BUY, NOON + LONGEST).under_way
    assert begun(ledger, NOON + LONGEST + SECOND).attempt == first.attempt


def test_a_repeat_of_what_may_have_been_done_takes_the_same_attempt_over_at_once(ledger):
    first = begun(ledger)
    kept_requests.abandon(ledger, first)
    assert begun(ledger, NOON + SECOND).attempt == first.attempt


@pytest.mark.parametrize("leave", [kept_requests.forget, kept_requests.abandon])
def test_who_was_slow_leaves_a_request_alone_that_was_taken_over(ledger, leave):
    slow = begun(ledger)
    taken = begun(ledger, NOON + 2 * LONGEST)
    leave(ledger, slow)
    assert kept_requests.begin(ledger, NAME, BUY, taken.at + SECOND).under_way
    kept_requests.answer(ledger, taken, 200, b"{}", at=NOON)
    assert kept_requests.begin(ledger, NAME, BUY, taken.at).answer == b"{}"


def test_what_came_to_nothing_leaves_its_key_free(ledger):
    first = begun(ledger)
    kept_requests.forget(ledger, first)
    again = begun(ledger, request=Request(BUY.address, b"other"))
    assert again.attempt != first.attempt


def test_keys_of_two_sellers_are_two_keys(ledger):
    own, other = begun(ledger), begun(ledger, name=Name("zaplify", NAME.key))
    assert kept_requests.answer(ledger, own, 200, b"own", at=NOON)
    assert kept_requests.answer(ledger, other, 200, b"other", at=NOON)
    assert kept_requests.begin(ledger, NAME, BUY, NOON).answer == b"own"


@pytest.mark.parametrize(("constraint", "changed"), ATTACKS)
def test_a_row_that_breaks_a_law_is_refused(ledger, constraint, changed):
    ledger.execute(insert(KeptRequest).values(SOUND | {"key": "known"}))
    with pytest.raises(exc.IntegrityError) as refused, ledger.begin_nested():
        ledger.execute(insert(KeptRequest).values(SOUND | changed))
    assert isinstance(refused.value.orig, IntegrityError)
    assert refused.value.orig.diag.constraint_name == constraint
