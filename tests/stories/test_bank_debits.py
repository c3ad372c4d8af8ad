"""Salestools takes bank debits: what is bought on Friday is paid on Wednesday, or is not."""

import pytest

from domain.payments.kinds import SavingPage
from gateways.stripe import StripePayments
from ledger.payments import processor_ids
from tests.fleet import RunningFleet
from tests.stories.telling import Told, day, subscribed
from tests.workflows.test_every_event import deliver

pytestmark = pytest.mark.long

ACCOUNT = "pm_usBankAccount_success"


async def a_team_that_pays_by_debit(fleet: RunningFleet) -> Told:
    """The plan was paid by card; since then a bank account is to be charged."""
    team = await subscribed(fleet, "salestools", "starter")
    team.has_paid("29.00")
    answer = await team.ask("use_payment_method", payment_method=ACCOUNT)
    assert answer["card"] == "Bank account ···6789"
    await team.lives_until("2027-01-08T16:00")  # a Friday afternoon
    return team


async def test_a_pack_bought_on_friday_is_there_on_wednesday_and_once(fleet: RunningFleet) -> None:
    team = await a_team_that_pays_by_debit(fleet)

    invoice = await team.orders_pack("pack_500", "25.00", key="friday")
    await team.sees_on_its_way("25.00")
    await team.has("500")  # nothing of it can be used
    await team.finds_mail("$25.00 is on its way")
    await team.hears_of(invoice, times=2)  # the processor repeats that it goes on
    again = await team.orders_pack("pack_500", "25.00", key="friday")
    assert again == invoice
    await team.lives_until("2027-01-13T10:00")
    await team.has("500")

    team.customer.settle_later(invoice)
    await team.hears_of(invoice, times=3)

    await team.has("1000")
    await team.sees_on_its_way()
    team.has_paid("29.00", "25.00")
    assert [one for one in team.customer.mails() if one != "on_its_way"] == [
        "receipt",
        "welcome",
        "receipt",
    ]
    assert team.customer.mails().count("on_its_way") == 1
    team.ends_well()


async def test_a_pack_whose_debit_fails_is_one_mail_and_no_second_attempt(
    fleet: RunningFleet,
) -> None:
    team = await a_team_that_pays_by_debit(fleet)
    invoice = await team.orders_pack("pack_500", "25.00", key="friday")
    await team.lives_until("2027-01-13T10:00")

    team.customer.settle_later(invoice, "insufficient_funds")
    await team.hears_of(invoice, times=2)

    await team.is_now("active")
    await team.has("500")
    await team.sees_on_its_way()
    await team.finds_mail("charge your bank account ···6789 ($25.00)")
    attempts = team.customer.attempts()
    await team.lives_until("2027-01-28T10:00")
    team.has_paid("29.00")
    assert team.customer.attempts() == attempts
    assert team.customer.mails().count("payment_failed") == 1
    await team.orders_pack("pack_500", "25.00", key="second thoughts")  # asked for anew
    await team.sees_on_its_way("25.00")
    team.ends_well()


async def test_a_debit_decided_after_the_window_counts_for_the_window_that_runs(
    fleet: RunningFleet,
) -> None:
    """The renewal goes on its own way meanwhile, and a pack never expires."""
    team = await a_team_that_pays_by_debit(fleet)
    await team.lives_until("2027-01-29T16:00")
    pack = await team.orders_pack("pack_500", "25.00", key="late")
    await team.ask("use_payment_method", payment_method=team.customer.new_card())

    await team.lives_until("2027-02-03T10:00")  # the new window began on the first
    await team.has("500")
    team.customer.settle_later(pack)
    await team.hears_of(pack)

    await team.has("1000")
    team.has_paid("29.00", "25.00", "29.00")  # in the order of their invoices
    team.ends_well()


async def test_a_renewal_by_debit_leaves_what_was_bought_until_its_money_has_come(
    fleet: RunningFleet,
) -> None:
    """The allowance of January is over, that of February is not paid: packs serve meanwhile."""
    team = await subscribed(fleet, "salestools", "starter")
    await team.buys_pack("pack_500", "25.00")
    await team.ask("use_payment_method", payment_method=ACCOUNT)
    await team.uses_often("ai_email", 50, 2)
    await team.has("900")

    await team.lives_until("2027-02-01")
    await team.is_now("active")
    await team.sees_on_its_way("29.00")
    renewal = team.customer.invoice_of("processing")
    await team.has("500")
    await team.uses_often("ai_email", 45, 11)
    await team.uses("ai_email", 6, refused="payment_processing")
    await team.lives_until("2027-02-05T10:00")
    await team.uses("ai_email", 1)

    team.customer.settle_later(renewal)
    await team.hears_of(renewal, times=2)
    await team.has("504")  # 500 of February, 4 left of the pack
    await team.sees_on_its_way()
    team.has_paid("29.00", "25.00", "29.00")
    assert (await team.is_now("active"))["period_end"] == day("2027-03-01").isoformat()
    team.ends_well()


async def test_a_renewal_whose_debit_fails_is_dunned_and_packs_serve_until_that_ends(
    fleet: RunningFleet,
) -> None:
    team = await subscribed(fleet, "salestools", "starter")
    await team.buys_pack("pack_500", "25.00")
    await team.ask("use_payment_method", payment_method=ACCOUNT)
    await team.lives_until("2027-02-05T10:00")
    renewal = team.customer.invoice_of("processing")

    team.customer.settle_later(renewal, "account_closed")  # no debit will ever reach it
    await team.hears_of(renewal, times=2)

    await team.is_now("paused")
    await team.uses("ai_email", 50)
    attempts = team.customer.attempts()
    await team.lives_until("2027-02-07T10:00")
    assert team.customer.attempts() == attempts
    await team.ask("use_payment_method", payment_method=team.customer.new_card())
    await team.is_now("active")
    await team.has("950")
    team.has_paid("29.00", "25.00", "29.00")
    team.ends_well()


async def test_the_mandate_is_given_on_the_processors_page(fleet: RunningFleet) -> None:
    """The account becomes the one to charge, though the processor keeps the card as its default."""
    team = await subscribed(fleet, "salestools", "starter")
    payer = team.customer.processor()["payer"]
    with fleet.engine.connect() as connection:
        saving = processor_ids.saving_page(connection, payer)
    assert saving == SavingPage("USD", takes_debits=True)
    with StripePayments(fleet.standin.api_key, base_url=fleet.standin.base_url) as payments:
        page = payments.card_link(
            payer, return_url="https://acme.example", key="mandate", page=saving
        )
        team.customer.save_there(page, ACCOUNT)
        (account, _) = payments.payment_methods(payer)
    setup = team.customer.ask_processor(f"checkout/sessions/{page.rsplit('/', 1)[1]}")

    assert await deliver(fleet, "setup_intent.succeeded", setup["setup_intent"]) == "signaled"

    assert (await team.is_now("active"))["card"] == "Bank account ···6789"
    assert (account.kind, account.card) == ("bank_debit", "Bank account ···6789")
    await team.orders_pack("pack_500", "25.00", key="by debit")
    team.ends_well()
