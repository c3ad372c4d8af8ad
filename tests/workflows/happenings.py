"""What can happen to a subscription, as short acts that a random life strings together.

Each act takes the customer and a number that varies it, and returns the customer to go on with: a
rebuilt one after its workflow was lost. An act may be refused; it must never leave anything stuck.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any
from urllib.error import HTTPError

from tests.fleet import SECOND, Customer
from tests.workflows.test_rebuilding import lose, rebuild

DAY = timedelta(days=1)
Act = Callable[[Customer, int], Awaitable[Customer]]
ACTS: dict[str, Act] = {}


def act(happens: Act) -> Act:
    """Enter an act under its function's name."""
    ACTS[happens.__name__] = happens
    return happens


async def said(customer: Customer, update: str, message: dict[str, Any]) -> dict[str, Any]:
    """Send an update; an ended subscription does not answer."""
    if (await customer.life.settle())["status"] == "ended":
        return {"status": "ended"}
    answer = await customer.life.ask(update, message)
    await customer.life.settle()
    return answer


@act
async def some_usage(customer: Customer, n: int) -> Customer:
    """Usage by updates: whole fractions of a month's allowance."""
    event = await customer.event(str(1000 * n + 1))
    await said(customer, "consume", event)
    return customer


@act
async def a_burst(customer: Customer, n: int) -> Customer:
    """Fire-and-forget usage, in one signal."""
    if (await customer.life.settle())["status"] != "ended":
        await customer.report([str(700 * n + 1)] * 5)
    return customer


@act
async def a_purchase(customer: Customer, n: int) -> Customer:
    """Buy by hand."""
    key = f"hand-{len(customer.charges())}-{n}"
    await said(customer, "buy_credits", {"key": key, "credits": str(1000 * (n + 1))})
    return customer


@act
async def switched_on(customer: Customer, _: int) -> Customer:
    """Auto-purchase on."""
    await said(customer, "set_auto_purchase", {"on": True})
    return customer


@act
async def switched_off(customer: Customer, _: int) -> Customer:
    """Auto-purchase off."""
    await said(customer, "set_auto_purchase", {"on": False})
    return customer


@act
async def the_card_declines(customer: Customer, n: int) -> Customer:
    """The next charges are declined, softly or hard, or need the bank's confirmation."""
    if n % 5 == 0:
        customer.fault("sca")
    else:
        code = "insufficient_funds" if n % 2 else "stolen_card"
        customer.fault("decline", code=code, count=1 + n % 3)
    return customer


@act
async def the_answer_is_lost(customer: Customer, n: int) -> Customer:
    """A call of the processor is carried out or not, and answers nothing."""
    path = "/v1/invoices/*/pay" if n % 2 else "/v1/invoices/*/finalize"
    customer.fault("lost" if n % 3 else "drop", path=path)
    return customer


@act
async def a_new_card(customer: Customer, _: int) -> Customer:
    """Another card, which works."""
    if (await customer.life.settle())["status"] != "ended":
        await customer.update_card()
    return customer


@act
async def the_next_payment_takes_days(customer: Customer, _: int) -> Customer:
    """The next attempt is decided later: a bank debit, or a card whose holder must agree first."""
    customer.fault("later")
    return customer


@act
async def the_bank_answers(customer: Customer, n: int) -> Customer:
    """Money on its way comes or fails; the webhook reports it, or only the daily check."""
    for (invoice,) in customer.rows(ON_ITS_WAY):
        with suppress(HTTPError):  # decided before, and only not reported yet
            customer.settle_later(invoice, None if n % 3 else "account_closed")
        if n % 2 and (await customer.life.settle())["status"] != "ended":
            await customer.life.signal("invoice_paid", {"invoice": invoice})
            await customer.life.settle()
    return customer


@act
async def paid_without_us(customer: Customer, n: int) -> Customer:
    """An open invoice is paid on the processor's page or by transfer; the webhook reports it."""
    if (await customer.life.settle())["status"] == "ended":
        return customer
    on_its_way = {row[0] for row in customer.rows(ON_ITS_WAY)}
    for invoice in set(customer.open_invoices()) - on_its_way:
        try:
            customer.pay_elsewhere(invoice, outside=n % 2 == 0)
        except HTTPError:
            continue  # declined there too
        await customer.life.signal("invoice_paid", {"invoice": invoice})
    await customer.life.settle()
    return customer


@act
async def a_balance_at_the_processor(customer: Customer, n: int) -> Customer:
    """Somebody leaves a credit or a debt on the payer, or takes it away again."""
    customer.balance(-20_000 if n % 2 else 500)
    return customer


@act
async def the_balance_is_cleared(customer: Customer, _: int) -> Customer:
    """The operator puts the payer's balance back to nothing."""
    if balance := customer.balance_at_processor():
        customer.balance(-balance)
    return customer


@act
async def days_pass(customer: Customer, n: int) -> Customer:
    """From a day to almost a month."""
    await customer.pass_until(await customer.life.now() + (1 + 3 * n) * DAY)
    return customer


@act
async def an_outage(customer: Customer, n: int) -> Customer:
    """The workflow is lost, unnoticed for days or months; then it is rebuilt."""
    if (await customer.life.settle())["status"] in ("ended", "pending"):
        return customer
    lost = await lose(customer)
    return await rebuild(customer, lost + n * n * DAY + SECOND)


@act
async def the_operator_pauses(customer: Customer, _: int) -> Customer:
    """Pause."""
    await said(customer, "pause", {"reason": "a look at it", "by": "ann"})
    return customer


@act
async def the_operator_resumes(customer: Customer, _: int) -> Customer:
    """Resume."""
    await said(customer, "resume", {"reason": "all clear", "by": "ann"})
    return customer


@act
async def another_plan(customer: Customer, n: int) -> Customer:
    """Up or down."""
    plan = ("core_10k", "core_25k", "core_40k")[n % 3]
    await said(customer, "change_plan", {"plan": plan})
    return customer


@act
async def a_refund(customer: Customer, n: int) -> Customer:
    """An operator gives back what can be given back of one charge."""
    paid = [row[0] for row in customer.rows(PAID)]
    if paid:
        message = {"key": f"r{n}", "charge_id": paid[n % len(paid)], "amount_minor": "all"}
        await said(customer, "refund", message | {"reason": "kindness", "by": "ann"})
    return customer


@act
async def late_usage(customer: Customer, n: int) -> Customer:
    """Usage reported days or weeks after it happened."""
    event = await customer.event(str(300 * n + 1))
    event["event_at"] = (await customer.life.now() - 3 * n * DAY).isoformat()
    await said(customer, "consume", event)
    return customer


@act
async def a_correction(customer: Customer, n: int) -> Customer:
    """An operator takes a part of some event's quantity back."""
    used = [key for key, micro in customer.used().items() if micro > 0]
    if used:
        message = {"key": f"correction-{n}", "event": used[n % len(used)], "quantity": str(100 * n)}
        await said(customer, "correct", message | {"reason": "counted twice", "by": "ann"})
    return customer


@act
async def tried_again(customer: Customer, n: int) -> Customer:
    """Somebody asks to retry a declined charge with the same card."""
    await said(customer, "retry_payment", {"key": f"again-{n}"})
    return customer


ON_ITS_WAY = (
    "SELECT invoice FROM charges WHERE account_id = %s AND state = 'processing' ORDER BY charge_id"
)
PAID = "SELECT charge_id FROM charges WHERE account_id = %s AND state = 'paid' ORDER BY charge_id"
