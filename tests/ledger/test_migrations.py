"""`ledger/sql` is what migrations make, and a next migration changes a ledger that is in use."""

import shutil
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.config import Config

import migrations
from local.postgres import Database
from migrations.draft import changed, draft, frozen
from models.base import connect
from tests.builders import a_subscribed_wallet, use

FOLDER = Path(migrations.__file__).parent
TODAY = FOLDER.parent / "ledger" / "sql"
MADE = """
    SELECT 'function', p.oid::regprocedure::text, pg_get_functiondef(p.oid)
    FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.prokind <> 'a'
    UNION ALL
    SELECT 'view', c.oid::regclass::text, pg_get_viewdef(c.oid)
    FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'v'
"""


def made(url: str) -> dict[tuple[str, str], str]:
    """Return every function and view of a database, as the database writes it."""
    with psycopg.connect(url) as connection:
        return {(kind, name): text for kind, name, text in connection.execute(MADE)}


def test_a_database_of_migrations_has_the_functions_of_today(unguarded_database: Database):
    before = made(unguarded_database.owner_url)
    with psycopg.connect(unguarded_database.owner_url) as connection:
        connection.execute("SET check_function_bodies = off")
        for path in sorted(TODAY.glob("*.sql")):
            connection.execute(path.read_text())

    assert made(unguarded_database.owner_url) == before
    assert changed(FOLDER, TODAY) == {}
    assert sorted(frozen(FOLDER)) == sorted(path.stem for path in TODAY.glob("*.sql"))


def test_every_file_of_functions_can_be_run_again():
    plain = [
        f"{path.name}: {line}"
        for path in TODAY.glob("*.sql")
        for line in path.read_text().splitlines()
        if line.startswith("CREATE ") and not line.startswith("CREATE OR REPLACE ")
    ]
    assert plain == []


def test_no_line_of_the_sql_is_longer_than_those_of_the_python():
    files = [*TODAY.glob("*.sql"), *(FOLDER / "sql").rglob("*.sql")]
    long = [
        f"{path.name}: {number}"
        for path in files
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if len(line) > 100
    ]
    assert len(files) > 40
    assert long == []


def test_a_second_migration_changes_a_ledger_that_is_in_use(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    engine = connect(database.url)
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection, 100)
        use(connection, wallet, 30)
    folder, today = tmp_path / "migrations", tmp_path / "sql"
    shutil.copytree(FOLDER, folder)
    shutil.copytree(TODAY, today)
    books = today / "books.sql"
    books.write_text(books.read_text() + NEW_FUNCTION)

    module = draft(folder, today, "nicknames")
    revision = module.name.partition("_")[0]
    shapes = folder / "sql" / revision / "shapes.sql"
    shapes.write_text(shapes.read_text() + "ALTER TABLE customers ADD COLUMN nickname text;\n")
    config = Config()
    config.set_main_option("script_location", str(folder))
    monkeypatch.setenv("DATABASE_URL", database.owner_url)
    command.upgrade(config, "head")

    assert module.name == f"{revision}_nicknames.py"
    assert int(revision) == len(list((FOLDER / "versions").glob("0*.py"))) + 1
    drafted = folder / "sql" / revision / "functions"
    assert [path.name for path in drafted.iterdir()] == ["books.sql"]
    assert changed(folder, today) == {}
    with engine.begin() as connection:
        assert use(connection, wallet, 70).status == "debited"
        assert use(connection, wallet, 1).status == "insufficient_credits"
    engine.dispose()
    with psycopg.connect(database.owner_url) as connection:
        assert connection.execute("SELECT twice(21), nickname FROM customers").fetchone() == (
            42,
            None,
        )
    with (
        psycopg.connect(database.url) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("SELECT twice(21)")


NEW_FUNCTION = """
CREATE OR REPLACE FUNCTION twice(p_number bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT 2 * p_number
$$;
"""


@pytest.mark.parametrize("name", ["", "Nicknames", "../up", "a b", "x" * 41])
def test_a_migration_has_a_name_of_a_file(tmp_path: Path, name: str):
    with pytest.raises(ValueError, match="names no migration"):
        draft(tmp_path, tmp_path, name)
