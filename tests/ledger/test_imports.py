"""Imported balances: all or nothing, once per key, and the books hold whatever comes after."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.payments.import_files import InvalidImport
from domain.payments.reconciliation import compare
from ledger import balances, grants
from ledger.payments.booked import charges_by_id
from ledger.reports.liability import liability
from tests.builders import MONTH_END, NOON, START, a_wallet, left, micro, use
from tests.ledger.import_laws import IMPORT_LAWS
from tests.ledger.importing import LATER, a_customer, a_row, bring, charge_of
from tests.ledger.returns import refund
from tests.ledger.undone import undone
from tests.ledger.webhooks import ends, written


@pytest.mark.parametrize("law", IMPORT_LAWS)
def test_the_laws_of_imports_hold(session_engine, law):
    law(session_engine, None)


def test_a_repeated_file_does_nothing_and_the_proof_stays_true(ledger):
    wallet = a_customer(ledger)
    rows = (
        a_row(wallet),
        a_row(wallet, key="old-2", source="bonus", cost_minor=0, expires_at=LATER),
    )
    first = bring(ledger, *rows)
    before = balances.books(ledger, wallet.account_id), left(ledger, wallet)
    use(ledger, wallet, 300)
    again = bring(ledger, *rows, at=NOON + timedelta(days=3))

    assert (len(first.new), len(first.repeated)) == (2, 0)
    assert (len(again.new), len(again.repeated)) == (0, 2)
    assert first.ties()
    assert again.ties()
    assert before == ({"opening": 4_500, "deferred_revenue": -4_500}, micro(2_000))
    assert left(ledger, wallet) == micro(1_700)
    assert balances.violations(ledger) == []


@pytest.mark.parametrize(
    "other",
    [
        {"quantity_micro": micro(999)},
        {"cost_minor": 4_499},
        {"cost_minor": 0},
        {"source": "manual_purchase"},
        {"expires_at": LATER},
        {"bought_at": START},
        {"begins_at": LATER},
    ],
)
def test_a_key_with_other_content_is_a_conflict_at_its_line(ledger, other):
    wallet = a_customer(ledger)
    bring(ledger, a_row(wallet))

    with pytest.raises(InvalidImport) as found:
        bring(ledger, a_row(wallet, line=7, **other))

    (fault,) = found.value.faults
    assert (fault.line, fault.column, fault.reason) == (7, "key", "idempotency_conflict")


def test_every_row_that_the_ledger_refuses_is_named(ledger):
    wallet = a_customer(ledger)
    pending = a_wallet(ledger)
    rows = (
        a_row(wallet, customer_id="nobody-at-all"),
        a_row(pending, line=3),
        a_row(wallet, line=4, credit_type="pearls", currency="EUR"),
    )
    with pytest.raises(InvalidImport) as found:
        bring(ledger, *rows)
    assert [(one.line, one.reason) for one in found.value.faults] == [
        (2, "unknown_customer"),
        (3, "no_subscription"),
        (4, "unknown_credit_type"),
        (4, "unknown_currency"),
    ]

    over = a_row(wallet, line=5, expires_at=NOON)
    much = a_row(wallet, line=6, key="much", quantity_micro=10**18)
    with pytest.raises(InvalidImport) as found:
        bring(ledger, over, a_row(wallet, line=2, key="fine"), much)
    assert [(one.line, one.column, one.reason) for one in found.value.faults] == [
        (5, "expires_at", "invalid_time"),
        (6, "credits", "invalid_quantity"),
    ]


def test_packs_burn_in_the_order_in_which_they_were_bought_elsewhere(ledger):
    wallet = a_customer(ledger)  # salestools burns the oldest first
    young = a_row(wallet, key="young", bought_at=START - timedelta(days=10), cost_minor=100)
    old = a_row(wallet, key="old", bought_at=START - timedelta(days=90), cost_minor=9_000)
    bring(ledger, young, old)

    use(ledger, wallet, 1_000)
    grants.expire_due(ledger, wallet.account_id, NOON)

    assert balances.books(ledger, wallet.account_id)["revenue"] == -9_000


def test_nobody_is_told_that_something_was_bought_and_a_refund_says_that_it_was_paid_elsewhere(
    engine,
):
    wallet = ends(engine, a_customer)
    ends(engine, bring, a_row(wallet))
    ends(engine, refund, wallet, charge_of(wallet))
    told = [(one.type, one.payload["data"].get("kind")) for one in written(engine, wallet)]
    assert ("credits.granted", None) in told
    assert "purchase.paid" not in dict(told)


def test_what_was_paid_elsewhere_is_not_looked_for_at_the_processor(ledger):
    wallet = a_customer(ledger)
    bring(ledger, a_row(wallet))
    assert charge_of(wallet) not in charges_by_id(ledger)
    found = compare([], charges_by_id(ledger), NOON).findings
    assert charge_of(wallet) not in [one.charge_id for one in found]


BROUGHT = st.fixed_dictionaries(
    {
        "quantity_micro": st.integers(1, micro(50)),
        "cost_minor": st.one_of(st.just(0), st.integers(1, 5_000)),
        "source": st.sampled_from(["pack", "manual_purchase", "allowance"]),
        "expires_at": st.sampled_from([NOON + timedelta(days=9), MONTH_END, LATER]),
    }
)


@settings(max_examples=25)
@given(
    brought=st.lists(BROUGHT, min_size=1, max_size=5),
    used=st.lists(st.integers(1, micro(60)), max_size=4),
    back=st.lists(st.tuples(st.integers(0, 4), st.integers(1, 5_000)), max_size=3),
    days=st.integers(0, 400),
)
def test_whatever_comes_after_an_import_the_books_hold(session_engine, brought, used, back, days):
    with undone(session_engine) as ledger:
        wallet = a_customer(ledger)
        rows = tuple(a_row(wallet, key=f"k{n}", **one) for n, one in enumerate(brought))
        cost = sum(row.cost_minor for row in rows)
        assert bring(ledger, *rows).ties()
        assert bring(ledger, *rows).new == ()
        for amount in used:
            use(ledger, wallet, f"{amount // 10**6}.{amount % 10**6:06d}", at=NOON)
        gone = 0
        for n, (which, amount) in enumerate(back):
            answer = refund(ledger, wallet, charge_of(wallet, f"k{which}"), amount, key=f"r{n}")
            gone += amount if answer.status == "refunded" else 0
        at = NOON + timedelta(days=days)
        grants.expire_due(ledger, wallet.account_id, at)

        found = balances.books(ledger, wallet.account_id)
        assert found.get("opening", 0) == cost - gone
        assert sum(found.values()) == 0
        assert "cash" not in found
        owed = sum(one.deferred_minor for one in liability(ledger, at, wallet.account_id))
        assert owed == -found.get("deferred_revenue", 0)
        assert bring(ledger, *(replace(row, line=9) for row in rows), at=at).ties()
        assert balances.violations(ledger) == []


def test_credits_of_a_later_month_serve_from_its_begin(ledger):
    wallet = a_customer(ledger)
    later = a_row(
        wallet, source="allowance", begins_at=MONTH_END, expires_at=MONTH_END + timedelta(days=28)
    )

    with pytest.raises(InvalidImport) as found:
        bring(ledger, replace(later, expires_at=MONTH_END))
    assert [one.reason for one in found.value.faults] == ["invalid_time"]
    imported = bring(ledger, later)

    assert imported.ties()
    served = [
        balances.available(ledger, wallet.account_id, "credits", at) for at in (NOON, MONTH_END)
    ]
    assert served == [0, micro(1_000)]
    assert balances.violations(ledger) == []
