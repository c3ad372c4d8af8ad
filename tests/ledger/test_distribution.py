"""The set-up that spreads a ledger over machines, run on one PostgreSQL.

What is plain PostgreSQL in it is real. Citus itself cannot be had here: a stand-in for its three
functions demands what their documentation does, as far as a catalog tells, and keeps the calls.
"""

import pytest
from psycopg import errors

import cli
from ledger import grants
from ledger.distribution import setup
from ledger.distribution.placements import ANCHOR, BY_ACCOUNT, REFERENCE, WITHOUT_ACCOUNT
from local.postgres import SUPERUSER
from models.base import connect
from tests.builders import START, a_grant, a_subscribed_wallet
from tests.deployment import environment
from tests.ledger.attacks import FRESH
from tests.ledger.test_constraints import insert_copy

KEYS = """
    SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND contype = 'f' ORDER BY 1
"""
WHOLE_ROW_CHECKS = """
    SELECT c.conname FROM pg_constraint c
    WHERE c.connamespace = 'public'::regnamespace AND c.contype = 'c' AND 0 = ANY (c.conkey)
    ORDER BY 1
"""
# What Citus' own functions demand, as far as a catalog says it; each call is kept.
STAND_IN = """
CREATE TABLE spread (name regclass PRIMARY KEY, beside text);
CREATE TABLE calls (n bigint GENERATED ALWAYS AS IDENTITY, function regprocedure, argument text);
CREATE FUNCTION create_reference_table(p_name regclass) RETURNS void LANGUAGE sql AS $$
    INSERT INTO spread VALUES (p_name, 'everywhere')
$$;
CREATE FUNCTION create_distributed_table(
    p_name regclass, p_column text, colocate_with text
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF colocate_with <> 'none' AND NOT EXISTS (
        SELECT FROM spread WHERE name = colocate_with::regclass) THEN
        RAISE EXCEPTION 'relation % is not distributed', colocate_with;
    END IF;
    IF EXISTS (
        SELECT FROM pg_index i WHERE i.indrelid = p_name AND i.indisunique AND NOT (
            SELECT a.attnum FROM pg_attribute a
            WHERE a.attrelid = p_name AND a.attname = p_column) = ANY (i.indkey::int2[])) THEN
        RAISE EXCEPTION 'a unique key of % lacks %', p_name, p_column;
    END IF;
    IF EXISTS (
        SELECT FROM pg_constraint c WHERE c.conrelid = p_name AND (
            c.contype = 'f' OR c.contype = 'c' AND 0 = ANY (c.conkey))) THEN
        RAISE EXCEPTION '% has a key or a law that shards cannot have', p_name;
    END IF;
    INSERT INTO spread VALUES (p_name, colocate_with);
END $$;
CREATE FUNCTION create_distributed_function(
    p_function regprocedure, p_argument text DEFAULT NULL, colocate_with text DEFAULT 'default',
    force_delegation boolean DEFAULT NULL
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF p_argument IS NOT NULL AND NOT EXISTS (
        SELECT FROM pg_proc p JOIN spread s ON s.name = colocate_with::regclass
        WHERE p.oid = p_function AND p_argument = ANY (p.proargnames)) THEN
        RAISE EXCEPTION '% has no argument %', p_function, p_argument;
    END IF;
    INSERT INTO calls (function, argument) VALUES (p_function, p_argument);
END $$;
"""


@pytest.fixture(scope="module")
def owner(new_database):
    """A connection of the owner to a ledger of its own."""
    engine = connect(new_database().owner_url)
    with engine.connect() as connection:
        yield connection
        connection.rollback()
    engine.dispose()


@pytest.fixture(scope="module")
def keys(owner):
    """The foreign keys as they were."""
    return owner.exec_driver_sql(KEYS).all()


@pytest.fixture(scope="module")
def set_up(owner, keys):
    """The same after its set-up; the calls of Citus are kept."""
    made = [*setup.shapes(owner), *setup.calls(owner)]
    owner.connection.driver_connection.execute(STAND_IN)
    for one in made:
        owner.exec_driver_sql(one)
    return owner


@pytest.fixture
def spread(set_up):
    with set_up.begin_nested() as undone:
        yield set_up
        undone.rollback()


def test_every_table_gets_its_place(spread):
    kept = dict(map(tuple, spread.exec_driver_sql("SELECT name::text, beside FROM spread")))

    assert {name for name, beside in kept.items() if beside == "everywhere"} == set(REFERENCE)
    assert {name for name, beside in kept.items() if beside == ANCHOR} == BY_ACCOUNT - {ANCHOR}
    assert kept[ANCHOR] == "none"


def test_every_foreign_key_is_there_again(spread, keys):
    assert spread.exec_driver_sql(KEYS).all() == keys


