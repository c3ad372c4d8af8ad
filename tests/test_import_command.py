"""`cli.py import` shows what would be, carries it out whole, and proves it when asked again."""

import csv
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

import cli
from domain.payments.import_subscriptions import COLUMNS as SUBSCRIPTIONS
from domain.payments.imports import COLUMNS
from ledger import balances, grants
from models.base import connect
from tests.builders import NOON, use
from tests.deployment import environment
from tests.ledger.importing import a_customer

CONFIRMED = ["--confirm", "--by", "ann@seller.example"]


@pytest.fixture
def engine(database):
    made = connect(database.url)
    yield made
    made.dispose()


@pytest.fixture
def run(monkeypatch, database, capsys, tmp_path):
    """A function that imports rows, and returns exit code, output and what people are told."""
    for name, value in environment(database.url).items():
        monkeypatch.setenv(name, value)

    def command(*rows, words=()):
        file = tmp_path / "balances.csv"
        file.write_text("\n".join((",".join(COLUMNS), *rows)), encoding="utf-8")
        return cli.main(["import", str(file), *words]), *capsys.readouterr()

    return command


def test_a_preview_changes_nothing_and_the_import_is_what_it_showed(run, engine, tmp_path):
    with engine.begin() as connection:
        wallet = a_customer(connection)
    rows = [
        f"{wallet.customer_id},600,credits,pack,27.00,USD,,old-1",
        f"{wallet.customer_id},20,credits,bonus,0,USD,2999-01-01T00:00:00Z,old-2",
    ]

    code, preview, _ = run(*rows)
    assert code == 0
    assert "equal" in preview
    assert "Preview, nothing was changed: 2 new rows, 0 imported before, of 1 customers" in preview
    assert preview.count("27.00") == 3
    with engine.connect() as connection:
        assert balances.books(connection) == {}
        assert connection.scalar(text("SELECT count(*) FROM grants")) == 0

    code, done, told = run(*rows, words=CONFIRMED)
    assert (code, "send the same file again" in told) == (3, True)  # Temporal is away
    assert done.split("Imported")[0] == preview.split("Preview")[0]
    with engine.connect() as connection:
        assert balances.books(connection) == {"opening": 2_700, "deferred_revenue": -2_700}
        use(connection, wallet, 220)  # the bonus ends first
        grants.expire_due(connection, wallet.account_id, NOON)
        connection.commit()

    file = tmp_path / "proof.csv"
    code, proof, _ = run(*rows, words=["--csv", str(file)])
    assert (code, "Everything in this file is imported already" in proof) == (0, True)
    pack = next(
        row for row in csv.DictReader(file.read_text().splitlines()) if row["source"] == "pack"
    )
    found = [pack[name] for name in ("new", "cost, file", "opening", "deferred", "earned")]
    assert found == ["0", "27.00", "27.00", "18.00", "9.00"]


def test_one_bad_row_imports_none_and_each_fault_is_told_by_its_place(run, engine):
    with engine.begin() as connection:
        wallet = a_customer(connection)

    code, out, told = run(
        f"{wallet.customer_id},600,credits,pack,27.00,USD,,old-1",
        "nobody-there,600,credits,pack,27.00,USD,,old-1",
        f"{wallet.customer_id},600,credits,pack,27.00,EUR,,old-2",
        words=CONFIRMED,
    )

    assert (code, out) == (2, "")
    assert told.startswith("invalid_import: line 3, customer: unknown_customer: ")
    assert "line 4, currency: unknown_currency: " in told
    with engine.connect() as connection:
        assert balances.books(connection) == {}


def test_who_imported_what_and_when_is_kept_and_reported(run, engine, capsys):
    with engine.begin() as connection:
        wallet = a_customer(connection)
    row = f"{wallet.customer_id},600,credits,pack,27.00,USD,,old-1"

    assert (run(row, words=["--confirm"])[0], run(row)[0]) == (2, 0)
    assert run(row, words=CONFIRMED)[0] == 3  # Temporal is away
    run(row, words=["--confirm", "--by", "eve@seller.example"])

    assert cli.main(["report", "imports", "--customer", wallet.customer_id]) == 0
    told = capsys.readouterr().out
    for word in ("old-1", "600", "27.00", "ann@seller"):
        assert word in told, told
    assert "eve@" not in told


def test_subscriptions_are_previewed_with_totals_and_come_once(run, engine, capsys, tmp_path):
    file = tmp_path / "subscriptions.csv"
    like = "Ada,ada@example.com,make,core_10k,{},active,old-1,UTC,pm_card_visa"
    ends = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    heading = (*SUBSCRIPTIONS, "time_zone", "payment_method")
    lines = [",".join(heading), *(f"brought-{n},{like.format(ends)}" for n in (1, 2))]
    file.write_text("\n".join(lines), encoding="utf-8")

    def come(*words):
        return cli.main(["import-subscriptions", str(file), *words]), *capsys.readouterr()

    def imported():
        with engine.connect() as connection:
            return connection.scalar(
                text("SELECT count(*) FROM imports WHERE kind = 'subscription'")
            )

    code, preview, _ = come()
    assert (code, imported()) == (0, 0)
    assert "2 new subscriptions, 0 imported before" in preview
    assert "18.00" in preview  # is charged next, for both
    assert come("--confirm")[0] == 2  # by whom?
    code, _, told = come(*CONFIRMED)
    assert (code, "to start those that are missing" in told) == (3, True)  # Temporal is away
    assert imported() == 2
    code, again, _ = come()
    assert (code, "0 new subscriptions, 2 imported before" in again) == (0, True)
