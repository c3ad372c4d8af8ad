"""What can happen to a subscription beside `happenings`: by what is sold, and how it is paid."""

from contextlib import suppress
from datetime import timedelta
from typing import Any
from urllib.error import HTTPError

from activities.purchases.imports import carry_out
from catalogs.reader import read_catalog
from domain.credits import MICRO
from domain.errors import InvalidInput
from domain.payments.imports import Brought
from ledger import accounts
from tests.fleet import Customer
from tests.payer import card_in
from tests.price_lists import CATALOGS
from tests.workflows.happenings import ACTS, DAY, ON_ITS_WAY, Act, said

PLANS = {
    "anything": (
        *("small", "large", "anew", "yearly", "sent"),
        *("taxed", "taxed_anew", "taxed_inside", "taxed_sent"),
    ),
    "make_world": ("core_10k", "core_40k", "free"),
}
LISTS = {
    "anything": read_catalog(CATALOGS.parent / "tests" / "catalogs" / "anything.yaml"),
    "make_world": read_catalog(CATALOGS / "examples" / "make_world.yaml"),
}
COUPONS = ("GIFT", "HALF", "HALF", "FRIEND", "NONE")
PLACES = ("GB", "CH", "DE", "")
ZONES = ("Pacific/Apia", "Pacific/Pago_Pago", "Europe/Berlin", "UTC")
ACCOUNTS = {"EUR": "pm_sepaDebit_success"}
IN_DOLLARS = "pm_usBankAccount_success"
SOLD = (
    "SELECT plan ->> 'catalog', plan ->> 'plan_id', plan ->> 'currency' FROM subscriptions"
    " WHERE account_id = %s"
)
SALES: dict[str, Act] = {}


def sale(happens: Act) -> Act:
    """Enter an act under its function's name."""
    SALES[happens.__name__] = happens
    return happens


def sold(customer: Customer) -> tuple[str, str, str]:
    """Return list, plan and currency of a customer's subscription."""
    (row,) = customer.rows(SOLD)
    return row[0], row[1], row[2]


def other_plan(customer: Customer, n: int) -> str:
    """Return another plan of the list: 0 is the one after the present one."""
    name, plan, _ = sold(customer)
    plans = PLANS[name]
    return plans[(plans.index(plan) + 1 + n % (len(plans) - 1)) % len(plans)]


def new_key(customer: Customer, n: int) -> str:
    """Return a key that nothing has had before."""
    return f"sale-{len(customer.charges())}-{n}"


@sale
async def another_plan_of_all(customer: Customer, n: int) -> Customer:
    """Any plan of the list, at its time: up, down, taxed or not, by card or by invoice."""
    await said(customer, "change_plan", {"plan": other_plan(customer, n)})
    return customer


@sale
async def another_plan_at_once(customer: Customer, n: int) -> Customer:
    """The same at once, for what was shown before."""
    wanted = {"plan": other_plan(customer, n), "when": "now"}
    shown = await said(customer, "change_plan", wanted | {"preview": True})
    if shown["status"] == "preview":
        expected = {"expected_minor": shown["amount_minor"]}
        done = await said(customer, "change_plan", wanted | expected)
        if done["status"] == "changed":
            assert done.get("amount_minor", 0) == shown["amount_minor"], (shown, done)
    return customer


@sale
async def a_pack(customer: Customer, n: int) -> Customer:
    """Buy packs."""
    order = {"key": new_key(customer, n), "pack": "block", "count": 1 + n % 2}
    await said(customer, "buy_pack", order)
    return customer


@sale
async def a_pack_with_a_coupon(customer: Customer, n: int) -> Customer:
    """Buy a pack with any code, whatever it is for."""
    order = {"key": new_key(customer, n), "pack": "block", "coupon": COUPONS[n % len(COUPONS)]}
    await said(customer, "buy_pack", order)
    return customer


@sale
async def credits_with_a_coupon(customer: Customer, n: int) -> Customer:
    """Buy credits by hand with any code."""
    order = {"key": new_key(customer, n), "credits": str(1000 * (n + 1))}
    await said(customer, "buy_credits", order | {"coupon": COUPONS[n % len(COUPONS)]})
    return customer


