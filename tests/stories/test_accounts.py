"""Bank accounts: one in euros pays in euros, and one that was typed in pays once it is verified."""

import pytest

from gateways.stripe import StripePayments
from ledger.payments import processor_ids
from tests.fleet import RunningFleet
from tests.payer import card_in
from tests.stories.telling import Told, subscribed
from tests.workflows.test_every_event import deliver

pytestmark = pytest.mark.long

IN_DOLLARS, TYPED_IN = "pm_usBankAccount_success", "pm_usBankAccount_unverified"
IN_EUROS = "pm_sepaDebit_success"


async def a_team_in_germany(fleet: RunningFleet) -> Told:
    return await subscribed(
        fleet, "schematic", "launch_taxed", currency="EUR", card=card_in(fleet, "DE")
    )


def saves(team: Told, account: str) -> str:
    """Save an account on the processor's page; return the setup intent by which it was."""
    fleet, payer = team.customer.fleet, team.customer.processor()["payer"]
    with fleet.engine.connect() as connection:
        saving = processor_ids.saving_page(connection, payer)
    assert (saving.currency, saving.takes_debits) == (team.currency, True)
    with StripePayments(fleet.standin.api_key, base_url=fleet.standin.base_url) as payments:
        page = payments.card_link(
            payer, return_url="https://acme.example", key=f"{payer}:{account}", page=saving
        )
    address = {"country": "DE"} if saving.asks_address else {}
    team.customer.save_there(page, account, **address)
    session = team.customer.ask_processor(f"checkout/sessions/{page.rsplit('/', 1)[1]}")
    return str(session["setup_intent"])


async def test_a_renewal_in_euros_is_debited_with_its_tax_and_paid_days_later(
    fleet: RunningFleet,
) -> None:
    team = await a_team_in_germany(fleet)
    team.has_paid("45.22")  # 38.00 and 19 %
    setup = saves(team, IN_EUROS)
    assert await deliver(fleet, "setup_intent.succeeded", setup) == "signaled"
    assert (await team.is_now("active"))["card"] == "Bank account ···3201"

    await team.lives_until("2027-02-02T10:00")
    await team.sees_on_its_way("45.22")
    renewal = team.customer.invoice_of("processing")
    await team.lives_until("2027-02-06T10:00")
    team.customer.settle_later(renewal)
    await team.hears_of(renewal, times=2)

    await team.sees_on_its_way()
    team.has_paid("45.22", "45.22")
    assert team.customer.books()["tax"] == -2 * 722
    await team.is_now("active")
    team.ends_well()


async def test_an_account_in_dollars_pays_nothing_in_euros(fleet: RunningFleet) -> None:
    team = await a_team_in_germany(fleet)
    card = (await team.is_now("active"))["card"]

    answer = await team.customer.life.ask("use_payment_method", {"payment_method": IN_DOLLARS})

    assert (answer["status"], answer["reason"]) == ("refused", "payment_method_not_accepted")
    assert (await team.is_now("active"))["card"] == card
    await team.lives_until("2027-02-02T10:00")
    team.has_paid("45.22", "45.22")
    team.ends_well()


async def test_a_default_in_dollars_that_somebody_set_there_is_not_charged_in_euros(
    fleet: RunningFleet,
) -> None:
    team = await a_team_in_germany(fleet)
    payer = team.customer.processor()["payer"]
    made = team.customer.ask_processor(f"payment_methods/{IN_DOLLARS}/attach", {"customer": payer})
    default = {"invoice_settings[default_payment_method]": made["id"]}
    team.customer.ask_processor(f"customers/{payer}", default)

    assert await deliver(fleet, "customer.updated", payer) == "signaled"

    await team.lives_until("2027-02-02T10:00")
    team.has_paid("45.22", "45.22")  # ours was made the default again
    team.ends_well()


async def test_an_account_that_was_typed_in_pays_once_its_holder_has_found_a_small_deposit(
    fleet: RunningFleet,
) -> None:
    team = await subscribed(fleet, "salestools", "starter")
    card = (await team.is_now("active"))["card"]
    setup = saves(team, TYPED_IN)
    assert team.customer.ask_processor(f"setup_intents/{setup}")["status"] == "requires_action"

    assert await deliver(fleet, "setup_intent.succeeded", setup) == "unknown_object"  # not yet
    assert (await team.is_now("active"))["card"] == card
    fleet.standin.post("/_verify", setup_intent=setup)
    assert await deliver(fleet, "setup_intent.succeeded", setup) == "signaled"

    assert (await team.is_now("active"))["card"] == "Bank account ···4321"
    await team.orders_pack("pack_500", "25.00", key="by debit")
    await team.sees_on_its_way("25.00")
    team.ends_well()


async def test_an_account_that_was_never_verified_is_never_charged(fleet: RunningFleet) -> None:
    team = await subscribed(fleet, "salestools", "starter")
    setup = saves(team, TYPED_IN)
    fleet.standin.post("/_verify", setup_intent=setup, late=True)

    assert await deliver(fleet, "setup_intent.succeeded", setup) == "unknown_object"

    await team.lives_until("2027-02-02T10:00")
    team.has_paid("29.00", "29.00")  # by card
    team.ends_well()