def test_every_call_of_an_account_goes_where_it_lies(spread):
    called = spread.exec_driver_sql(
        "SELECT p.proname, k.argument FROM calls k JOIN pg_proc p ON p.oid = k.function"
    ).all()
    sent = {name for name, argument in called if argument == "p_account"}

    assert {"debit_one", "hold", "capture_hold", "release_hold", "grant_credits"} <= sent
    assert sent & set(WITHOUT_ACCOUNT) == set()
    assert {"debit", "grants_to_burn", "total"} <= {name for name, _ in called} - sent


# The laws of a row that a CHECK of the whole row asks, and what breaks a sound one.
LAWS = [
    ("grants", "grants_bounds", {"held": 10**17}),
    ("grants", "grants_parts", {"expired": 10**17}),
    ("grants", "grants_open", {"is_open": False}),
    ("grants", "grants_lifetime", {"expires_at": START.isoformat()}),
    ("grants", "grants_paid_names_charge", {"cost_minor": 1}),
    ("grants", "grants_charge_has_part", {"part": 1}),
    ("grants", "grants_money", {"recognised_minor": 1}),
    ("entries", "entries_balances", {"balance_after": -1}),
    ("entries", "entries_debit_takes", {"kind": "debit", "change": 1}),
    ("entries", "entries_key_on_first_line", {"key": None}),
]


@pytest.mark.parametrize(("table", "law", "changes"), LAWS)
def test_a_shard_refuses_a_row_by_the_name_of_its_law(spread, table, law, changes):
    wallet = a_subscribed_wallet(spread, allowance=0)
    grants.give(spread, wallet.account_id, a_grant(), START)
    fresh = FRESH if table == "entries" else {"grant_id": 900}
    session = spread.connection.driver_connection

    assert spread.exec_driver_sql(WHOLE_ROW_CHECKS).all() == []
    with pytest.raises(errors.CheckViolation) as refusal:
        insert_copy(session, table, wallet.account_id, fresh | changes)
    assert refusal.value.diag.constraint_name == law


def test_a_shard_refuses_a_change_that_breaks_a_law(spread):
    wallet = a_subscribed_wallet(spread)
    session = spread.connection.driver_connection
    with pytest.raises(errors.CheckViolation) as refusal:
        session.execute(
            "UPDATE grants SET held = remaining + 1 WHERE account_id = %s", (wallet.account_id,)
        )
    assert refusal.value.diag.constraint_name == "grants_bounds"


@pytest.fixture
def deployed(session_database, monkeypatch):
    for name, text in environment(session_database.owner_url).items():
        monkeypatch.setenv(name, text)


def test_the_command_shows_the_statements(deployed, capsys):
    assert cli.main(["distribute", "--print", "--shards", "128"]) == 0

    shown = capsys.readouterr().out
    assert "SET LOCAL citus.shard_count = 128;\n" in shown
    assert "create_distributed_table('wallets', 'account_id', colocate_with => 'none');\n" in shown


def test_without_citus_the_command_says_what_to_install(deployed, capsys):
    assert cli.main(["distribute"]) == 2
    assert capsys.readouterr().err.startswith("citus_missing: this database has no Citus: add ")


@pytest.fixture
def cluster(unguarded_database, postgres):
    """A server that says it has Citus 14: the catalog says so, and the stand-in answers."""
    superuser = connect(postgres.dsn(unguarded_database.name, SUPERUSER))
    with superuser.connect() as connection:
        session = connection.connection.driver_connection
        session.execute("CREATE SCHEMA stand_in; SET search_path = stand_in, public")
        session.execute(STAND_IN)
        session.execute("CREATE VIEW pg_dist_partition AS SELECT name AS logicalrelid FROM spread")
        session.execute(
            "SET LOCAL allow_system_table_mods = on; SET search_path = public, stand_in"
        )
        session.execute(
            "INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable,"
            " extversion) VALUES (99999, 'citus', 10, 11, false, '14.0-1')"
        )
        yield connection
        connection.rollback()
    superuser.dispose()


def test_a_ledger_is_spread_once(cluster):
    taken = setup.distribute(cluster)

    assert cluster.exec_driver_sql("SELECT count(*) FROM spread").scalar() == (
        len(BY_ACCOUNT) + len(REFERENCE)
    )
    assert taken > len(BY_ACCOUNT) + len(REFERENCE) + 100
    with pytest.raises(setup.CannotSpread) as refused:
        setup.distribute(cluster)
    assert refused.value.reason == "already_distributed"


def test_an_old_citus_is_refused(cluster):
    cluster.exec_driver_sql("UPDATE pg_extension SET extversion = '13.2-1' WHERE extname = 'citus'")

    with pytest.raises(setup.CannotSpread, match="upgrade to 14") as refused:
        setup.distribute(cluster)
    assert refused.value.reason == "citus_too_old"


def test_nothing_is_changed_without_citus(owner, keys):
    with pytest.raises(setup.CannotSpread, match="shared_preload_libraries"):
        setup.distribute(owner)
    assert owner.exec_driver_sql(KEYS).all() == keys
