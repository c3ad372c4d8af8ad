"""How a simulated customer pays: by card at once; a debit or a transfer comes days later."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
from sqlalchemy import Engine, text

from domain.pricing import simulation
from domain.pricing.simulation import PaysBy
from local.simulator.sides import Side
from local.stripe_standin.process import StandIn
from local.timeline import Json, Timeline

DEBIT_TAKES = timedelta(days=4)
TRANSFER_TAKES = timedelta(days=7)
CARD = "pm_card_visa"
ACCOUNTS = {"USD": "pm_usBankAccount_success", "EUR": "pm_sepaDebit_success"}
# Bank accounts of Stripe's tests whose debits succeed, as they are typed.
NUMBERS = {
    "USD": {
        "type": "us_bank_account",
        "us_bank_account[account_holder_type]": "company",
        "us_bank_account[routing_number]": "110000000",
        "us_bank_account[account_number]": "000123456789",
    },
    "EUR": {
        "type": "sepa_debit",
        "sepa_debit[iban]": "AT611904300234573201",
        "billing_details[name]": "Simulated",
        "billing_details[email]": "simulated@example.com",
    },
}
TYPED = {"type": "card", "card[token]": "tok_visa"}
# The processor taxes these two by more than the country; any code of theirs will do for the rest.
POSTAL_CODES = {"US": "10001", "CA": "M5H 2N2"}

_NEXT = text("""
    SELECT c.invoice, c.opened_at, c.amount_minor + c.tax_minor AS total_minor,
           n.note -> 'sent' IS NOT NULL AS sent
    FROM charges c LEFT JOIN charge_notes n USING (account_id, charge_id)
    WHERE c.account_id = :account AND c.state = 'processing' ORDER BY c.opened_at, c.charge_id
""")


@dataclass(frozen=True, slots=True)
class Coming:
    """Money of an invoice that comes at an instant, in minor units."""

    invoice: str
    total_minor: int
    comes_at: datetime
    sent: bool  # by transfer


class Bank:
    """A customer's bank: what it is asked for comes after some days, in full."""

    def __init__(self, standin: StandIn, engine: Engine, life: Timeline, account_id: int) -> None:
        self._standin, self._engine, self._life = standin, engine, life
        self._account_id = account_id

    async def pays_at_once(self) -> None:
        """Let what is on its way come now, as that of who paid for the plan beforehand."""
        for one in await asyncio.to_thread(self.coming):
            await self._pay(one)

    async def pays_until(self, at: datetime) -> Json | None:
        """Let what comes up to an instant come, each at its own; return the status after it."""
        status = None
        for one in await asyncio.to_thread(self.coming):
            if one.comes_at <= at:
                await self._life.advance(one.comes_at)
                status = await self._pay(one)
        return status

    def coming(self) -> list[Coming]:
        """Return the money on its way, in the order in which it comes."""
        with self._engine.connect() as connection:
            rows = connection.execute(_NEXT, {"account": self._account_id}).all()
        found = [
            Coming(
                invoice=row.invoice,
                total_minor=row.total_minor,
                comes_at=row.opened_at + (TRANSFER_TAKES if row.sent else DEBIT_TAKES),
                sent=row.sent,
            )
            for row in rows
        ]
        return sorted(found, key=lambda one: one.comes_at)

    def is_asked(self) -> bool:
        """Return whether money is on its way."""
        return bool(self.coming())

    async def _pay(self, one: Coming) -> Json:
        if one.sent:
            order = {"invoice": one.invoice, "amount": one.total_minor}
            await asyncio.to_thread(self._standin.post, "/_transfer", **order)
        else:
            await asyncio.to_thread(self._standin.post, "/_settle", invoice=one.invoice)
        await self._life.signal("invoice_paid", {"invoice": one.invoice})
        return await self._life.settle()


def pays_later(side: Side) -> bool:
    """Return whether any of a side's money takes days."""
    sent = any(plan.takes.invoiced or plan.takes.sells_by_invoice for plan in side.plans)
    return side.by_debit or sent


def check_payer(side: Side) -> None:
    """Refuse a customer who could not pay for a side. Raises `InvalidInput` as the domain does."""
    pays_by = PaysBy(side.by_debit, side.place, side.coupon)
    for plan in side.plans:
        simulation.check_payer(pays_by, side.catalog, plan)


def payment_method(standin: StandIn, side: Side) -> str:
    """Make what a side's customer pays with at the processor, where they live; return its id."""
    if not side.place:
        return ACCOUNTS[side.plan.currency] if side.by_debit else CARD
    country, _, state = side.place.partition("-")
    address = {"country": country, "state": state, "postal_code": POSTAL_CODES.get(country, "")}
    form = {f"billing_details[address][{name}]": value for name, value in address.items() if value}
    form |= (
        NUMBERS[side.plan.currency]
        if side.by_debit
        else {"type": "card", "card[token]": "tok_visa"}
    )
    answer = httpx.post(
        f"{standin.base_url}/v1/payment_methods",
        data=form,
        headers={"Authorization": f"Bearer {standin.api_key}"},
    )
    return str(answer.raise_for_status().json()["id"])
