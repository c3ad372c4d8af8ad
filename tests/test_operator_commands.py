"""`cli.py operators`: an address that another person of the identity provider may have."""

from datetime import UTC, datetime

import pytest

import cli
from domain.access.identities import Identity, SignInRefused
from domain.access.operators import OperatorRole
from ledger.access import operators
from models.base import connect
from tests.deployment import environment

AT = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.fixture
def run(monkeypatch, database, capsys):
    """A function that runs `operators …` and returns exit code and output."""
    for name, value in environment(database.url).items():
        monkeypatch.setenv(name, value)

    def command(*words):
        return cli.main(["operators", *words]), capsys.readouterr().out

    return command


def test_a_released_address_is_the_next_persons(run, database):
    engine, support = connect(database.url), OperatorRole.SUPPORT
    old, new = (Identity("https://id.example", one, "ann@seller.example", "Ann") for one in "ab")
    with engine.begin() as connection:
        first = operators.enter(connection, old, support, AT)
        with pytest.raises(SignInRefused):
            operators.enter(connection, new, support, AT)
        operators.disable(connection, first.email, AT)
    assert "provider" in run("list")[1]
    assert run("release", "Ann@Seller.example")[0] == 0
    assert "provider" not in run("list")[1]
    with engine.begin() as connection:
        assert operators.find(connection, first.email, first.epoch) is None
        second = operators.enter(connection, new, support, AT)
        assert second.email == first.email
    assert run("release", "nobody@seller.example")[0] != 0
    engine.dispose()
