"""Each constraint refuses by its name, for the owner of the tables too."""

import json
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import errors, sql
from sqlalchemy import create_engine, text

from ledger import checkpoints, grants
from ledger.notifications import outbox
from ledger.teams import members
from ledger.usage import holds
from models.base import driver_url
from tests.builders import (
    MONTH_END,
    NOON,
    START,
    a_grant,
    a_subscribed_wallet,
    a_wallet,
    an_event,
    auto_purchase_on,
    bought,
    use,
)
from tests.ledger.attacks import ANOTHERS, ATTACKS, ELSEWHERE
from tests.ledger.hostile import OF_ARGUMENTS
from tests.ledger.teams import a_member, ask

ROWS = """
    INSERT INTO counters VALUES (%(account)s, 'c', %(at)s, 1);
    INSERT INTO kept_answers VALUES (%(account)s, %(subscription)s, 'k', 'core_40k', '{}', %(at)s);
    INSERT INTO pauses (account_id, at, cause, paused)
        VALUES (%(account)s, %(at)s, 'by_operator', true);
    INSERT INTO imports VALUES (%(account)s, 'balance', 'k', '{"source": "pack", "currency": "USD",
        "credit_type": "credits", "credits_micro": 1, "cost_minor": 1}', 'ann', %(at)s);
    INSERT INTO summed_days VALUES (%(account)s, 8, 9, '{operation}', '{NULL}', '{credits}', '{1}',
        '{1}', '{1}');
    INSERT INTO limits VALUES (%(account)s, 'member:a', 'credits', 5, 'user_limit', %(at)s);
    INSERT INTO thresholds VALUES (%(account)s, '20_percent', 20, NULL, 'both');
    INSERT INTO notices VALUES (%(account)s, 'n', 'low_balance', '{}', %(at)s);
    INSERT INTO refusals VALUES (%(account)s, 'r', NULL, 'malformed', '', %(at)s);
    INSERT INTO named_requests VALUES (%(account)s, 1, '', 'shop-1');
    INSERT INTO operator_acts VALUES (%(account)s, 'p', 'adjust', '{"credits": "1"}', 'ann', 'why',
        %(at)s, true, 'waiting');
    INSERT INTO refunds (refund_id, account_id, charge_id, at, amount_minor, state)
        VALUES ('r', %(account)s, %(charge)s, %(at)s, 1, 'failed');
    INSERT INTO disputes (dispute_id, account_id, charge_id, at, amount_minor, state)
        VALUES ('r', %(account)s, %(charge)s, %(at)s, 1, 'won');
    UPDATE customers SET payer = customer_id WHERE account_id = %(account)s;
    UPDATE subscriptions SET trial_ends_at = anchor WHERE account_id = %(account)s;
    SET CONSTRAINTS ALL IMMEDIATE;
    INSERT INTO webhook_deliveries (account_id, number, endpoint_id, next_at)
        SELECT account_id, min(number), 'we_1', %(at)s FROM webhook_events
        WHERE account_id = %(account)s GROUP BY account_id;
    SET CONSTRAINTS ALL DEFERRED
"""


@pytest.fixture(scope="session")
def victim(session_database):
    """A wallet with a sound row in every table; the first of each is a paid one.

    Once a process, not once a module: one that takes over another's tests comes back to this one.
    """
    engine = create_engine(driver_url(session_database.owner_url))
    with engine.begin() as connection:
        a_wallet(connection, ANOTHERS.partition(":")[0])
        wallet = a_subscribed_wallet(connection, allowance=0, **auto_purchase_on())
        charge = f"{wallet.customer_id}:auto"
        bought(connection, wallet, charge)
        grants.give(connection, wallet.account_id, a_grant(), START)
        use(connection, wallet)
        live(connection, wallet)
        checkpoints.note(connection, wallet.account_id, charge, charge={})
        values = {
            "account": wallet.account_id,
            "subscription": wallet.subscription_id,
            "charge": charge,
            "at": START.isoformat(),
        }
        for statement in ROWS.split(";"):
            connection.exec_driver_sql(statement, values)
        first = text("SELECT archive_entries(:account, :before, 1)")
        connection.execute(first, {"account": wallet.account_id, "before": MONTH_END})
    engine.dispose()
    return wallet


def live(connection, wallet):
    """A hold that was captured, a message, a team and what one of it asked for."""
    account = wallet.account_id
    held = an_event(account, key="held").priced
    quantity = held.event.quantity_micro
    holds.hold(connection, account_id=account, priced=held, lapses_at=MONTH_END, at=NOON)
    holds.capture(connection, account_id=account, key="held", quantity_micro=quantity, at=NOON)
    outbox.put(connection, account_id=account, message_key="m", topic="mail", payload={})
    for member_id in ("ada", "grace"):
        members.put(
            connection,
            account_id=account,
            member=a_member(member_id),
            credit_types=["credits"],
            at=START,
        )
    ask(connection, wallet, key="asked", at=START)


