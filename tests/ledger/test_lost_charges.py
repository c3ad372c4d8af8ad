"""A charge the ledger lost is restored once, and only if nothing else took its place."""

from dataclasses import replace

import pytest
from psycopg import errors
from sqlalchemy.exc import DatabaseError

from domain.payments.charges import ChargeKind
from ledger import balances, grants
from ledger.payments import charges, lost_charges
from ledger.payments.lost_charges import LostCharge
from tests.builders import (
    MONTH_END,
    NOON,
    SubscribedWallet,
    a_grant,
    a_subscribed_wallet,
    auto_purchase_on,
    micro,
    reserve_auto,
    use,
)
from tests.ledger.test_concurrency import at_once

MANUAL = LostCharge(
    charge_id="lost:manual:1",
    kind=ChargeKind.MANUAL,
    currency="USD",
    amount_minor=90,
    surcharge_minor=0,
    quantity_micro=micro(1_000),
    pack=None,
    invoice="in_lost",
    booked=True,
)
AUTO = replace(
    MANUAL,
    charge_id="lost:auto:1",
    kind=ChargeKind.AUTO,
    amount_minor=1170,
    surcharge_minor=270,
    quantity_micro=micro(10_000),
)


def taken_up(connection, wallet: SubscribedWallet, lost: LostCharge = MANUAL) -> str:
    """Take a charge up and grant what it bought, as the one transaction does."""
    names = (wallet.account_id, wallet.subscription_id)
    status = lost_charges.take_up(connection, *names, lost, NOON)
    if status == "paid":
        order = a_grant(
            key=f"{lost.charge_id}:grant",
            source=lost.kind.value,
            quantity_micro=lost.quantity_micro,
            effective_at=NOON,
            expires_at=MONTH_END,
            cost_minor=lost.amount_minor,
            charge_id=lost.charge_id,
            part=0,
        )
        grants.give(connection, wallet.account_id, order, NOON)
    return status


def violations(connection):
    return list(connection.exec_driver_sql("SELECT * FROM violations"))


def test_its_money_is_booked_with_it_and_a_repeat_is_known(ledger):
    wallet = a_subscribed_wallet(ledger)

    assert [taken_up(ledger, wallet) for _ in range(2)] == ["paid", "repeated"]

    record = charges.charge(ledger, wallet.account_id, MANUAL.charge_id)
    assert (record.state, record.amount_minor, record.quantity_micro) == ("paid", 90, micro(1_000))
    assert record.window_end == MONTH_END
    assert balances.books(ledger, wallet.account_id)["cash"] == 990
    assert violations(ledger) == []


def test_a_pause_does_not_keep_money_out(ledger):
    wallet = a_subscribed_wallet(ledger)
    ledger.exec_driver_sql(
        "SELECT set_paused(%s, 'payment_failed', true, %s)", (wallet.account_id, NOON)
    )
    assert taken_up(ledger, wallet) == "paid"


def test_an_open_one_is_paid_later_like_any_other(ledger):
    wallet = a_subscribed_wallet(ledger)

    assert taken_up(ledger, wallet, replace(MANUAL, booked=False)) == "opened"

    assert balances.books(ledger, wallet.account_id)["cash"] == 900
    paid = (wallet.account_id, MANUAL.charge_id, MANUAL.invoice, 90, NOON)
    assert [charges.mark_paid(ledger, *paid) for _ in range(2)] == [True, False]


def test_an_invoice_pays_for_one_charge(ledger):
    wallet = a_subscribed_wallet(ledger)
    taken_up(ledger, wallet)

    other = replace(MANUAL, charge_id="lost:manual:2")

    assert taken_up(ledger, wallet, other) == "invoice_taken"
    assert charges.known(ledger, wallet.account_id, other.charge_id) is None


def test_an_auto_purchase_counts_against_the_cap_and_never_goes_beyond_it(ledger):
    wallet = a_subscribed_wallet(ledger, **auto_purchase_on(cap=10_000))

    assert taken_up(ledger, wallet, AUTO) == "paid"

    other = replace(AUTO, charge_id="lost:auto:2", invoice="in_other")
    assert taken_up(ledger, wallet, other) == "cap_reached"
    use(ledger, wallet, 20_000)
    assert reserve_auto(ledger, wallet, "auto-3").status == "cap_reached"
    assert violations(ledger) == []


def test_one_that_would_wait_lets_the_purchase_under_way_go_first(ledger):
    wallet = a_subscribed_wallet(ledger, 3, **auto_purchase_on(cap=40_000))
    use(ledger, wallet, 3)
    assert reserve_auto(ledger, wallet, "auto-9").status == "reserved"

    assert taken_up(ledger, wallet, replace(AUTO, booked=False)) == "purchase_pending"
    assert taken_up(ledger, wallet, AUTO) == "paid"


@pytest.mark.parametrize("kind", [ChargeKind.PERIOD, ChargeKind.UPGRADE])
def test_only_purchases_are_taken_up(ledger, kind):
    wallet = a_subscribed_wallet(ledger)
    with pytest.raises(DatabaseError) as refused:
        taken_up(ledger, wallet, replace(MANUAL, kind=kind))
    assert isinstance(refused.value.orig, errors.DatabaseError)
    assert refused.value.orig.sqlstate == "DD003"


def test_of_ten_at_once_one_takes_it_up(engine):
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection)

    def take() -> str:
        with engine.begin() as connection:
            return taken_up(connection, wallet)

    answers = at_once([take] * 10)

    assert sorted(answers) == ["paid"] + ["repeated"] * 9
    with engine.connect() as connection:
        assert balances.books(connection, wallet.account_id)["cash"] == 990
