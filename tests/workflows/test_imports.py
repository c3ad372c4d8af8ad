"""Imported balances of running subscriptions: known at once, and refunded without our processor."""

from datetime import timedelta

import pytest

from activities.purchases.imports import carry_out
from domain.credits import MICRO
from domain.payments.imports import Brought
from tests.fleet import RunningFleet
from tests.ledger.importing import LISTS
from tests.workflows.test_refunds import ask, sent_back

pytestmark = pytest.mark.long


async def bring(customer, **facts):
    """Import a pack of 1,000 for $0.90, which ends in 20 days, and tell the subscription."""
    now = await customer.life.now()
    row = Brought(
        line=2,
        customer_id=customer.name,
        quantity_micro=1_000 * MICRO,
        credit_type="credits",
        source="pack",
        cost_minor=90,
        currency="USD",
        expires_at=now + timedelta(days=20),
        key="old-1",
    )
    with customer.fleet.engine.begin() as connection:
        imported = carry_out(connection, LISTS, [row], now, by="ann")
    assert imported.ties()
    assert len(imported.subscriptions) == 1
    await customer.life.signal("balance_changed", {})


async def test_what_was_brought_along_is_known_used_and_refunded_without_our_processor(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k")
    await bring(customer)
    status = await customer.life.settle()
    assert status["available"] == "11000"

    await customer.report(["10000", "400"])
    charge = f"{customer.name}:import:old-1"
    preview = await ask(customer, charge, preview=True)
    above = await ask(customer, charge, 55)
    done = await ask(customer, charge)
    again = await ask(customer, charge)

    assert (preview["status"], preview["amount_minor"]) == ("preview", 54)
    assert (above["reason"], above["most_minor"]) == ("above_refundable", 54)
    assert (done["status"], done["credits"], done["available"]) == ("refunded", "600", "0")
    assert done["paid_elsewhere"] is True
    assert again == done
    assert (await customer.life.status())["available"] == "0"
    assert sent_back(customer) == 0
    assert customer.books()["opening"] == 36
    assert customer.mails().count("refunded") == 0
