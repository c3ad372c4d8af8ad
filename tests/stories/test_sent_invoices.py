"""Salestools' largest plan is paid by wire transfer: an invoice is sent, and then waited for."""

import pytest

from tests.fleet import RunningFleet
from tests.stories.invoiced import YEAR, YEAR_MINOR, a_paying_enterprise, an_enterprise, pays, told
from tests.stories.telling import Told, subscribed
from tests.workflows.test_rebuilding import lose, rebuild

pytestmark = pytest.mark.long

CARD = "pm_card_visa"


async def test_a_years_invoice_is_mailed_with_its_day_and_granted_when_its_transfer_came(
    fleet: RunningFleet,
) -> None:
    firm, invoice = await an_enterprise(fleet)
    await firm.has("0")
    sent = await firm.finds_mail("$6,469.20, due January 31, 2027")
    assert "/pdf" in sent["text"]
    assert f"/invoice/{invoice}" in sent["text"]
    firm.has_paid()

    await firm.lives_until("2027-01-25")
    await firm.finds_mail("is due January 31, 2027")
    await pays(firm, invoice)
    await firm.hears_of(invoice, times=2)  # the processor repeats itself

    await firm.is_now("active")
    await firm.has("20000")
    firm.has_paid(YEAR)
    await firm.sees_on_its_way()
    assert [one for one in firm.customer.mails() if one != "invoice_due"] == ["receipt", "welcome"]
    await firm.lives_until("2027-02-20")
    assert told(firm) == ["sent", "reminder"]
    firm.ends_well()


async def test_a_transfer_of_which_no_event_came_is_found_within_a_day(fleet: RunningFleet) -> None:
    firm, invoice = await an_enterprise(fleet)
    await firm.lives_until("2027-01-04T12:00")

    firm.customer.transfers(invoice, YEAR_MINOR)
    await firm.lives_until("2027-01-05T12:00")

    await firm.is_now("active")
    firm.has_paid(YEAR)
    firm.ends_well()


async def test_who_paid_in_time_is_not_told_to_be_late_though_no_event_came(
    fleet: RunningFleet,
) -> None:
    firm, invoice = await an_enterprise(fleet)
    await firm.lives_until("2027-01-31T23:00")

    firm.customer.transfers(invoice, YEAR_MINOR)
    await firm.lives_until("2027-02-01")

    await firm.is_now("active")
    assert told(firm) == ["sent", "reminder"]
    firm.ends_well()


async def test_an_invoice_is_overdue_when_its_day_is_over_where_its_customer_is(
    fleet: RunningFleet,
) -> None:
    firm = await subscribed(
        fleet, "salestools", "enterprise_yearly", card=None, time_zone="America/Los_Angeles"
    )
    await firm.finds_mail("$6,469.20, due January 30, 2027")  # sent in the afternoon of the 31st

    await firm.lives_until("2027-01-31T07:30")  # still the 30th there
    assert told(firm) == ["sent", "reminder"]
    await firm.lives_until("2027-01-31T08:00")
    await firm.is_now("pending")
    assert told(firm) == ["sent", "reminder", "overdue"]
    firm.ends_well()


async def test_parts_of_an_invoice_are_told_and_grant_nothing_before_the_rest(
    fleet: RunningFleet,
) -> None:
    firm, invoice = await an_enterprise(fleet)

    await pays(firm, invoice, 400000)
    await firm.is_now("pending")
    await firm.has("0")
    await firm.lives_until("2027-01-25")
    reminder = await firm.finds_mail("is due January 31, 2027 ($2,469.20)")
    assert "$4,000.00" in reminder["text"]

    await pays(firm, invoice, 246920)
    await firm.is_now("active")
    firm.has_paid(YEAR)
    firm.ends_well()


async def test_what_was_paid_too_much_is_granted_once_and_told_to_operators(
    fleet: RunningFleet,
) -> None:
    firm, invoice = await an_enterprise(fleet)

    await pays(firm, invoice, YEAR_MINOR + 5000)

    found = await firm.is_now("active")
    await firm.has("20000")
    assert found["findings"] == 1
    assert firm.customer.balance_at_processor() == -5000


