"""Keys are kept by digest, work until revoked or over, and are rotated once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, timedelta
from threading import Barrier

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import errors
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from domain.api_keys import Scope, digest_of, key_id_of
from domain.errors import InvalidInput
from ledger import api_keys
from models.base import driver_url
from tests.builders import NOON

HOUR = timedelta(hours=1)
SOUND = {
    "key_id": "a" * 12,
    "digest": b"d" * 32,
    "name": "backend",
    "scopes": ["usage"],
    "catalog": None,
    "created_at": NOON,
    "created_by": "ann",
    "expires_at": None,
    "replaced_by": None,
    "revoked_at": None,
    "revoked_by": None,
}
OTHER = {"key_id": "b" * 12, "digest": b"e" * 32}
ATTACKS = (
    ("api_keys_pk", {"key_id": "a" * 12}),
    ("api_keys_digest", {"digest": b"d" * 32}),
    ("api_keys_id", {"key_id": "A" * 12}),
    ("api_keys_id", {"key_id": "b" * 11}),
    ("api_keys_digest_length", {"digest": b"plain"}),
    ("api_keys_name", {"name": ""}),
    ("api_keys_name", {"name": "x" * 201}),
    ("api_keys_scopes", {"scopes": []}),
    ("api_keys_scopes", {"scopes": ["usage", "root"]}),
    ("api_keys_catalog", {"catalog": ""}),
    ("api_keys_created_by", {"created_by": ""}),
    ("api_keys_replaced_by", {"replaced_by": "b" * 12, "expires_at": NOON}),
    ("api_keys_replaced", {"replaced_by": "c" * 12}),
    ("api_keys_replaced", {"expires_at": NOON}),
    ("api_keys_revoked_by", {"revoked_by": "", "revoked_at": NOON}),
    ("api_keys_revoked", {"revoked_at": NOON}),
)


def a_key(connection, *scopes, catalog=None, at=NOON):
    return api_keys.create(connection, "backend", scopes or ("usage",), catalog, "ann", at)


def found(connection, made, at=NOON):
    return api_keys.find(connection, digest_of(made.secret), at)


def listed(connection, key_id):
    return next(one for one in api_keys.listed(connection) if one.key.key_id == key_id)


def refused(run, *arguments):
    with pytest.raises(InvalidInput) as refusal:
        run(*arguments)
    return refusal.value.reason


def test_a_key_is_found_by_its_digest_with_its_rights(ledger):
    made = a_key(ledger, "usage", "read", catalog="make")

    assert found(ledger, made) == made.key
    assert made.key.scopes == {Scope.USAGE, Scope.READ}
    assert made.key.catalog == "make"
    assert key_id_of(made.secret) == made.key.key_id
    assert api_keys.find(ledger, digest_of(made.secret[:-1] + "!"), NOON) is None


def test_no_secret_is_kept_or_shown(ledger):
    made = a_key(ledger)
    secret = made.secret.rpartition(made.key.key_id)[2][1:]

    kept = ledger.scalar(text("SELECT string_agg(k::text, ' ') FROM api_keys k"))
    assert made.key.key_id in kept
    assert secret not in kept
    assert secret not in repr((made, api_keys.listed(ledger)))


def test_a_rotated_key_lives_on_for_its_hours_and_no_longer(ledger):
    old = a_key(ledger, "read", catalog="make")
    new = api_keys.rotate(ledger, old.key.key_id, 3, "bob", NOON)

    assert (new.key.scopes, new.key.catalog) == (old.key.scopes, old.key.catalog)
    assert found(ledger, new) == new.key
    last = NOON + 3 * HOUR - timedelta(microseconds=1)
    assert found(ledger, old, last) == old.key
    assert found(ledger, old, NOON + 3 * HOUR) is None
    row = listed(ledger, old.key.key_id)
    assert (row.replaced_by, row.works(last), row.works(NOON + 3 * HOUR)) == (
        new.key.key_id,
        True,
        False,
    )
    assert listed(ledger, new.key.key_id).created_by == "bob"


def test_a_revoked_key_never_works_again_and_the_first_word_stands(ledger):
    made = a_key(ledger)

    for by in ("ann", "bob"):
        assert api_keys.revoke(ledger, made.key.key_id, by, NOON).revoked_by == "ann"

    assert found(ledger, made) is None
    assert found(ledger, made, NOON - HOUR) is None
    assert refused(api_keys.rotate, ledger, made.key.key_id, 1, "ann", NOON) == "key_revoked"


def test_a_replaced_key_is_not_rotated_again_but_can_be_revoked(ledger):
    old = a_key(ledger)
    api_keys.rotate(ledger, old.key.key_id, 1, "ann", NOON)

    assert refused(api_keys.rotate, ledger, old.key.key_id, 1, "ann", NOON) == "key_replaced"
    api_keys.revoke(ledger, old.key.key_id, "ann", NOON)
    assert found(ledger, old) is None


@pytest.mark.parametrize(
    ("name", "scope", "catalog", "by", "reason"),
    [
        ("", "usage", None, "ann", "invalid_value"),
        ("x" * 201, "usage", None, "ann", "invalid_value"),
        ("two\nlines", "usage", None, "ann", "invalid_value"),
        ("backend", "usage", " ", "ann", "invalid_value"),
        ("backend", "usage", None, " ", "invalid_value"),
        ("backend", "root", None, "ann", "unknown_scope"),
    ],
)
def test_what_makes_no_key_says_why(ledger, name, scope, catalog, by, reason):
    assert refused(api_keys.create, ledger, name, (scope,), catalog, by, NOON) == reason


@pytest.mark.parametrize("hours", [-1, 721])
def test_an_overlap_has_an_end(ledger, hours):
    key_id = a_key(ledger).key.key_id
    assert refused(api_keys.rotate, ledger, key_id, hours, "ann", NOON) == "invalid_value"


def test_an_unknown_key_is_named_so(ledger):
    assert refused(api_keys.rotate, ledger, "nothing", 1, "ann", NOON) == "unknown_key"
    assert refused(api_keys.revoke, ledger, "nothing", "ann", NOON) == "unknown_key"


@given(st.lists(st.integers(0, 5_000_000), min_size=1, max_size=5))
def test_the_last_use_is_the_newest_noted_to_the_minute(session_engine, seconds):
    with session_engine.connect() as connection:
        made = a_key(connection)
        for one in seconds:
            at = NOON + timedelta(seconds=one)
            api_keys.note_used(connection, {made.key.key_id: at, "unknown": at})
        newest = NOON + timedelta(seconds=max(seconds))
        noted = listed(connection, made.key.key_id).last_used_at
        assert noted.astimezone(UTC) == newest.replace(second=0, microsecond=0)
        connection.rollback()


def test_of_two_rotations_at_once_one_wins(engine):
    with engine.begin() as connection:
        key_id = a_key(connection).key.key_id
    together = Barrier(4)

    def rotate(_):
        together.wait()
        try:
            with engine.begin() as connection:
                return api_keys.rotate(connection, key_id, 1, "ann", NOON).key.key_id
        except InvalidInput as error:
            return error.reason

    with ThreadPoolExecutor(4) as threads:
        ends = list(threads.map(rotate, range(4)))

    assert ends.count("key_replaced") == 3
    with engine.connect() as connection:
        assert listed(connection, key_id).replaced_by in ends
        assert len(api_keys.listed(connection)) == 2


def test_processes_that_note_the_same_keys_never_deadlock(engine):
    with engine.begin() as connection:
        ids = [a_key(connection).key.key_id for _ in range(20)]

    def note(n):
        order = ids if n % 2 else list(reversed(ids))
        with engine.begin() as connection:
            at = NOON + timedelta(minutes=n)
            api_keys.note_used(connection, dict.fromkeys(order, at))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(note, range(40)))

    with engine.connect() as connection:
        latest = NOON + timedelta(minutes=39)
        assert {one.last_used_at for one in api_keys.listed(connection)} == {latest}


def insert(connection, values):
    columns = ", ".join(values)
    places = ", ".join(f"%({name})s" for name in values)
    connection.execute(f"INSERT INTO api_keys ({columns}) VALUES ({places})", values)


@pytest.mark.parametrize(("constraint", "changes"), ATTACKS)
def test_a_row_that_breaks_a_constraint_is_refused_by_its_name(
    session_database, constraint, changes
):
    with psycopg.connect(session_database.owner_url) as connection:
        insert(connection, SOUND)
        with pytest.raises(errors.IntegrityError) as refusal:
            insert(connection, SOUND | OTHER | changes)
        assert refusal.value.diag.constraint_name == constraint
        connection.rollback()


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE api_keys SET revoked_at = NULL, revoked_by = NULL",
        "UPDATE api_keys SET revoked_at = now()",
        "UPDATE api_keys SET expires_at = now() + interval '10 years'",
        "UPDATE api_keys SET expires_at = NULL, replaced_by = NULL",
    ],
)
def test_a_key_that_ended_stays_so_even_for_the_owner_of_the_table(owner, attack):
    made = a_key(owner)
    api_keys.rotate(owner, made.key.key_id, 1, "ann", NOON)
    api_keys.revoke(owner, made.key.key_id, "ann", NOON)
    api_keys.note_used(owner, {made.key.key_id: NOON})

    with pytest.raises(DBAPIError, match="append-only") as refusal:
        owner.exec_driver_sql(f"{attack} WHERE key_id = '{made.key.key_id}'")

    assert refusal.value.orig.sqlstate == "DD001"


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE api_keys SET scopes = '{admin}'",
        "UPDATE api_keys SET digest = ''",
        "UPDATE api_keys SET catalog = NULL",
        "DELETE FROM api_keys",
        "TRUNCATE api_keys",
    ],
)
def test_the_application_widens_no_key_and_deletes_none(session_database, attack):
    engine = create_engine(driver_url(session_database.url))
    with engine.connect() as connection, pytest.raises(Exception, match="permission denied"):
        connection.exec_driver_sql(attack)
    engine.dispose()