@sale
async def a_move(customer: Customer, n: int) -> Customer:
    """The customer moves to another zone, also across the date line."""
    with customer.fleet.engine.begin() as connection:
        accounts.set_time_zone(connection, customer.name, ZONES[n % len(ZONES)])
    return customer


@sale
async def a_card_from_elsewhere(customer: Customer, n: int) -> Customer:
    """Another card, whose billing address is in another country or says none."""
    place = PLACES[n % len(PLACES)]
    card = card_in(customer.fleet, place) if place else customer.new_card()
    await said(customer, "use_payment_method", {"payment_method": card})
    return customer


@sale
async def a_bank_account(customer: Customer, n: int) -> Customer:
    """From now on a bank account is debited, if it is in the right currency."""
    account = IN_DOLLARS if n % 5 == 4 else ACCOUNTS.get(sold(customer)[2], IN_DOLLARS)
    await said(customer, "use_payment_method", {"payment_method": account})
    return customer


@sale
async def a_transfer(customer: Customer, n: int) -> Customer:
    """All of a sent invoice comes, a part of it, or too much; it is told, or found only later."""
    for (invoice,) in customer.rows(ON_ITS_WAY):
        due = int(customer.ask_processor(f"invoices/{invoice}")["amount_remaining"])
        amount = (due, due // 3, due + 700)[n % 3]
        with suppress(HTTPError):  # it is a debit's
            customer.transfers(invoice, max(amount, 1))
        if n % 2 and (await customer.life.settle())["status"] != "ended":
            await customer.life.signal("invoice_paid", {"invoice": invoice})
    await customer.life.settle()
    return customer


@sale
async def a_balance_from_elsewhere(customer: Customer, n: int) -> Customer:
    """Credits that were bought elsewhere come along, with what they cost there."""
    status, now = (await customer.life.settle())["status"], await customer.life.now()
    if status in ("ended", "pending"):
        return customer
    brought = Brought(
        line=2,
        customer_id=customer.name,
        quantity_micro=(100 + n) * MICRO,
        credit_type="credits",
        source="pack",
        cost_minor=500 * n,  # in tens, as dinars are
        currency=sold(customer)[2],
        expires_at=now + timedelta(days=20),
        key=f"old-{n}",
    )
    with suppress(InvalidInput), customer.fleet.engine.begin() as connection:
        carry_out(connection, LISTS, [brought], now, by="ann")  # once, whatever the rest says
    await customer.life.signal("balance_changed", {})
    await customer.life.settle()
    return customer


@sale
async def an_end(customer: Customer, n: int) -> Customer:
    """Cancel at the period's end, or take that back."""
    ends: tuple[str, dict[str, str]] = ("cancel", {"when": "period_end"})
    await said(customer, *(ends if n % 3 == 2 else ("uncancel", {})))
    return customer


@sale
async def months_pass(customer: Customer, n: int) -> Customer:
    """From a month to a quarter."""
    if (await customer.life.settle())["status"] != "ended":
        await customer.pass_until(await customer.life.now() + (31 + 7 * n) * DAY)
    return customer


async def begun(customer: Customer) -> Customer:
    """Let the first period begin: its money comes, from a place that is known."""
    if (await customer.life.settle())["status"] == "pending" and not customer.rows(ON_ITS_WAY):
        await a_card_from_elsewhere(customer, 0)
    await a_transfer(customer, 3)
    return await ACTS["the_bank_answers"](customer, 3)


def taxes_at_processor(customer: Customer) -> dict[str, int]:
    """Return the tax of each paid invoice by its charge, in minor units."""
    found: dict[str, int] = {}
    for paid in customer.processor()["paid"]:
        invoice: dict[str, Any] = customer.ask_processor(f"invoices/{paid['invoice']}")
        found[paid["charge_id"]] = sum(one["amount"] for one in invoice["total_taxes"] or ())
    return found


ALL = {name: happens for name, happens in (ACTS | SALES).items() if name != "another_plan"}
