"""Whatever a function of the ledger is asked: a status or a typed refusal, and no law broken."""

import psycopg
import pytest
from psycopg import errors, sql

from domain.payments.charges import ChargeKind
from ledger.payments import charges
from models.base import connect
from tests.builders import NOON
from tests.ledger import hostile, teams
from tests.ledger.holding import hold

DEBIT_AFTERWARDS = """
SELECT status FROM debit(ARRAY[%s::bigint], ARRAY['after'], ARRAY['operation'], ARRAY[1::bigint],
    ARRAY['credits'], ARRAY[1::bigint], ARRAY[%s::timestamptz], ARRAY[NULL::jsonb], %s)
"""
# A payment is booked before its grants: the transaction that does both is its caller's.
MEANWHILE = {
    "mark_paid": {
        "a paid charge does not fund its grants",
        "deferred revenue is not what grants still owe",
    },
    "book_import": {
        "a paid charge does not fund its grants",
        "deferred revenue is not what grants still owe",
    },
    "take_up_charge": {
        "a paid charge does not fund its grants",
        "deferred revenue is not what grants still owe",
    },
}
ONE_DEBIT = {"p_account", "p_key", "p_quantity", "p_amount", "p_tags", "p_terms", "p_revision"}
# What may be missing, or is answered with a status where it is: all else is refused when it is.
MAY_BE_MISSING = {
    "put_thresholds": {"p_credit_type", "p_percents", "p_amounts"},
    "remove_credits": {"p_amount", "p_tags"},
    "grant_credits": {"p_scope", "p_charge", "p_part", "p_tags", "p_roll_cap"},
    "reserve_auto_purchase": {"p_confirmed"},
    "open_charge": {"p_quantity", "p_pack", "p_takes"},
    "take_up_charge": {"p_pack"},
    "redeem_coupon": {"p_each"},
    "redeem_for_plan": {"p_each"},
    "discount_period": {"p_periods"},
    "mark_void": {"p_gone"},
    "mark_paid": {"p_invoice"},
    "mark_processing": {"p_invoice"},
    "mark_declined": {"p_invoice", "p_code"},
    "refund_charge": {"p_amount", "p_reason", "p_by"},
    "hold": {"p_quantity", "p_tags", "p_terms", "p_revision"},
    "capture_hold": {"p_quantity", "p_confirmed"},
    "set_limit": {"p_ceiling"},
    "set_frozen": {"p_at"},
    "settle_approval": {"p_reason"},
    "need_for_approval": {"p_needed"},
    "expire_due": {"p_by"},
    "correct_usage": {"p_quantity", "p_terms", "p_tags"},
    "debit": {"p_terms", "p_revision"},
    "debit_one": ONE_DEBIT,
    "check_debit": ONE_DEBIT,
}


@pytest.fixture(scope="module")
def played(new_database, postgres):
    """A database with one wallet in which there is something to do for every function."""
    database = new_database()
    engine = connect(database.url)
    with engine.begin() as connection:
        wallet = teams.a_team(connection, limit=1_000)
        hold(connection, wallet, 2, key="held")
        teams.use(connection, wallet, 3, key="used")
        teams.ask(connection, wallet, 60, "asked")
        names = (wallet.account_id, wallet.subscription_id, "open")
        charges.open_charge(connection, *names, ChargeKind.PERIOD, "USD", 100, None, NOON)
    engine.dispose()
    with psycopg.connect(database.url) as connection:
        yield connection, wallet
    postgres.drop_database(database.name)


def is_typed(error, one):
    """Refused by a constraint or by a rule of our own; what only reads may be out of range."""
    if one.is_read and isinstance(error, errors.NumericValueOutOfRange):
        return True
    return isinstance(error, errors.IntegrityError) or (error.sqlstate or "").startswith("DD")


def refusal_of(connection, one, arguments):
    """Call it; return the error that refused it, if any did."""
    try:
        connection.execute(hostile.statement(one), arguments)
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    except psycopg.Error as error:
        return error
    return None


def broken_laws(connection, one):
    rows = connection.execute("SELECT law, subject FROM violations").fetchall()
    return [row for row in rows if row[0] not in MEANWHILE.get(one.name, ())]


def fault_of(connection, one, arguments, account):
    """Return what is wrong with a call's answer."""
    refusal = refusal_of(connection, one, arguments)
    if refusal is not None:
        return None if is_typed(refusal, one) else f"{type(refusal).__name__}: {refusal}"
    if one.is_read:
        return None
    laws = broken_laws(connection, one)
    if not laws:
        connection.execute(DEBIT_AFTERWARDS, (account, NOON, NOON))
        laws = broken_laws(connection, one)
    return laws or None


@pytest.mark.long
def test_every_argument_of_every_function_is_answered_or_refused(played):
    connection, wallet = played
    faults = []
    for one in hostile.callables(connection):
        arguments = hostile.sound(one, wallet.account_id, wallet.subscription_id)
        refusal = refusal_of(connection, one, arguments)
        connection.rollback()
        if refusal:
            faults.append((one.signature, "is never really called", refusal))
        for what, bent in hostile.bent(one, arguments):
            fault = fault_of(connection, one, bent, wallet.account_id)
            connection.rollback()
            if fault:
                faults.append((one.signature, what, str(fault)[:200]))
    assert not faults, "\n".join(map(str, faults))


def test_what_is_missing_is_refused_where_it_may_not_be(played):
    connection, wallet = played
    taken = []
    for one in hostile.callables(connection):
        if one.is_read:
            continue
        arguments = hostile.sound(one, wallet.account_id, wallet.subscription_id)
        for place, name in enumerate(one.arguments):
            if name in MAY_BE_MISSING.get(one.name, ()):
                continue
            missing = [*arguments[:place], None, *arguments[place + 1 :]]
            if refusal_of(connection, one, missing) is None:
                taken.append((one.name, name))
            connection.rollback()
    assert not taken


@pytest.mark.parametrize(("constraint", "kind", "value"), hostile.OF_ARGUMENTS)
def test_an_argument_of_no_sense_is_refused_by_name(session_database, constraint, kind, value):
    cast = sql.SQL("SELECT {}::{}").format(sql.Literal(value), sql.Identifier(kind))
    with psycopg.connect(session_database.url) as connection:
        with pytest.raises(errors.CheckViolation) as refusal:
            connection.execute(cast)
        connection.rollback()
    assert refusal.value.diag.constraint_name == constraint
