"""An upgrade that the bank wants confirmed: the plan changes when it is paid, or not at all."""

from datetime import timedelta

import pytest

from tests.fleet import BEGINS

pytestmark = pytest.mark.long
DAY = timedelta(days=1)
MONTH = timedelta(days=31)  # of the first period
WISH = {"plan": "core_40k", "key": "larger"}


async def unconfirmed(fleet, wish=WISH, *, plan="core_10k", catalog="make", at=None):
    """Return a customer with such an upgrade, and the answer to it."""
    acme = await fleet.subscribe(plan, catalog=catalog)
    if at is not None:
        await acme.pass_until(at)
    acme.fault("sca")
    answer = await acme.life.ask("change_plan", wish)
    assert [state for _, state, _ in acme.charges()] == ["paid", "open"]
    return acme, answer


async def confirmed(acme):
    """Let the customer confirm it on the processor's page."""
    invoice = acme.invoice_of("open")
    acme.confirm(invoice)
    await acme.life.signal("invoice_paid", {"invoice": invoice})
    return await acme.life.settle()


async def test_confirmed_the_plan_changes_for_the_price_that_was_asked_for(fleet):
    acme, answer = await unconfirmed(fleet)
    assert (answer["status"], answer["decline"]) == ("declined", "needs_customer")
    assert (answer["why"], "/invoice/" in answer["invoice_url"]) == ("confirmation", True)
    assert acme.mails()[-1] == "payment_failed"
    assert await acme.life.ask("change_plan", WISH) == answer  # nothing is tried by a repeat
    assert (await acme.life.status())["plan"] == "core_10k"
    await acme.pass_until(BEGINS + DAY * 0.9)
    status = await confirmed(acme)
    assert (status["plan"], status["available"]) == ("core_40k", "40000")
    assert acme.charges()[1:] == [("upgrade", "paid", 2000)]
    again = await acme.life.ask("change_plan", WISH)
    assert (again["status"], again["amount_minor"]) == ("changed", 2000)
    assert (acme.paid(), acme.mails()[-1]) == ([900, 2000], "plan_changed")
    acme.check()


async def test_unconfirmed_for_a_day_nothing_changes(fleet):
    acme, _ = await unconfirmed(fleet)
    begun = await acme.life.now()
    await acme.pass_until(begun + DAY - timedelta(minutes=1))
    assert acme.charges()[1:] == [("upgrade", "open", 2000)]
    status = await acme.pass_until(begun + DAY + timedelta(minutes=1))
    assert acme.charges()[1:] == [("upgrade", "void", 2000)]
    assert (status["plan"], status["available"], acme.open_invoices()) == ("core_10k", "10000", [])
    assert (await acme.change_plan("core_40k"))["status"] == "changed"
    acme.check()


async def test_a_period_that_ends_meanwhile_is_renewed_as_it_was(fleet):
    acme, _ = await unconfirmed(fleet, {"plan": "core_80k"}, at=BEGINS + MONTH - DAY / 2)
    status = await acme.pass_until(BEGINS + MONTH + timedelta(minutes=1))
    assert (status["plan"], status["available"]) == ("core_10k", "10000")
    assert (acme.paid(), acme.open_invoices()) == ([900, 900], [])
    assert [(kind, state) for kind, state, _ in acme.charges()[1:]] == [
        ("upgrade", "void"),
        ("period", "paid"),
    ]
    acme.check()


async def test_a_month_that_ends_within_a_paid_year_ends_no_wait(fleet):
    wish = {"plan": "professional_yearly"}
    begun = BEGINS + MONTH - DAY / 2
    acme, _ = await unconfirmed(fleet, wish, plan="starter_yearly", catalog="salestools", at=begun)
    asked = acme.charges()[1][2]
    await acme.pass_until(BEGINS + MONTH + DAY / 4)
    before = (await acme.life.status())["available"]
    status = await confirmed(acme)
    assert (status["plan"], acme.charges()[1]) == (
        "professional_yearly",
        ("upgrade", "paid", asked),
    )
    assert int(status["available"]) - int(before) == 1500
    acme.check()


@pytest.mark.parametrize(
    "ended_by", ["another card", "a pause", "a cancellation", "its taking back"]
)
async def test_what_ends_the_wait_changes_nothing(fleet, ended_by):
    acme, _ = await unconfirmed(fleet)
    match ended_by:
        case "another card":
            await acme.update_card()
        case "a pause":
            await acme.life.ask("pause", {"reason": "a check", "by": "ada"})
        case "a cancellation":
            await acme.cancel()
        case "its taking back":
            assert (await acme.change_plan("core_25k"))["reason"] == "change_under_way"
            stays = {"plan": "core_10k", "key": "stay"}
            answer = await acme.life.ask("change_plan", stays)
            assert (answer["status"], await acme.life.ask("change_plan", stays)) == (
                "unscheduled",
                answer,
            )
    status = await acme.life.settle()
    assert acme.charges()[1:] == [("upgrade", "void", 2000)]
    assert (status["plan"], acme.paid(), acme.open_invoices()) == ("core_10k", [900], [])
    acme.check()


async def test_declined_at_the_bank_it_can_still_be_confirmed_or_lapses(fleet):
    acme, _ = await unconfirmed(fleet)
    acme.fault("decline", code="insufficient_funds")
    invoice = acme.invoice_of("open")
    await acme.life.signal("invoice_paid", {"invoice": invoice})  # an event that lies
    assert (await acme.life.settle())["plan"] == "core_10k"
    assert acme.charges()[1:] == [("upgrade", "open", 2000)]
    assert (acme.paid(), acme.open_invoices()) == ([900], [invoice])
