"""Money by transfer or debit that comes late, or not as it was thought, and what ends meanwhile."""

import pytest

from tests.fleet import RunningFleet
from tests.stories.invoiced import (
    YEAR_MINOR,
    a_house,
    a_paying_enterprise,
    a_shop,
    an_enterprise,
    pays,
    told,
)
from tests.stories.telling import Told, subscribed

pytestmark = pytest.mark.long

ACCOUNT = "pm_usBankAccount_success"


async def test_a_transfer_on_the_last_day_is_found_before_the_period_ends(
    fleet: RunningFleet,
) -> None:
    firm = await subscribed(fleet, "salestools", "business_yearly")
    await firm.lives_until("2027-12-10")
    await firm.ask("change_plan", plan="enterprise_yearly", key="up")
    await firm.lives_until("2027-12-31T12:00")
    firm.customer.transfers(firm.customer.invoice_of("processing"), 26038)  # no event comes
    await firm.lives_until("2028-01-01T10:00")
    firm.has_paid("2149.20", "260.38")
    await firm.finds_mail("$6,469.20, due")  # the next year's invoice


async def test_an_upgrade_paid_after_its_period_adds_what_was_quoted(
    fleet: RunningFleet,
) -> None:
    firm = await subscribed(fleet, "salestools", "professional_yearly")
    await firm.ask("use_payment_method", payment_method=ACCOUNT)
    await firm.lives_until("2027-12-29")
    await firm.ask("change_plan", plan="business_yearly", key="up")
    upgrade = firm.customer.invoice_of("processing")
    await firm.ask("use_payment_method", payment_method=firm.customer.new_card())
    await firm.lives_until("2028-01-02")
    firm.customer.settle_later(upgrade)
    await firm.hears_of(upgrade)
    await firm.lives_until("2028-02-02")
    assert sum(firm.customer.paid()) == 106920 + 888 + 106920
    await firm.has("2000")


async def test_13_who_cancels_when_the_transfer_is_there_does_not_lose_it_unseen(
    fleet: RunningFleet,
) -> None:
    firm = await subscribed(fleet, "salestools", "enterprise_yearly", card=None)
    firm.customer.transfers(firm.customer.invoice_of("processing"), YEAR_MINOR)
    await firm.customer.cancel("now")
    await firm.is_now("ended")
    assert [kind for kind, _ in firm.customer.found()] == ["processor_state"]


async def test_so_with_an_upgrade(
    fleet: RunningFleet,
) -> None:
    firm = await subscribed(fleet, "salestools", "business_yearly")
    await firm.ask("change_plan", plan="enterprise_yearly", key="up")
    firm.customer.transfers(firm.customer.invoice_of("processing"), 432000)
    await firm.customer.cancel("now")
    await firm.is_now("ended")
    assert [kind for kind, _ in firm.customer.found()] == ["processor_state"]


async def test_nobody_is_back_who_has_ended(
    fleet: RunningFleet,
) -> None:
    house, invoice = await a_house(fleet)
    await house.lives_until("2027-02-15")
    house.customer.transfers(invoice, 480000)
    await house.customer.cancel("now")
    await house.is_now("ended")
    assert "resumed" not in house.customer.mails()


async def test_a_card_chosen_while_a_debit_was_on_its_way_is_tried(
    fleet: RunningFleet,
) -> None:
    team = await subscribed(fleet, "trusted_debits", "team")
    await team.ask("use_payment_method", payment_method=ACCOUNT)
    await team.lives_until("2027-02-01T10:00")
    debit = team.customer.invoice_of("processing")
    await team.ask("use_payment_method", payment_method=team.customer.new_card())
    team.customer.settle_later(debit, "account_closed")
    await team.hears_of(debit)
    await team.is_now("active")
    team.has_paid("80.00", "80.00")


async def test_a_resumed_customer_has_time_to_pay(
    fleet: RunningFleet,
) -> None:
    firm = await a_paying_enterprise(fleet)
    await firm.lives_until("2028-01-10")
    await firm.ask("pause", reason="the invoice is questioned", by="ops")
    await firm.lives_until("2028-03-01")
    answer = await firm.ask("resume", reason="answered", by="ops")
    assert (await firm.is_now("past_due"))["status"] == "past_due", answer


async def test_a_transfer_after_the_days_of_grace_is_found_without_its_event(
    fleet: RunningFleet,
) -> None:
    house, invoice = await a_house(fleet)
    await house.lives_until("2027-02-15")
    house.customer.transfers(invoice, 480000)
    await house.lives_until("2027-02-17")
    house.has_paid("4800.00")
    await house.is_now("active")


async def test_the_next_period_has_an_invoice_of_its_own(
    fleet: RunningFleet,
) -> None:
    shop, first = await a_shop(fleet)
    await shop.lives_until("2027-02-01T10:00")
    (second,) = shop.customer.open_invoices()
    assert second != first