async def test_an_unpaid_renewal_is_past_due_then_paused_and_packs_serve_meanwhile(
    fleet: RunningFleet,
) -> None:
    """The plan ends with its grace: `after_dunning: end`; its transfer comes on the last day."""
    firm = await a_paying_enterprise(fleet)
    await pays(firm, await firm.orders_pack("pack_5000", "175.00", key="more"), 17500)
    await firm.lives_until("2028-01-01")
    await firm.is_now("active")
    renewal = firm.customer.invoice_of("processing")
    await firm.has("5000")
    await firm.uses("ai_email", 1)

    await firm.lives_until("2028-01-31T23:00")
    await firm.is_now("active")
    await firm.lives_until("2028-02-01")
    await firm.is_now("past_due")
    await firm.finds_mail("is overdue ($6,469.20)")
    await firm.uses("ai_email", 1)
    await firm.lives_until("2028-02-14")
    await pays(firm, renewal)

    await firm.is_now("active")
    await firm.has("24998")
    assert told(firm)[2:] == ["sent", "reminder", "overdue"]
    firm.has_paid(YEAR, "175.00", YEAR)
    firm.ends_well()


async def test_a_renewal_that_nobody_pays_ends_the_plan_after_its_grace(
    fleet: RunningFleet,
) -> None:
    firm = await a_paying_enterprise(fleet)
    await firm.lives_until("2028-01-01")
    renewal = firm.customer.invoice_of("processing")

    await firm.lives_until("2028-02-15")

    await firm.is_now("ended")
    assert firm.customer.open_invoices() == []  # nobody can pay what buys nothing any more
    assert told(firm)[1:] == ["sent", "reminder", "overdue", "void"]
    assert firm.customer.rows(
        f"SELECT state FROM charges WHERE account_id = %s AND invoice = '{renewal}'"
    ) == [("void",)]
    firm.has_paid(YEAR)
    firm.ends_well()


async def test_no_card_pays_an_invoice_and_a_sign_of_one_changes_nothing(
    fleet: RunningFleet,
) -> None:
    firm, invoice = await an_enterprise(fleet)
    await firm.ask("use_payment_method", payment_method=firm.customer.new_card())
    await firm.ask("retry_payment", key="again")
    await firm.lives_until("2027-02-15")  # its grace is over; nothing had begun

    await firm.is_now("pending")
    await firm.ask("retry_payment", key="once more")
    firm.has_paid()
    assert firm.customer.open_invoices() == [invoice]
    assert told(firm) == ["sent", "reminder", "overdue", "unpaid"]

    await pays(firm, invoice)
    await firm.is_now("active")
    firm.has_paid(YEAR)
    firm.ends_well()


async def test_the_invoice_of_a_period_that_is_over_is_void_and_the_next_has_its_own(
    fleet: RunningFleet,
) -> None:
    firm = await subscribed(fleet, "anything", "sent", card=None)
    first = firm.customer.invoice_of("processing")

    await firm.lives_until("2027-02-01")
    await firm.lives_until("2027-02-02")

    assert first not in firm.customer.open_invoices()
    gone = await firm.finds_mail("is void: please do not pay it")
    assert "first period of your plan is void" in " ".join(gone["text"].split())
    await firm.is_now("pending")
    firm.has_paid()
    firm.ends_well()


async def test_a_lost_workflow_goes_on_waiting_and_mails_nothing_twice(fleet: RunningFleet) -> None:
    firm = await a_paying_enterprise(fleet)
    await firm.lives_until("2028-01-26")
    renewal = firm.customer.invoice_of("processing")

    again = Told(await rebuild(firm.customer, await lose(firm.customer)))
    await again.lives_until("2028-02-01")

    await again.is_now("past_due")
    assert told(again)[1:] == ["sent", "reminder", "overdue"]
    await pays(again, renewal)
    await again.is_now("active")
    again.has_paid(YEAR, YEAR)
    again.ends_well()


async def test_an_upgrade_by_invoice_is_in_force_once_its_transfer_came(
    fleet: RunningFleet,
) -> None:
    firm = await subscribed(fleet, "salestools", "business_yearly")
    answer = await firm.ask("change_plan", plan="enterprise_yearly", key="up")
    assert (answer["status"], firm.written(answer["amount_minor"])) == ("processing", "4320.00")
    assert "/invoice/" in answer["pay_at"]
    assert (await firm.ask("change_plan", plan="enterprise_yearly", key="up")) == answer
    await firm.has("5000")

    await firm.lives_until("2027-01-20")
    await pays(firm, firm.customer.invoice_of("processing"), 432000)

    assert (await firm.is_now("active"))["plan"] == "enterprise_yearly"
    await firm.has("20000")
    firm.has_paid("2149.20", "4320.00")
    firm.ends_well()


