"""The application changes wallets, grants, entries, charges and postings through functions only."""

import psycopg
import pytest
from psycopg import errors, sql
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from tests.builders import NOON, START, a_subscribed_wallet, use

GUARDED = (
    "wallets",
    "grants",
    "entries",
    "archived_entries",
    "carried",
    "charges",
    "postings",
    "windows",
    "customers",
    "refunds",
    "disputes",
    "webhook_events",
    "summed_days",
)
FORBIDDEN = (
    "INSERT INTO {} DEFAULT VALUES",
    "UPDATE {} SET {} = {}",
    "DELETE FROM {}",
    "TRUNCATE {}",
)
INNER = (
    "SELECT post_transfer(1, '', '{}', '{}', 'USD', NULL, NULL, now())",
    "SELECT note_crossing(1, 1, 'credits')",
    "SELECT note_decision(1, now())",
    "SELECT settle_returns(1, 'c', 'refund', NULL, now())",
    "SELECT check_quickly(1, 'k', 'a', 1, 'c', 1, now(), now(), NULL, 0)",
)


@pytest.fixture
def app(session_database):
    with psycopg.connect(session_database.url) as connection:
        yield connection
        connection.rollback()


@pytest.mark.parametrize("table", GUARDED)
@pytest.mark.parametrize("attack", FORBIDDEN)
def test_the_application_cannot_write_what_the_functions_guard(app, table, attack):
    column = "customer_id" if table == "customers" else "account_id"
    with pytest.raises(errors.InsufficientPrivilege):
        app.execute(sql.SQL(attack).format(*map(sql.Identifier, (table, column, column))))


@pytest.mark.parametrize("table", ["refusals", "outbox", "subscriptions", "policies"])
@pytest.mark.parametrize("attack", FORBIDDEN[2:])
def test_the_application_deletes_nothing(app, table, attack):
    with pytest.raises(errors.InsufficientPrivilege):
        app.execute(sql.SQL(attack).format(sql.Identifier(table)))


@pytest.mark.parametrize("call", INNER)
def test_the_application_cannot_call_the_inner_functions(app, call):
    with pytest.raises(errors.InsufficientPrivilege):
        app.execute(call)


def test_a_message_once_written_cannot_be_changed_by_the_application(app):
    with pytest.raises(errors.InsufficientPrivilege):
        app.execute("UPDATE outbox SET payload = '{}'")


def test_an_auto_purchase_cannot_be_opened_around_its_reservation(app):
    with pytest.raises(psycopg.Error) as refusal:
        app.execute(
            "SELECT open_charge(1, 's', 'c', 'auto_purchase', 'USD', 100, 1000000, %s)", (START,)
        )
    assert refusal.value.sqlstate == "DD003"


def test_temporary_tables_cannot_shadow_those_of_the_ledger(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=2)
    for table in ("wallets", "grants"):
        ledger.exec_driver_sql(
            f"CREATE TEMP TABLE {table} AS SELECT * FROM public.{table}"
            f" WHERE account_id = {wallet.account_id}"
        )
        ledger.exec_driver_sql(f"GRANT ALL ON pg_temp.{table} TO PUBLIC")
    ledger.exec_driver_sql("UPDATE pg_temp.grants SET granted = 10^15, remaining = 10^15")

    assert use(ledger, wallet, 3, at=NOON).status == "insufficient_credits"


def test_every_function_that_runs_as_the_owner_pins_its_search_path(app):
    unpinned = app.execute(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef"
        " AND NOT 'search_path=public, pg_temp' = ANY (coalesce(proconfig, '{}'))"
    ).fetchall()

    assert unpinned == []


def test_only_the_owner_and_the_application_may_call_anything(app):
    public = app.execute(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        " AND has_function_privilege('public', oid, 'EXECUTE')"
    ).fetchall()

    assert public == []


def test_what_the_database_refuses_quotes_nobodys_address(ledger):
    statement = text("INSERT INTO customers (email) VALUES (:email)")
    with pytest.raises(ProgrammingError, match="permission denied") as refusal:
        ledger.execute(statement, {"email": "zoe@unmistakable.example"})

    assert "unmistakable" not in str(refusal.value)