async def test_a_canceled_period_ends_though_an_operator_pauses(
    fleet: RunningFleet,
) -> None:
    shop, _ = await a_shop(fleet)
    await shop.customer.cancel("period_end")
    await shop.ask("pause", reason="a question", by="ops")
    await shop.lives_until("2027-02-01T10:00")
    await shop.is_now("ended")


async def test_nobody_is_asked_to_pay_a_void_invoice(
    fleet: RunningFleet,
) -> None:
    firm = await a_paying_enterprise(fleet)
    await firm.lives_until("2028-01-05")
    renewal = firm.customer.invoice_of("processing")
    firm.customer.ask_processor(f"invoices/{renewal}/void", {})
    await firm.lives_until("2028-01-07")
    asked = firm.customer.rows(
        "SELECT payload #>> '{mail,notice}' FROM outbox WHERE account_id = %s"
        f" AND payload #>> '{{mail,page_url}}' LIKE '%%{renewal}' ORDER BY recorded_at"
    )
    assert (asked, len(firm.customer.open_invoices())) == ([("sent",)], 1)


async def test_an_upgrade_is_to_be_paid_within_its_period(fleet: RunningFleet) -> None:
    firm = await subscribed(fleet, "salestools", "business_yearly")
    await firm.lives_until("2027-12-10")
    shown = await firm.ask("change_plan", plan="enterprise_yearly", preview=True)
    assert shown["due_days"] == 21
    answer = await firm.ask("change_plan", plan="enterprise_yearly", key="up")
    assert answer["expected_by"] == "2027-12-31T23:00:00+00:00"
    await firm.finds_mail("due December 31, 2027")


async def a_debit_and_then_a_card(fleet: RunningFleet) -> tuple[Told, str]:
    """Have a renewal's debit on its way, and a card chosen since; return its invoice."""
    team = await subscribed(fleet, "salestools", "starter")
    await team.ask("use_payment_method", payment_method=ACCOUNT)
    await team.lives_until("2027-02-01T10:00")
    debit = team.customer.invoice_of("processing")
    await team.ask("use_payment_method", payment_method=team.customer.new_card())
    return team, debit


async def test_a_card_chosen_meanwhile_is_tried_only_after_an_operators_pause(
    fleet: RunningFleet,
) -> None:
    team, debit = await a_debit_and_then_a_card(fleet)
    await team.ask("pause", reason="a look", by="ops")
    team.customer.settle_later(debit, "account_closed")
    await team.hears_of(debit)
    await team.lives_until("2027-02-03")
    team.has_paid("29.00")

    await team.ask("resume", reason="fine", by="ops")
    await team.is_now("active")
    team.has_paid("29.00", "29.00")


async def test_a_card_chosen_meanwhile_is_not_charged_for_a_plan_that_ended(
    fleet: RunningFleet,
) -> None:
    team, debit = await a_debit_and_then_a_card(fleet)
    await team.customer.cancel("now")
    team.customer.settle_later(debit, "account_closed")
    await team.hears_of(debit)
    await team.is_now("ended")
    team.has_paid("29.00")


async def test_an_upgrade_that_nobody_pays_is_told_to_be_void_before_its_period_ends(
    fleet: RunningFleet,
) -> None:
    firm = await subscribed(fleet, "salestools", "business_yearly")
    await firm.lives_until("2027-12-10")
    await firm.ask("change_plan", plan="enterprise_yearly", key="up")
    await firm.lives_until("2028-01-01T10:00")
    gone = await firm.finds_mail("was not paid")
    assert "do not pay it any more" in gone["text"].replace("\n", " ")
    query = "SELECT payload #>> '{mail,notice}' FROM outbox WHERE account_id = %s"
    assert ("overdue",) not in firm.customer.rows(query)
    firm.has_paid("2149.20", "2149.20")


async def test_who_is_late_and_whose_invoice_is_void_at_the_processor_is_sent_another(
    fleet: RunningFleet,
) -> None:
    firm, first = await an_enterprise(fleet)
    await firm.lives_until("2027-02-16")  # nothing had begun: it can still be paid
    firm.customer.ask_processor(f"invoices/{first}/void", {})
    await firm.lives_until("2027-02-18")

    [second] = firm.customer.open_invoices()
    assert told(firm) == ["sent", "reminder", "overdue", "unpaid", "sent"]
    await pays(firm, second)
    await firm.is_now("active")
    firm.has_paid("6469.20")
    firm.ends_well()


async def test_so_is_who_had_the_credits_before_the_money(fleet: RunningFleet) -> None:
    house, first = await a_house(fleet)
    await house.uses("call", 100)
    await house.lives_until("2027-02-15")
    await house.is_now("paused")
    house.customer.ask_processor(f"invoices/{first}/void", {})
    await house.lives_until("2027-02-17")

    [second] = house.customer.open_invoices()
    await pays(house, second, 480000)
    await house.is_now("active")
    await house.has("6000")
    house.has_paid("4800.00")
    house.ends_well()
