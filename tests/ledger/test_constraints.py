"""Each constraint refuses by its name, for the owner of the tables too."""

import json
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import errors, sql
from sqlalchemy import create_engine

from ledger import grants, holds, members, notes, outbox
from models.base import driver_url
from tests.builders import (
    MONTH_END,
    NOON,
    START,
    a_grant,
    a_subscribed_wallet,
    an_event,
    auto_purchase_on,
    bought,
    use,
)
from tests.ledger.hostile import OF_ARGUMENTS
from tests.ledger.teams import a_member, ask

NOBODY = 999_999_999
FREE = {"charge_id": None, "part": None, "cost_minor": 0}
FRESH = {"seq": 900, "key": "another"}

ASKED = {"key": "another"}
ENDED = ASKED | {
    "state": "refused",
    "decided_by": "grace",
    "settled_at": "2027-01-02T00:00:00Z",
}

# Constraint, table, and what is changed in a copy of a sound row so that only it is broken.
ATTACKS = (
    ("charges_amount", "charges", {"amount_minor": 0, "surcharge_minor": 0}),
    ("charges_currency", "charges", {"currency": "usd"}),
    ("charges_kind", "charges", {"kind": "gift", "quantity": None}),
    ("charges_pack", "charges", {"pack": {}}),
    ("charges_purchase_quantity", "charges", {"quantity": None}),
    ("charges_quantity", "charges", {"quantity": 0}),
    ("charges_settled", "charges", {"settled_at": None}),
    ("charges_state", "charges", {"state": "declined"}),
    ("charges_surcharge", "charges", {"surcharge_minor": 99_999}),
    ("charges_account_id_fkey", "charges", {"account_id": NOBODY}),
    (
        "charges_subscription_id_fkey",
        "charges",
        {"charge_id": "b", "invoice": None, "subscription_id": "?"},
    ),
    ("charges_pk", "charges", {}),
    ("charge_notes_object", "charge_notes", {"note": [1]}),
    ("charge_notes_charge", "charge_notes", {"charge_id": "unknown"}),
    ("charge_notes_pk", "charge_notes", {}),
    ("charges_invoice", "charges", {"charge_id": "b"}),
    ("counters_value", "counters", {"value": -1}),
    ("plan_changes_key_length", "plan_changes", {"key": ""}),
    ("plan_changes_answer", "plan_changes", {"answer": [1]}),
    ("plan_changes_pk", "plan_changes", {}),
    ("plan_changes_account_id_fkey", "plan_changes", {"account_id": NOBODY}),
    ("pauses_pk", "pauses", {}),
    ("pauses_account_id_fkey", "pauses", {"account_id": NOBODY}),
    ("counters_account_id_fkey", "counters", {"account_id": NOBODY}),
    ("counters_pk", "counters", {}),
    ("disputes_amount", "disputes", {"amount_minor": 0}),
    ("disputes_charge", "disputes", {"dispute_id": "b", "charge_id": "unknown"}),
    ("disputes_id_length", "disputes", {"dispute_id": ""}),
    ("disputes_state", "disputes", {"state": "settled"}),
    ("disputes_pk", "disputes", {}),
    ("customers_id_length", "customers", {"customer_id": ""}),
    ("customers_id_length", "customers", {"customer_id": "x" * 201}),
    ("customers_pk", "customers", {}),
    ("customers_account", "customers", {"customer_id": "b", "payer": "cus_b"}),
    ("customers_payer", "customers", {"customer_id": "b", "account_id": NOBODY}),
    ("entries_balances", "entries", FRESH | {"balance_after": -1}),
    ("entries_balances", "entries", FRESH | {"held_after": 10**17}),
    ("entries_debt", "entries", FRESH | {"debt_change": 0}),
    ("entries_debit_takes", "entries", FRESH | {"kind": "debit", "change": 1}),
    ("entries_key_length", "entries", FRESH | {"key": "x" * 501}),
    ("entries_key_on_first_line", "entries", FRESH | {"line": 1}),
    ("entries_key_on_first_line", "entries", FRESH | {"key": None}),
    ("entries_quantity", "entries", FRESH | {"quantity": 0}),
    ("entries_pk", "entries", {"key": "another"}),
    ("entries_key", "entries", {"seq": 900}),
    ("grants_bounds", "grants", {"remaining": -1, "is_open": False}),
    ("grants_bounds", "grants", {"held": 10**17}),
    ("grants_broken", "grants", {"broken_minor": -1}),
    ("grants_charge_has_part", "grants", {"part": None}),
    ("grants_cost", "grants", {"cost_minor": -1}),
    ("grants_expired", "grants", {"expired": -1}),
    ("grants_granted", "grants", {"granted": 0, "remaining": 0, "is_open": False}),
    ("grants_lifetime", "grants", {"expires_at": START.isoformat()}),
    ("grants_money", "grants", {"recognised_minor": 99_999}),
    ("grants_open", "grants", {"is_open": False}),
    ("grants_paid_names_charge", "grants", {"charge_id": None, "part": None}),
    ("grants_parts", "grants", {"expired": 10**17}),
    ("grants_owed", "grants", {"owed": -1}),
    ("grants_recognised", "grants", {"recognised_minor": -1}),
    ("grants_refunded", "grants", {"refunded_minor": -1}),
    ("grants_refunded_credits", "grants", {"refunded": -1}),
    ("grants_roll_cap", "grants", {"roll_cap": 0}),
    ("grants_roll_share", "grants", {"roll_num": 0}),
    ("grants_roll_share", "grants", {"roll_den": 0}),
    ("grants_rolled", "grants", {"rolled": -1}),
    ("grants_rolled_money", "grants", {"rolled_minor": -1}),
    ("grants_rolls_left", "grants", {"rolls_left": -1}),
    ("grants_source", "grants", {"source": "luck"}),
    ("grants_voided", "grants", {"voided": -1}),
    ("grants_account_id_fkey", "grants", FREE | {"account_id": NOBODY}),
    ("grants_charge", "grants", {"grant_id": 900, "charge_id": "unknown"}),
    ("grants_pk", "grants", {}),
    ("grants_charge_part", "grants", {"grant_id": 900}),
    ("notices_kind", "notices", {"kind": "gossip"}),
    ("notices_account_id_fkey", "notices", {"account_id": NOBODY}),
    ("notices_pk", "notices", {}),
    ("limits_ceiling", "limits", {"ceiling": -1}),
    ("limits_refusal", "limits", {"refusal": "insufficient_credits"}),
    ("limits_account_id_fkey", "limits", {"account_id": NOBODY}),
    ("limits_pk", "limits", {}),
    ("approvals_amount", "approvals", ASKED | {"amount": 0}),
    ("approvals_decided", "approvals", ASKED | {"decided_by": "grace"}),
    ("approvals_in_time", "approvals", ENDED | {"settled_at": "2027-02-01T00:00:00Z"}),
    ("approvals_in_time", "approvals", ENDED | {"settled_at": "2027-01-08T12:00:00Z"}),
    ("approvals_key_length", "approvals", ASKED | {"key": ""}),
    ("approvals_kind", "approvals", ASKED | {"kind": "holiday"}),
    ("approvals_lapse", "approvals", ASKED | {"lapses_at": START.isoformat()}),
    ("approvals_needed", "approvals", ASKED | {"needed": 0}),
    ("approvals_waits", "approvals", ENDED | {"needed": 1}),
    ("approvals_settled", "approvals", ASKED | {"settled_at": START.isoformat()}),
    ("approvals_state", "approvals", ENDED | {"state": "forgotten", "decided_by": None}),
    ("approvals_two_people", "approvals", ENDED | {"decided_by": "ada"}),
    ("approvals_account_id_fkey", "approvals", ASKED | {"account_id": NOBODY}),
    ("approvals_member", "approvals", ASKED | {"member_id": "nobody"}),
    ("approvals_decider", "approvals", ENDED | {"decided_by": "nobody"}),
    ("approvals_subscription_id_fkey", "approvals", ASKED | {"subscription_id": "?"}),
    ("approvals_pk", "approvals", {}),
    ("hold_lines_amount", "hold_lines", {"amount": 0}),
    ("hold_lines_pk", "hold_lines", {}),
    ("hold_lines_hold", "hold_lines", {"hold_id": 900}),
    ("hold_lines_grant", "hold_lines", {"grant_id": 900}),
    ("holds_captured", "holds", {"captured": None}),
    ("holds_captured", "holds", {"taken": None}),
    ("holds_in_time", "holds", {"lapses_at": START.isoformat()}),
    ("holds_quantity", "holds", {"quantity": 0}),
    ("holds_resolved", "holds", {"state": "open", "captured": None, "taken": None}),
    ("holds_state", "holds", {"state": "asleep", "captured": None, "taken": None}),
    ("holds_account_id_fkey", "holds", {"account_id": NOBODY}),
    ("holds_pk", "holds", {}),
    ("holds_key", "holds", {"hold_id": 900}),
    ("holds_end", "holds", {"hold_id": 900, "key": "b"}),
    ("members_id_length", "members", {"member_id": ""}),
    ("members_role", "members", {"member_id": "b", "role": "king"}),
    ("members_account_id_fkey", "members", {"account_id": NOBODY}),
    ("members_pk", "members", {}),
    ("outbox_lane", "outbox", {"lane": "pigeon"}),
    ("outbox_account_id_fkey", "outbox", {"account_id": NOBODY}),
    ("outbox_pk", "outbox", {}),
    ("policies_debt_repaid_from", "policies", {"debt_repaid_from": "gifts"}),
    ("policies_auto_cap", "policies", {"auto_cap": -1}),
    ("policies_auto_complete", "policies", {"auto_cap": None}),
    ("policies_auto_price", "policies", {"auto_price_num": 0}),
    ("policies_auto_price_den", "policies", {"auto_price_den": 0}),
    ("policies_auto_surcharge", "policies", {"auto_surcharge_num": -1}),
    ("policies_auto_surcharge_den", "policies", {"auto_surcharge_den": 0}),
    ("policies_auto_unit", "policies", {"auto_unit": 0}),
    ("policies_late_usage", "policies", {"late_usage": "never"}),
    ("policies_reopen_days", "policies", {"reopen_days": -1}),
    ("policies_account_id_fkey", "policies", {"account_id": NOBODY}),
    ("policies_pk", "policies", {}),
    ("postings_amount", "postings", {"amount_minor": 0}),
    ("postings_account_id_fkey", "postings", {"account_id": NOBODY}),
    ("postings_pk", "postings", {}),
    ("refunds_amount", "refunds", {"amount_minor": 0}),
    ("refunds_charge", "refunds", {"refund_id": "b", "charge_id": "unknown"}),
    ("refunds_id_length", "refunds", {"refund_id": ""}),
    ("refunds_state", "refunds", {"state": "lost"}),
    ("refunds_pk", "refunds", {}),
    ("refusals_account_id_fkey", "refusals", {"account_id": NOBODY}),
    ("refusals_pk", "refusals", {}),
    ("subscriptions_id_length", "subscriptions", {"subscription_id": ""}),
    ("subscriptions_period", "subscriptions", {"period_k": -2}),
    (
        "subscriptions_period_order",
        "subscriptions",
        {"period_start": START.isoformat(), "period_end": START.isoformat()},
    ),
    ("subscriptions_status", "subscriptions", {"status": "asleep"}),
    (
        "subscriptions_account_id_fkey",
        "subscriptions",
        {"subscription_id": "b", "account_id": NOBODY},
    ),
    ("subscriptions_pk", "subscriptions", {}),
    ("subscriptions_one_live", "subscriptions", {"subscription_id": "b"}),
    ("thresholds_amount", "thresholds", {"amount": 0, "percent": None}),
    ("thresholds_channel", "thresholds", {"channel": "pigeon"}),
    ("thresholds_percent", "thresholds", {"percent": 100}),
    ("thresholds_percent", "thresholds", {"percent": 0}),
    ("thresholds_percent_or_amount", "thresholds", {"amount": 5}),
    ("thresholds_percent_or_amount", "thresholds", {"percent": None}),
    ("thresholds_account_id_fkey", "thresholds", {"account_id": NOBODY}),
    ("thresholds_pk", "thresholds", {}),
    ("subscriptions_one_trial", "subscriptions", {"subscription_id": "b", "status": "ended"}),
    ("wallets_active_has_window", "wallets", {"window_start": None}),
    ("wallets_alert_level", "wallets", {"alert_level": -2}),
    ("wallets_pause_causes", "wallets", {"paused_by": ["mood"]}),
    ("wallets_state", "wallets", {"state": "asleep"}),
    ("wallets_window", "wallets", {"window_end": START.isoformat()}),
    ("wallets_account_id_fkey", "wallets", {"account_id": NOBODY}),
    ("wallets_pk", "wallets", {}),
    ("windows_order", "windows", {"window_end": START.isoformat()}),
    ("windows_account_id_fkey", "windows", {"account_id": NOBODY}),
    (
        "windows_subscription_id_fkey",
        "windows",
        {
            "window_start": "2028-01-01T00:00:00Z",
            "window_end": "2028-02-01T00:00:00Z",
            "subscription_id": "?",
        },
    ),
    ("windows_pk", "windows", {"window_end": "2028-01-01T00:00:00Z"}),
    ("windows_end", "windows", {"window_start": "2026-12-01T00:00:00Z"}),
)
# Not by a copy: two clauses of one constraint, and an index that needs a state of its own.
# Findings and price lists are of no account: `test_findings.py`, `test_published.py` attack them.
PUBLISHED = ("pk", "catalog", "item", "revision", "terms", "made_by", "reason", "re_rate")
ELSEWHERE = (
    {"policies_auto_needs_terms", "charges_one_open_auto"}
    | {f"findings_{name}" for name in ("pk", "key_length", "kind", "ids", "settled")}
    | {f"published_{name}" for name in PUBLISHED}
)


