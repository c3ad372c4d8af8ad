"""Customers who pay by transfer: Salestools' Enterprise, and a house that is trusted."""

from tests.fleet import RunningFleet
from tests.stories.telling import Told, subscribed

YEAR, YEAR_MINOR = "6469.20", 646920


async def an_enterprise(fleet: RunningFleet) -> tuple[Told, str]:
    """An organisation without a card, which is sent its first invoice."""
    firm = await subscribed(fleet, "salestools", "enterprise_yearly", card=None)
    await firm.is_now("pending")
    return firm, firm.customer.invoice_of("processing")


async def a_paying_enterprise(fleet: RunningFleet) -> Told:
    """An organisation whose first year is paid; packs are paid by invoices, too."""
    firm = await subscribed(fleet, "salestools", "enterprise_yearly")
    await pays(firm, firm.customer.invoice_of("processing"))
    await firm.has("20000")
    return firm


async def pays(firm: Told, invoice: str, amount_minor: int = YEAR_MINOR) -> None:
    """Transfer money for an invoice, of which the processor tells us."""
    firm.customer.transfers(invoice, amount_minor)
    await firm.hears_of(invoice)


def told(firm: Told) -> list[str]:
    """Return the notices of invoices that were mailed, in order."""
    query = (
        "SELECT payload #>> '{mail,notice}' FROM outbox WHERE account_id = %s ORDER BY recorded_at"
    )
    return [notice for (notice,) in firm.customer.rows(query) if notice]


async def a_shop(fleet: RunningFleet) -> tuple[Told, str]:
    """A customer who is trusted for a month: it began when its invoice was sent."""
    shop = await subscribed(fleet, "trusted_debits", "shop", card=None)
    await shop.is_now("active")
    return shop, shop.customer.invoice_of("processing")


async def a_house(fleet: RunningFleet) -> tuple[Told, str]:
    """A customer who is trusted: its year began when its invoice was sent."""
    house = await subscribed(fleet, "trusted_debits", "house", card=None)
    await house.is_now("active")
    await house.has("6000")
    return house, house.customer.invoice_of("processing")
