"""What the processor cannot charge at once is never reserved, and refused with that reason."""

import pytest

from domain.credits import MICRO, MOST
from domain.money import MOST_CHARGE_MINOR, charge_step_minor, maximum_charge_minor
from tests.builders import (
    a_subscribed_wallet,
    auto_purchase_on,
    micro,
    reserve_auto,
    set_policy,
    use,
)

UNIT = micro(1)
HALF_A_MILLION = 50_000_000  # minor units for one unit


def dear(connection, cap=1_000):
    """A wallet whose auto-purchase costs $500,000 a credit, with nothing left in it."""
    terms = auto_purchase_on(
        cap, auto_unit=UNIT, auto_price_num=HALF_A_MILLION, auto_price_den=MICRO
    ) | {"auto_surcharge_num": 0, "auto_surcharge_den": 1}
    return a_subscribed_wallet(connection, allowance=0, **terms)


def test_two_units_above_the_maximum_are_refused_and_one_is_bought(ledger):
    wallet = dear(ledger)

    refused = reserve_auto(ledger, wallet, "two", 2)
    bought = reserve_auto(ledger, wallet, "one", 1)

    assert (refused.status, refused.charge_id, refused.amount_minor) == ("above_maximum", None, 0)
    assert (bought.status, bought.amount_minor) == ("reserved", HALF_A_MILLION)


@pytest.mark.parametrize("units", [1, 2, 3, 900])
def test_what_is_reserved_can_be_charged(ledger, units):
    wallet = dear(ledger)
    reserved = reserve_auto(ledger, wallet, "some", units)
    assert (reserved.status == "reserved") == (units * HALF_A_MILLION <= MOST_CHARGE_MINOR)


def test_an_event_that_needs_more_than_the_maximum_waits_for_no_purchase(ledger):
    wallet = dear(ledger)
    assert use(ledger, wallet, 1).status == "purchase_needed"
    assert use(ledger, wallet, 2).status == "above_maximum"


@pytest.mark.parametrize("credits_needed", [3, 10**6, MOST])
def test_no_price_is_too_large_to_be_refused(ledger, credits_needed):
    wallet = dear(ledger, cap=MOST)
    assert use(ledger, wallet, credits_needed).status == "above_maximum"
    assert reserve_auto(ledger, wallet, "much", credits_needed).status == "above_maximum"


@pytest.mark.parametrize(
    "currency", ["USD", "JPY", "KWD", "BHD", "JOD", "OMR", "TND", "ISK", "UGX"]
)
def test_the_lock_knows_the_same_steps_as_the_rules(owner, currency):
    known = owner.exec_driver_sql("SELECT step_minor(%s)", (currency,)).scalar_one()
    assert known == charge_step_minor(currency)


@pytest.mark.parametrize("currency", ["KWD", "ISK"])
def test_no_price_in_steps_is_too_large_to_be_refused(ledger, currency):
    wallet = dear(ledger, cap=MOST)
    set_policy(ledger, wallet, currency=currency)
    assert use(ledger, wallet, MOST).status == "above_maximum"
    assert reserve_auto(ledger, wallet, "much", MOST).status == "above_maximum"


@pytest.mark.parametrize("currency", ["USD", "EUR", "INR", "JPY"])
def test_the_lock_knows_the_same_maximum_as_the_rules(owner, currency):
    known = owner.exec_driver_sql("SELECT most_minor(%s)", (currency,)).scalar_one()
    assert known == maximum_charge_minor(currency)
