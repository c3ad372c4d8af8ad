"""A file of balances is read whole, or every fault in it is named by line and column."""

from datetime import UTC, datetime

import pytest

from domain.burn import TieBreak, tie_keys
from domain.credits import MICRO
from domain.payments.import_files import MOST_ROWS, InvalidImport
from domain.payments.imports import COLUMNS, Brought, read_balances

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)
HEADING = ",".join(COLUMNS)
GOOD = "acme,1000,credits,pack,45.00,USD,,old-1"


def faults_in(*lines, heading=HEADING):
    with pytest.raises(InvalidImport) as found:
        read_balances("\n".join((heading, *lines)))
    return [(one.line, one.column, one.reason) for one in found.value.faults]


def test_a_file_is_read_as_a_spreadsheet_writes_it():
    text = (
        f"\ufeff{HEADING},bought_at\r\n"
        "acme,1000.5,credits,pack,45.00,USD,2027-12-31T00:00:00+01:00,old-1,2025-05-01T00:00:00Z\r\n"
        ",,,,,,,,\r\n"
        ' initech , 3,credits,bonus,0,JPY,,"old-1",\r\n'
    )

    first, second = read_balances(text)

    assert first == Brought(
        line=2,
        customer_id="acme",
        quantity_micro=1_000_500_000,
        credit_type="credits",
        source="pack",
        cost_minor=4_500,
        currency="USD",
        expires_at=datetime(2027, 12, 30, 23, tzinfo=UTC),
        key="old-1",
        bought_at=datetime(2025, 5, 1, tzinfo=UTC),
    )
    assert (second.customer_id, second.line, second.quantity_micro) == ("initech", 4, 3 * MICRO)
    assert (second.cost_minor, second.expires_at, second.bought_at) == (0, None, None)


def test_all_faults_are_named_at_once():
    found = faults_in(
        GOOD,
        "two words,-1,,gift,1e3,XXX,soon,ledger:1",
        "acme,1,credits,pack,1.005,USD,,a",
        "acme,1,credits,bonus,1,USD,,b",
        "acme,1,credits,allowance,1,USD,,c",
        "acme,1,credits",
        "acme,5,credits,pack,1,USD,,old-1",
    )

    assert found == [
        (3, "customer", "invalid_id"),
        (3, "credits", "invalid_credits"),
        (3, "credit_type", "unknown_credit_type"),
        (3, "source", "invalid_value"),
        (3, "currency", "unknown_currency"),
        (3, "cost", "invalid_amount"),
        (3, "expires_at", "invalid_time"),
        (4, "cost", "invalid_amount"),
        (5, "cost", "invalid_amount"),
        (6, "expires_at", "invalid_time"),
        (7, "", "malformed"),
        (8, "key", "idempotency_conflict"),
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", (1, "", "missing_field")),
        ("customer", (1, "credits", "missing_field")),
        (f"{HEADING},colour\n{GOOD},red", (1, "", "unknown_field")),
        (f"{HEADING},key\n{GOOD},old-2", (1, "", "unknown_field")),
        (HEADING, (1, "", "malformed")),
        (f'{HEADING}\n"acme', (2, "", "malformed")),
        ("\n".join([HEADING, *[GOOD] * (MOST_ROWS + 1)]), (1, "", "malformed")),
        (f"{HEADING}\nacme,1,credits,pack,1000000.00,USD,,k", (2, "cost", "invalid_amount")),
        (f"{HEADING}\nacme,1,credits,pack,1.5,JPY,,k", (2, "cost", "invalid_amount")),
        (f"{HEADING}\nacme,1,credits,pack,1.{'0' * 30}1,USD,,k", (2, "cost", "invalid_amount")),
        (f"{HEADING}\nacme,0.01,credits,pack,10000.00,USD,,k", (2, "cost", "invalid_amount")),
        (f"{HEADING}\nacme,1,credits,pack,.5,USD,,k", (2, "cost", "invalid_amount")),
        (f"{HEADING}\nacme,1,credits,pack,-5,USD,,k", (2, "cost", "invalid_amount")),
    ],
)
def test_what_is_no_file_of_balances_is_refused_at_its_place(text, fault):
    with pytest.raises(InvalidImport) as found:
        read_balances(text)

    one = found.value.faults[0]
    assert (one.line, one.column, one.reason) == fault


def test_two_customers_may_use_the_same_key():
    rows = read_balances("\n".join((HEADING, GOOD, GOOD.replace("acme", "initech"))))

    assert [row.key for row in rows] == ["old-1", "old-1"]


def test_the_dearest_credits_that_can_be_read_can_be_sorted_by_what_they_cost():
    (row,) = read_balances(f"{HEADING}\nacme,0.000001,credits,pack,0.99,USD,,k")
    dearest = read_balances(f"{HEADING}\nacme,1,credits,pack,999999.99,USD,,k")[0]

    for one in (row, dearest):
        unit, _ = tie_keys(TieBreak.CHEAPEST_FIRST, one.cost_minor, one.quantity_micro, NOON)
        assert unit < 2**63