async def test_an_upgrade_whose_invoice_nobody_pays_is_void_after_its_grace(
    fleet: RunningFleet,
) -> None:
    firm = await subscribed(fleet, "salestools", "business_yearly")
    await firm.ask("change_plan", plan="enterprise_yearly", key="up")

    await firm.lives_until("2027-02-15")

    found = await firm.is_now("active")
    assert (found["plan"], found["open_charges"]) == ("business_yearly", [])
    assert firm.customer.open_invoices() == []
    gone = await firm.finds_mail("was not paid")
    assert "do not pay it any more" in gone["text"]
    firm.has_paid("2149.20")
    firm.ends_well()


async def test_an_upgrade_by_invoice_can_be_taken_back(fleet: RunningFleet) -> None:
    firm = await subscribed(fleet, "salestools", "business_yearly")
    await firm.ask("change_plan", plan="enterprise_yearly", key="up")

    await firm.ask("change_plan", plan="business_yearly", key="down")

    found = await firm.is_now("active")
    assert (found["plan"], found["open_charges"]) == ("business_yearly", [])
    assert firm.customer.open_invoices() == []
    gone = await firm.finds_mail("is void: please do not pay it")
    assert "change of plan is void" in " ".join(gone["text"].split())
    firm.ends_well()


async def test_who_ends_the_plan_owes_no_invoice_of_the_next_year(fleet: RunningFleet) -> None:
    firm = await a_paying_enterprise(fleet)
    await firm.lives_until("2028-01-10")

    await firm.customer.cancel("period_end")

    await firm.is_now("ended")
    assert firm.customer.open_invoices() == []
    await firm.finds_mail("is void: please do not pay it")
    firm.has_paid(YEAR)
    firm.ends_well()


async def test_who_has_paid_a_part_is_told_that_it_is_looked_into(fleet: RunningFleet) -> None:
    firm, invoice = await an_enterprise(fleet)
    await pays(firm, invoice, 400000)

    await firm.customer.cancel("now")

    gone = await firm.finds_mail("is void: please do not pay it")
    assert "$4,000.00 of it has arrived" in " ".join(gone["text"].split())
    assert told(firm) == ["sent", "void"]


async def test_a_part_that_comes_after_the_days_of_grace_is_known_when_the_invoice_is_void(
    fleet: RunningFleet,
) -> None:
    firm, invoice = await an_enterprise(fleet)
    await firm.lives_until("2027-02-16")  # nothing had begun: nothing ends
    await pays(firm, invoice, 400000)
    await firm.is_now("pending")

    await firm.customer.cancel("now")

    gone = await firm.finds_mail("is void: please do not pay it")
    assert "$4,000.00 of it has arrived" in " ".join(gone["text"].split())
    assert told(firm) == ["sent", "reminder", "overdue", "unpaid", "void"]


async def test_nobody_is_reminded_or_given_up_while_an_operator_pauses(
    fleet: RunningFleet,
) -> None:
    """An invoice that support looks into: its plan must not end meanwhile."""
    firm = await a_paying_enterprise(fleet)
    await firm.lives_until("2028-01-10")
    await firm.ask("pause", reason="the invoice is questioned", by="ops")
    await firm.lives_until("2028-03-01")

    await firm.is_now("paused")
    assert told(firm)[1:] == ["sent"]
    assert len(firm.customer.open_invoices()) == 1
    firm.ends_well()


async def test_an_invoice_goes_on_waiting_while_an_operator_pauses(fleet: RunningFleet) -> None:
    firm = await a_paying_enterprise(fleet)
    await firm.lives_until("2028-01-10")
    renewal = firm.customer.invoice_of("processing")
    await firm.ask("pause", reason="a question", by="ops")

    await pays(firm, renewal)

    await firm.is_now("paused")
    await firm.ask("resume", reason="answered", by="ops")
    await firm.is_now("active")
    firm.has_paid(YEAR, YEAR)
    firm.ends_well()
