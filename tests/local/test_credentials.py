"""A folder's own secrets: made once, known to its database, for its owner alone."""

from datetime import UTC, datetime

import pytest

from domain.api_keys import Scope, digest_of, key_id_of
from ledger import api_keys
from local import credentials
from models.base import connect


@pytest.fixture
def find(database):
    engine = connect(database.url)

    def live(secret):
        with engine.connect() as connection:
            return api_keys.find(connection, digest_of(secret), datetime.now(UTC))

    yield live
    engine.dispose()


def test_the_first_start_makes_them_and_every_later_one_has_them(tmp_path, database, find):
    first = credentials.of(tmp_path, database.url)
    again = credentials.of(tmp_path, database.url)

    assert (first.are_new, again.are_new) == (True, False)
    assert (again.link_secret, again.api_key) == (first.link_secret, first.api_key)
    assert len(first.link_secret) >= 32
    assert find(first.api_key).scopes == {Scope.ADMIN}
    assert find(first.api_key).catalog is None
    assert (tmp_path / credentials.FILE).stat().st_mode & 0o077 == 0
    assert first.api_key not in repr(first)
    assert first.link_secret not in repr(first)


def test_a_key_that_the_database_does_not_know_is_made_anew_but_links_go_on(
    tmp_path, database, find
):
    first = credentials.of(tmp_path, database.url)
    engine = connect(database.url)
    with engine.begin() as connection:
        api_keys.revoke(connection, key_id_of(first.api_key), "ann", datetime.now(UTC))
    engine.dispose()

    second = credentials.of(tmp_path, database.url)

    assert second.are_new
    assert second.link_secret == first.link_secret
    assert find(second.api_key)
    assert find(first.api_key) is None
