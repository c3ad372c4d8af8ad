"""Enterprise buys packs by invoice: granted with their transfer, once, or not at all."""

import pytest

from tests.fleet import RunningFleet
from tests.stories.invoiced import a_paying_enterprise, pays, told
from tests.stories.telling import Told
from tests.workflows.test_rebuilding import lose, rebuild

pytestmark = pytest.mark.long

PACK, PRICE, PRICE_MINOR = "pack_5000", "175.00", 17_500
YEAR = "6469.20"


async def a_firm_that_ordered(fleet: RunningFleet) -> tuple[Told, str]:
    """An organisation that was sent the invoice of a pack on the first of January."""
    firm = await a_paying_enterprise(fleet)
    return firm, await firm.orders_pack(PACK, PRICE, key="order")


def at_processor(firm: Told, invoice: str) -> str:
    """Return what the processor says of an invoice."""
    return str(firm.customer.ask_processor(f"invoices/{invoice}")["status"])


async def test_a_pack_is_there_with_its_transfer_and_once(fleet: RunningFleet) -> None:
    firm, invoice = await a_firm_that_ordered(fleet)
    await firm.has("20000")
    await firm.sees_on_its_way(PRICE)
    mail = await firm.finds_mail("$175.00, due January 31, 2027")
    assert "the credits are added then" in mail["text"]
    answer = await firm.ask("buy_pack", key="order", pack=PACK, count=1)
    assert (answer["status"], answer["expected_by"][:10]) == ("processing", "2027-01-31")
    assert answer["pay_at"].endswith(invoice)

    await firm.lives_until("2027-01-12")
    await pays(firm, invoice, PRICE_MINOR)
    await firm.hears_of(invoice, times=2)

    await firm.has("25000")
    await firm.sees_on_its_way()
    firm.has_paid(YEAR, PRICE)
    repeated = await firm.ask("buy_pack", key="order", pack=PACK, count=1)
    assert (repeated["status"], repeated["credits"]) == ("paid", "5000")
    assert firm.customer.mails().count("receipt") == 2
    assert told(firm) == ["sent", "sent"]
    firm.ends_well()


async def test_one_that_nobody_pays_is_reminded_of_overdue_and_void(fleet: RunningFleet) -> None:
    firm, invoice = await a_firm_that_ordered(fleet)

    await firm.lives_until("2027-01-25")
    assert told(firm) == ["sent", "sent", "reminder"]
    await firm.lives_until("2027-02-01")
    await firm.is_now("active")  # the plan itself is paid
    assert told(firm)[-1] == "overdue"
    await firm.uses("ai_email", 1)
    await firm.lives_until("2027-02-15")

    await firm.sees_on_its_way()
    await firm.is_now("active")
    mail = await firm.finds_mail("was not paid ($175.00)")
    words = " ".join(mail["text"].split())
    assert "It is void: please do not pay it any more. No credits were added." in words
    assert told(firm)[2:] == ["reminder", "overdue", "unpaid"]
    assert firm.customer.open_invoices() == []
    assert at_processor(firm, invoice) == "void"
    firm.has_paid(YEAR)
    again = await firm.orders_pack(PACK, PRICE, key="second thoughts")
    assert again != invoice
    firm.ends_well()


async def test_parts_grant_nothing_before_the_rest(fleet: RunningFleet) -> None:
    firm, invoice = await a_firm_that_ordered(fleet)
    await pays(firm, invoice, 10_000)
    await firm.has("20000")
    await pays(firm, invoice, 7_500)
    await firm.has("25000")
    firm.has_paid(YEAR, PRICE)
    firm.ends_well()


async def test_a_transfer_of_which_no_event_came_is_found_within_a_day(fleet: RunningFleet) -> None:
    firm, invoice = await a_firm_that_ordered(fleet)
    firm.customer.transfers(invoice, PRICE_MINOR)
    await firm.lives_until("2027-01-02T12:00")
    await firm.has("25000")
    firm.ends_well()


async def test_another_plan_leaves_the_order_as_it_is(fleet: RunningFleet) -> None:
    firm, invoice = await a_firm_that_ordered(fleet)
    answer = await firm.ask("change_plan", plan="starter", key="smaller")
    assert answer["status"] == "scheduled"
    await pays(firm, invoice, PRICE_MINOR)
    await firm.has("25000")
    firm.ends_well()


async def test_who_ends_the_plan_is_told_not_to_pay(fleet: RunningFleet) -> None:
    firm, invoice = await a_firm_that_ordered(fleet)
    await firm.ask("cancel", when="period_end", key="enough")
    await firm.customer.life.settle()
    await firm.sees_on_its_way()
    assert at_processor(firm, invoice) == "void"
    await firm.finds_mail("is void: please do not pay it")
    await firm.has("20000")
    firm.ends_well()


async def test_an_operators_pause_chases_nobody_and_the_transfer_counts(
    fleet: RunningFleet,
) -> None:
    firm, invoice = await a_firm_that_ordered(fleet)
    await firm.ask("pause", reason="a check", by="ada")
    await firm.lives_until("2027-03-01")
    assert told(firm) == ["sent", "sent"]
    await firm.ask("resume", reason="checked", by="ada")
    await firm.lives_until("2027-03-02")
    await pays(firm, invoice, PRICE_MINOR)
    firm.has_paid(YEAR, PRICE)
    firm.ends_well()


async def test_a_lost_workflow_waits_for_the_same_transfer(fleet: RunningFleet) -> None:
    firm, invoice = await a_firm_that_ordered(fleet)
    again = await rebuild(firm.customer, await lose(firm.customer))
    firm = Told(again)
    await firm.sees_on_its_way(PRICE)
    await firm.lives_until("2027-01-31T12:00")
    assert told(firm) == ["sent", "sent", "reminder"]
    await pays(firm, invoice, PRICE_MINOR)
    await firm.has("25000")
    firm.ends_well()


async def test_one_that_is_void_at_the_processor_is_no_order_any_more(fleet: RunningFleet) -> None:
    firm, invoice = await a_firm_that_ordered(fleet)
    firm.customer.ask_processor(f"invoices/{invoice}/void", {})
    await firm.hears_of(invoice)
    await firm.sees_on_its_way()
    await firm.has("20000")
    assert [kind for kind, _ in firm.customer.found()] == ["processor_state"]


async def test_two_orders_are_two_invoices(fleet: RunningFleet) -> None:
    firm, first = await a_firm_that_ordered(fleet)
    answer = await firm.ask("buy_pack", key="another", pack=PACK, count=1)
    assert answer["status"] == "processing"
    await firm.sees_on_its_way(PRICE, PRICE)
    (second,) = set(firm.customer.open_invoices()) - {first}
    await pays(firm, second, PRICE_MINOR)
    await firm.has("25000")
    await firm.sees_on_its_way(PRICE)
    await pays(firm, first, PRICE_MINOR)
    await firm.has("30000")
    firm.ends_well()
