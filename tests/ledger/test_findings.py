"""Findings: recorded once, reported to their subscription, settled once, with name and reason."""

from dataclasses import replace

import psycopg
import pytest
from psycopg import errors

from domain.errors import InvalidInput
from domain.payments.findings import Finding, FindingKind
from ledger.payments import findings
from tests.builders import NOON, a_wallet

SOUND = {
    "key": "k",
    "kind": "amount_differs",
    "customer_id": None,
    "subscription_id": None,
    "charge_id": None,
    "processor_id": "in_1",
    "detail": "",
    "at": NOON,
    "settled_by": None,
    "settled_reason": None,
    "settled_at": None,
}
ATTACKS = (
    ("findings_key_length", {"key": ""}),
    ("findings_key_length", {"key": "x" * 501}),
    ("findings_kind", {"kind": "Not a word"}),
    ("findings_ids", {"customer_id": ""}),
    ("findings_ids", {"processor_id": ""}),
    ("findings_settled", {"settled_by": "ann"}),
    ("findings_pk", {"key": "known"}),
)


def a_finding(wallet, key="paid:in_1"):
    return Finding(
        key=key,
        kind=FindingKind.AMOUNT_DIFFERS,
        customer_id=wallet.customer_id,
        subscription_id=wallet.subscription_id,
        charge_id=None,
        processor_id="in_1",
        detail="$54 for $45",
        at=NOON,
    )


def told(connection, wallet):
    rows = connection.exec_driver_sql(
        "SELECT message_key FROM outbox WHERE account_id = %s AND topic = 'finding'"
        " ORDER BY message_key",
        (wallet.account_id,),
    )
    return [key for (key,) in rows]


def mine(connection, wallet):
    return findings.open_findings(connection, wallet.customer_id)


def test_a_fact_found_twice_is_one_finding_and_is_told_once(ledger):
    wallet = a_wallet(ledger)
    found = a_finding(wallet, f"paid:{wallet.customer_id}")

    assert findings.record(ledger, found)
    assert not findings.record(ledger, replace(found, detail="another word for it"))

    assert mine(ledger, wallet) == (found,)
    assert findings.count_of(ledger, wallet.subscription_id) == 1
    assert told(ledger, wallet) == [f"finding:found:{found.key}"]


def test_what_was_settled_stays_so_and_the_first_word_stands(ledger):
    wallet = a_wallet(ledger)
    found = a_finding(wallet, f"paid:{wallet.customer_id}")
    before = findings.counts(ledger)[found.kind]
    findings.record(ledger, found)
    assert findings.counts(ledger)[found.kind] == before + 1

    for by in ("ann", "bob"):
        assert findings.settle(ledger, key=found.key, by=by, reason="refunded", at=NOON) == found
    assert not findings.record(ledger, found)

    assert mine(ledger, wallet) == ()
    assert findings.counts(ledger)[found.kind] == before
    row = ledger.exec_driver_sql("SELECT settled_by FROM findings WHERE key = %s", (found.key,))
    assert row.scalar_one() == "ann"
    assert told(ledger, wallet) == [f"finding:{word}:{found.key}" for word in ("found", "settled")]


@pytest.mark.parametrize(
    ("key", "by", "reason", "refusal"),
    [
        ("nothing", "ann", "looked", "unknown_finding"),
        ("nothing", " ", "looked", "reason_missing"),
        ("nothing", "ann", "", "reason_missing"),
    ],
)
def test_only_a_known_finding_is_settled_by_somebody_for_a_reason(ledger, key, by, reason, refusal):
    with pytest.raises(InvalidInput) as refused:
        findings.settle(ledger, key=key, by=by, reason=reason, at=NOON)
    assert refused.value.reason == refusal


def test_a_finding_of_nobody_is_kept_too(ledger):
    wallet = a_wallet(ledger)
    found = replace(a_finding(wallet, f"of nobody {wallet.customer_id}"), subscription_id=None)
    assert findings.record(ledger, found)
    assert told(ledger, wallet) == []


@pytest.mark.parametrize(("constraint", "changes"), ATTACKS)
def test_a_row_that_breaks_a_constraint_is_refused_by_its_name(
    session_database, constraint, changes
):
    columns = ", ".join(SOUND)
    places = ", ".join(f"%({name})s" for name in SOUND)
    insert = f"INSERT INTO findings ({columns}) VALUES ({places})"
    with psycopg.connect(session_database.owner_url) as connection:
        connection.execute(insert, SOUND | {"key": "known"})
        with pytest.raises(errors.IntegrityError) as refusal:
            connection.execute(insert, SOUND | changes)
        assert refusal.value.diag.constraint_name == constraint
        connection.rollback()


def test_the_application_settles_a_finding_and_rewrites_none(session_database):
    with psycopg.connect(session_database.url) as connection:
        for attack in ("UPDATE findings SET detail = ''", "DELETE FROM findings"):
            with pytest.raises(errors.InsufficientPrivilege), connection.transaction():
                connection.execute(attack)