@pytest.fixture(scope="module")
def victim(session_database):
    """A wallet with a sound row in every table; the first of each is a paid one."""
    engine = create_engine(driver_url(session_database.owner_url))
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection, allowance=0, **auto_purchase_on())
        bought(connection, wallet, f"{wallet.customer_id}:auto")
        grants.give(connection, wallet.account_id, a_grant(), START)
        use(connection, wallet)
        held = an_event(wallet.account_id, key="held").priced
        holds.hold(connection, wallet.account_id, held, MONTH_END, NOON)
        holds.capture(connection, wallet.account_id, "held", held.event.quantity_micro, NOON)
        outbox.put(connection, wallet.account_id, "m", "mail", {})
        notes.note(connection, wallet.account_id, f"{wallet.customer_id}:auto", charge={})
        values = (wallet.account_id, START.isoformat())
        connection.exec_driver_sql("INSERT INTO counters VALUES (%s, 'c', %s, 1)", values)
        connection.exec_driver_sql(
            "INSERT INTO plan_changes VALUES (%s, 'k', 'core_40k', '{}', %s)", values
        )
        connection.exec_driver_sql(
            "INSERT INTO pauses (account_id, at, cause, paused)"
            " VALUES (%s, %s, 'by_operator', true)",
            values,
        )
        connection.exec_driver_sql(
            "INSERT INTO limits VALUES (%s, 'member:a', 'credits', 5, 'user_limit', %s)", values
        )
        for member_id in ("ada", "grace"):
            members.put(connection, wallet.account_id, a_member(member_id), ["credits"], START)
        ask(connection, wallet, key="asked", at=START)
        connection.exec_driver_sql(
            "INSERT INTO thresholds VALUES (%s, '20_percent', 20, NULL, 'both')", values[:1]
        )
        connection.exec_driver_sql(
            "INSERT INTO notices VALUES (%s, 'n', 'low_balance', '{}', %s)", values
        )
        connection.exec_driver_sql(
            "INSERT INTO refusals VALUES (%s, 'r', NULL, 'malformed', '', %s)", values
        )
        gone = (wallet.account_id, f"{wallet.customer_id}:auto", START.isoformat())
        for table in ("refunds (refund_id,", "disputes (dispute_id,"):
            connection.exec_driver_sql(
                f"INSERT INTO {table} account_id, charge_id, at, amount_minor, state)"
                " VALUES ('r', %s, %s, %s, 1, %s)",
                (*gone, "failed" if table[0] == "r" else "won"),
            )
        connection.exec_driver_sql(
            "UPDATE customers SET payer = customer_id WHERE account_id = %s", values[:1]
        )
        connection.exec_driver_sql(
            "UPDATE subscriptions SET trial_ends_at = anchor WHERE account_id = %s", values[:1]
        )
    engine.dispose()
    return wallet


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
    assert named - attacked == {"alembic_version_pkc"}


@pytest.mark.parametrize("table", ["entries", "postings"])
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
