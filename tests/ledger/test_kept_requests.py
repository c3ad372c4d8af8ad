"""A key of the HTTP door leads to its first answer, for ever, and to nothing else."""

from datetime import timedelta

import pytest
from psycopg.errors import IntegrityError
from sqlalchemy import exc, insert

from ledger import kept_requests
from ledger.kept_requests import LONGEST, Begun, Name, Request
from models.tables import KeptRequest
from tests.builders import NOON

NAME = Name("make", "buy-1")
BUY = Request("POST /v1/customers/acme/purchases", b"digest")
SOUND = {"catalog": "make", "key": "k", "address": "POST /", "digest": b"d", "begun_at": NOON}
ATTACKS = (
    ("kept_requests_key_length", {"key": ""}),
    ("kept_requests_key_length", {"key": "x" * 201}),
    ("kept_requests_answered", {"status": 200}),
    ("kept_requests_pk", {"key": "known"}),
)


def test_the_first_answer_is_given_again(ledger):
    assert kept_requests.begin(ledger, NAME, BUY, NOON) == Begun()
    kept_requests.answer(ledger, NAME, 200, b"{}", at=NOON)
    later = NOON + 2 * LONGEST
    assert kept_requests.begin(ledger, NAME, BUY, later) == Begun(status=200, answer=b"{}")


def test_what_was_answered_is_never_answered_otherwise(ledger):
    kept_requests.begin(ledger, NAME, BUY, NOON)
    kept_requests.answer(ledger, NAME, 200, b"first", at=NOON)
    kept_requests.answer(ledger, NAME, 200, b"second", at=NOON)
    kept_requests.forget(ledger, NAME)
    assert kept_requests.begin(ledger, NAME, BUY, NOON).answer == b"first"


@pytest.mark.parametrize(
    "other", [Request("POST /v1/other", b"digest"), Request(BUY.address, b"other")]
)
def test_another_request_is_a_conflict_that_names_the_first(ledger, other):
    kept_requests.begin(ledger, NAME, BUY, NOON)
    found = kept_requests.begin(ledger, NAME, other, NOON + 2 * LONGEST)
    assert found == Begun(address=BUY.address, conflict=True)


def test_a_repeat_meanwhile_waits_until_the_first_was_abandoned(ledger):
    kept_requests.begin(ledger, NAME, BUY, NOON)
    assert kept_requests.begin(ledger, NAME, BUY, NOON + LONGEST).under_way
    assert kept_requests.begin(ledger, NAME, BUY, NOON + LONGEST + timedelta(seconds=1)) == Begun()


def test_what_came_to_nothing_leaves_its_key_free(ledger):
    kept_requests.begin(ledger, NAME, BUY, NOON)
    kept_requests.forget(ledger, NAME)
    other = Request(BUY.address, b"other")
    assert kept_requests.begin(ledger, NAME, other, NOON) == Begun()


def test_keys_of_two_sellers_are_two_keys(ledger):
    kept_requests.begin(ledger, NAME, BUY, NOON)
    assert kept_requests.begin(ledger, Name("zaplify", NAME.key), BUY, NOON) == Begun()


@pytest.mark.parametrize(("constraint", "changed"), ATTACKS)
def test_a_row_that_breaks_a_law_is_refused(ledger, constraint, changed):
    ledger.execute(insert(KeptRequest).values(SOUND | {"key": "known"}))
    with pytest.raises(exc.IntegrityError) as refused, ledger.begin_nested():
        ledger.execute(insert(KeptRequest).values(SOUND | changed))
    assert isinstance(refused.value.orig, IntegrityError)
    assert refused.value.orig.diag.constraint_name == constraint
