"""A customer who is trusted: its year begins when the invoice is sent."""

import pytest

from tests.fleet import RunningFleet
from tests.stories.invoiced import a_house, pays, told
from tests.stories.telling import Told
from tests.workflows.test_rebuilding import lose, rebuild

pytestmark = pytest.mark.long


async def test_a_year_that_begins_when_its_invoice_is_sent_is_paid_weeks_later(
    fleet: RunningFleet,
) -> None:
    house, invoice = await a_house(fleet)
    sent = await house.finds_mail("$4,800.00, due January 31, 2027")
    assert "can be used already" in sent["text"].replace("\n", " ")
    await house.uses("call", 100)

    await house.lives_until("2027-02-01")
    await house.is_now("past_due")
    await house.uses("call", 100)
    await house.lives_until("2027-02-03")
    await house.has("5900")  # of February
    await pays(house, invoice, 480000)

    await house.is_now("active")
    await house.has("5900")
    house.has_paid("4800.00")
    assert told(house) == ["sent", "reminder", "overdue"]
    assert house.customer.mails().count("receipt") == 1
    await house.lives_until("2027-12-31")
    house.ends_well()


async def test_a_year_that_nobody_pays_is_paused_and_its_credits_are_taken_back(
    fleet: RunningFleet,
) -> None:
    house, invoice = await a_house(fleet)
    await house.uses("call", 100)
    await house.lives_until("2027-02-15")

    await house.is_now("paused")
    await house.uses("call", 1, refused="paused:payment_failed")
    gone = await house.finds_mail("was not paid")
    assert "taken back" in gone["text"].replace("\n", " ")
    house.has_paid()

    await pays(house, invoice, 480000)
    await house.is_now("active")
    await house.has("6000")
    house.has_paid("4800.00")
    house.ends_well()


async def test_who_leaves_before_paying_owes_what_was_used(fleet: RunningFleet) -> None:
    house, _ = await a_house(fleet)
    await house.uses("call", 100)

    await house.customer.cancel("now")

    await house.is_now("ended")
    assert house.customer.open_invoices() == []
    house.has_paid()
    house.ends_well()


async def test_a_lost_workflow_knows_that_a_year_began_before_its_money(
    fleet: RunningFleet,
) -> None:
    house, invoice = await a_house(fleet)
    await house.lives_until("2027-01-26")

    again = Told(await rebuild(house.customer, await lose(house.customer)))
    await again.lives_until("2027-02-01")
    await again.is_now("past_due")
    await pays(again, invoice, 480000)

    await again.is_now("active")
    await again.has("6000")
    assert told(again) == ["sent", "reminder", "overdue"]
    again.has_paid("4800.00")
    again.ends_well()