@contextmanager
def undone(database):
    with psycopg.connect(database.owner_url) as connection:
        yield connection
        connection.rollback()


def insert_copy(connection, table, account_id, changes):
    statement = sql.SQL(
        "INSERT INTO {0} OVERRIDING SYSTEM VALUE"
        " SELECT (jsonb_populate_record(t, %s::jsonb)).* FROM {0} t"
        " WHERE account_id = %s ORDER BY t LIMIT 1"
    )
    connection.execute(statement.format(sql.Identifier(table)), (json.dumps(changes), account_id))


@pytest.mark.parametrize(("constraint", "table", "changes"), ATTACKS)
def test_a_row_that_breaks_a_constraint_is_refused_by_its_name(
    session_database, victim, constraint, table, changes
):
    with undone(session_database) as connection:
        with pytest.raises(errors.IntegrityError) as refusal:
            insert_copy(connection, table, victim.account_id, changes)
        assert refusal.value.diag.constraint_name == constraint


def test_a_switch_without_terms_is_refused(session_database, victim):
    with undone(session_database) as connection:
        with pytest.raises(errors.CheckViolation) as refusal:
            connection.execute(
                "UPDATE policies SET auto_credit_type = NULL, auto_unit = NULL, auto_cap = NULL,"
                " auto_price_num = NULL, auto_price_den = NULL, auto_surcharge_num = NULL,"
                " auto_surcharge_den = NULL WHERE account_id = %s",
                (victim.account_id,),
            )
        assert refusal.value.diag.constraint_name == "policies_auto_needs_terms"


def test_a_second_open_auto_purchase_is_refused(session_database, victim):
    open_one = {"state": "open", "settled_at": None, "invoice": None}
    with undone(session_database) as connection:
        insert_copy(connection, "charges", victim.account_id, open_one | {"charge_id": "b"})
        with pytest.raises(errors.UniqueViolation) as refusal:
            insert_copy(connection, "charges", victim.account_id, open_one | {"charge_id": "c"})
        assert refusal.value.diag.constraint_name == "charges_one_open_auto"


def test_every_constraint_is_attacked(session_database):
    query = """
        SELECT conname FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'u', 'p', 'f')
        UNION
        SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
        WHERE indisunique AND relnamespace = 'public'::regnamespace
    """
    with undone(session_database) as connection:
        named = {name for (name,) in connection.execute(query)}

    attacked = {constraint for constraint, _, _ in (*ATTACKS, *OF_ARGUMENTS)} | ELSEWHERE
    assert named - attacked == {"alembic_version_pkc", "entries_sound", "grants_sound"}


def test_every_law_of_a_row_that_a_function_names_is_attacked(session_database):
    query = """
        SELECT (regexp_matches(prosrc, $$'((?:grants|entries|wallets)_[a-z_]+)'$$, 'g'))[1]
        FROM pg_proc WHERE proname IN ('grant_is_sound', 'entry_is_sound', 'wallet_is_sound')
    """
    with undone(session_database) as connection:
        named = {name for (name,) in connection.execute(query)}

    assert len(named) == 12
    assert named <= {constraint for constraint, _, _ in ATTACKS}


@pytest.mark.parametrize("table", ["entries", "archived_entries", "postings"])
@pytest.mark.parametrize(
    "attack",
    ["UPDATE {} SET recorded_at = now()", "DELETE FROM {}", "TRUNCATE {}", "TRUNCATE {} CASCADE"],
)
def test_history_is_append_only_even_for_its_owner(session_database, victim, table, attack):
    with undone(session_database) as connection:
        with pytest.raises(psycopg.Error) as refusal:
            connection.execute(sql.SQL(attack).format(sql.Identifier(table)))
        assert refusal.value.sqlstate == "DD001"


@pytest.mark.parametrize(
    "legs",
    [
        [("cash", 5, "USD")],
        [("cash", 5, "USD"), ("deferred_revenue", -4, "USD")],
        [("cash", 5, "USD"), ("deferred_revenue", -5, "EUR")],
    ],
)
def test_a_transfer_that_does_not_sum_to_zero_is_refused_at_commit(session_database, victim, legs):
    with undone(session_database) as connection:
        for line, (book, amount, currency) in enumerate(legs):
            changes = {
                "transfer_id": 900,
                "line": line,
                "book": book,
                "amount_minor": amount,
                "currency": currency,
            }
            insert_copy(connection, "postings", victim.account_id, changes)
        with pytest.raises(psycopg.Error) as refusal:
            connection.commit()
        assert refusal.value.sqlstate == "DD002"


def test_a_leg_added_to_a_settled_transfer_is_refused_at_commit(session_database, victim):
    with undone(session_database) as connection:
        insert_copy(connection, "postings", victim.account_id, {"line": 7})
        with pytest.raises(psycopg.Error) as refusal:
            connection.commit()
        assert refusal.value.sqlstate == "DD002"
