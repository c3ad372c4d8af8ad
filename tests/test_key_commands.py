"""`cli.py keys` makes, lists, rotates and revokes keys, and shows a secret once."""

import json
from datetime import UTC, datetime

import pytest

import cli
from domain.api_keys import Scope, digest_of, key_id_of
from ledger import api_keys
from models.base import connect
from tests.deployment import environment


@pytest.fixture
def run(monkeypatch, database, capsys):
    """A function that runs `keys …` and returns exit code, output and what people are told."""
    for name, value in environment(database.url).items():
        monkeypatch.setenv(name, value)

    def command(*words):
        code = cli.main(["keys", *words])
        return code, *capsys.readouterr()

    return command


@pytest.fixture
def find(database):
    """A function that returns the live key of a secret, as the API finds it."""
    engine = connect(database.url)

    def live(secret):
        with engine.connect() as connection:
            return api_keys.find(connection, digest_of(secret), datetime.now(UTC))

    yield live
    engine.dispose()


def made(run, *words):
    code, out, told = run(*words)
    assert code == 0
    secret = out.strip()
    assert key_id_of(secret) in told
    assert secret not in told
    return secret


def test_a_key_lives_from_its_making_to_its_end(run, find):
    old = made(run, "create", "crm", "--scope", "usage", "--scope", "read", "--by", "ann")
    assert find(old).scopes == {Scope.USAGE, Scope.READ}

    new = made(run, "rotate", key_id_of(old), "--hours", "2", "--by", "bob")
    assert find(old)
    assert find(new).scopes == find(old).scopes

    code, out, _ = run("revoke", key_id_of(old), "--by", "bob")
    assert code == 0
    assert json.loads(out)["revoked_by"] == "bob"
    assert find(old) is None
    assert find(new)

    code, out, _ = run("list", "--json")
    assert [(one["key_id"], one["works"]) for one in json.loads(out)] == [
        (key_id_of(old), False),
        (key_id_of(new), True),
    ]
    code, out, _ = run("list")
    assert code == 0
    assert key_id_of(old) in out
    assert old not in out


def test_a_key_of_one_price_list_is_bound_to_it(run, find):
    secret = made(run, "create", "crm", "--scope", "usage", "--catalog", "make", "--by", "ann")
    assert find(secret).catalog == "make"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("create", "crm", "--by", "ann"), "unknown_scope"),
        (("create", "crm", "--scope", "root", "--by", "ann"), "unknown_scope"),
        (
            ("create", "crm", "--scope", "usage", "--catalog", "none", "--by", "ann"),
            "unknown_catalog",
        ),
        (("rotate", "nothing", "--by", "ann"), "unknown_key"),
        (("revoke", "nothing", "--by", "ann"), "unknown_key"),
    ],
)
def test_what_cannot_be_done_says_why(run, words, reason):
    code, out, told = run(*words)
    assert (code, out) == (2, "")
    assert told.startswith(f"{reason}: ")
