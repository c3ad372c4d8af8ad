"""A database really restored from a copy: payments since then are granted, once.

The processor keeps what the ledger forgot. Its events come again, everything is compared, both at
once and twice, and the subscriptions live on or are built again from their rows.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import Engine

from activities.context import BillingContext
from activities.payments.reconciliation import ReconcileActivities, Reconciled
from domain.payments.charges import ChargeKind, ProcessorEvent, Sold
from gateways.stripe import StripePayments
from local.mail_catcher.process import MailCatcher
from local.patience import until
from local.postgres import Database, Postgres
from local.stripe_standin.process import StandIn
from local.temporal import TemporalServer
from models.base import connect
from settings import Settings
from tests.api.arrangements import environment, own_namespace
from tests.fleet import SECOND, Customer, RunningFleet
from tests.running import Workers
from tests.workflows.lost_sales import lost_sale
from tests.workflows.test_packs import buy_pack
from tests.workflows.test_rebuilding import lose, rebuild
from worker import Fleet, start_relays
from workflows import names
from workflows.stripe_event import StripeEvent

pytestmark = pytest.mark.long

FEBRUARY = datetime(2027, 2, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass
class Site:
    """A fleet whose database can be put back to an earlier instant."""

    fleet: RunningFleet
    workers: Workers
    engine: Engine
    postgres: Postgres
    database: Database
    payments: StripePayments

    async def _still(self) -> None:
        await self.workers.stop()
        self.engine.dispose()

    async def back_up(self) -> str:
        """Copy the database while no one uses it; return the copy's name."""
        await self._still()
        copy = f"copy_{uuid4().hex}"
        self.postgres.create_database(copy, self.database.name)
        await self.workers.restart()
        return copy

    async def restore(self, copy: str) -> None:
        """Put the copy in the database's place. The processor and Temporal know more now."""
        await self._still()
        self.postgres.drop_database(self.database.name)
        self.postgres.create_database(self.database.name, copy)
        self.postgres.drop_database(copy)
        await self.workers.restart()

    async def heard(self, invoice: str) -> str:
        """Deliver the event of a paid invoice once more, under another id."""
        event = ProcessorEvent(f"evt_{uuid4().hex}", "invoice.paid", invoice)
        outcome = await self.fleet.client.execute_workflow(
            StripeEvent.run,
            event,
            id=names.stripe_event_workflow(event.event_id),
            task_queue=names.BILLING,
        )
        return outcome.outcome

    async def compared(self) -> Reconciled:
        """Compare everything, as the command does."""
        context, loop = BillingContext(self.engine, {}, "", ("",)), asyncio.get_running_loop()
        activities = ReconcileActivities(context, self.payments, self.fleet.client, loop)
        return await asyncio.to_thread(activities.reconcile, datetime.now(UTC))

    def violations(self) -> list[tuple[object, ...]]:
        with psycopg.connect(self.database.owner_url) as connection:
            return connection.execute("SELECT * FROM violations").fetchall()


@pytest.fixture
async def site(
    temporal_server: TemporalServer,
    database: Database,
    postgres: Postgres,
    mail_catcher: MailCatcher,
    catalogs: Path,
    servers_folder: Path,
) -> AsyncIterator[Site]:
    """Workers on a database, a namespace and a processor of their own."""
    client = await own_namespace(temporal_server.address)
    standin = StandIn.start(servers_folder / f"stripe-{uuid4().hex}")
    variables = environment(
        database.url,
        client,
        standin,
        SMTP_URL=mail_catcher.smtp_url,
        PUBLIC_URL="http://127.0.0.1:1",
        DRAWDOWN_CATALOGS=str(catalogs),
    )
    engine = connect(database.url, pool_size=20)
    workers = Workers(Fleet(Settings.from_environment(variables), engine, client))
    await workers.start()
    await start_relays(client)
    fleet = RunningFleet(
        client=client,
        engine=engine,
        standin=standin,
        mail_catcher=mail_catcher,
        restart=workers.restart,
    )
    with StripePayments(standin.api_key, base_url=standin.base_url) as payments:
        yield Site(
            fleet=fleet,
            workers=workers,
            engine=engine,
            postgres=postgres,
            database=database,
            payments=payments,
        )
    await workers.stop()
    engine.dispose()
    standin.stop()


def there(customer: Customer) -> list[tuple[str, int]]:
    """Return invoice and minor units of each payment at the processor."""
    return sorted((one["invoice"], one["amount_minor"]) for one in customer.processor()["paid"])


def here(customer: Customer) -> list[tuple[str, int]]:
    """Return invoice and minor units of each paid charge of the ledger."""
    query = "SELECT invoice, amount_minor FROM charges WHERE account_id = %s AND state = 'paid'"
    return sorted((row[0], row[1]) for row in customer.rows(query))


async def granted(customer: Customer) -> None:
    """Wait until the ledger has every payment of the processor, and the life has come to rest."""

    async def look() -> list[tuple[str, int]]:
        return here(customer)

    await until(look, lambda seen: seen == there(customer), "every payment to be booked")
    await customer.life.settle()


def receipts(customer: Customer) -> int:
    return customer.mails().count("receipt")


@pytest.mark.parametrize("life", ["lives on", "rebuilt"])
async def test_what_was_paid_after_the_copy_is_granted_once(site: Site, life: str) -> None:
    maker = await site.fleet.subscribe("core_10k", auto=True)
    seller = await site.fleet.subscribe("starter", catalog="salestools")
    await maker.report(["1000"])
    copy = await site.back_up()
    await maker.report(["9000"])  # empties it: an auto-purchase
    await maker.buy("1000", key="mine")
    await buy_pack(seller, "pack_500", "ours", count=2)
    before = (there(maker), there(seller))
    assert (maker.paid(), seller.paid()) == ([900, 1170, 90], [2900, 5000])
    await site.restore(copy)
    assert (len(here(maker)), len(here(seller))) == (1, 1)

    if life == "rebuilt":
        at = await lose(maker)
        maker = await rebuild(maker, at)
    invoices = [invoice for one in (maker, seller) for invoice, _ in there(one)]
    twice = [site.heard(invoice) for invoice in invoices * 2]
    await asyncio.gather(site.compared(), *twice, site.compared())
    for one in (maker, seller):
        await granted(one)

    assert (here(maker), here(seller)) == before == (there(maker), there(seller))
    assert (await maker.life.status())["available"] == "20000"  # the copy's 9,000, and both
    assert (await seller.life.status())["available"] == "1500"
    assert site.violations() == []
    assert maker.found() == seller.found() == []
    await seller.life.settle()
    again = await site.compared()
    assert (again.differences, again.new, again.told, again.closed) == (0, 0, 0, 0)
    assert (receipts(maker), receipts(seller)) == (3, 2)

    # What the customers sent is sent again; the lost purchase counts against the cap.
    assert (await maker.buy("1000", key="mine"))["status"] == "paid"
    assert (await buy_pack(seller, "pack_500", "ours", count=2))["status"] == "paid"
    status = await maker.report(["20000", "1"])
    assert (status["available"], maker.refusals()[-1][1]) == ("0", "cap_reached")
    status = await maker.pass_until(FEBRUARY + SECOND)
    await maker.report(["10000"])
    assert maker.paid() == [900, 1170, 90, 900, 1170]
    assert seller.paid() == [2900, 5000]
    assert here(maker) == there(maker)
    maker.check()
    seller.check()


async def test_a_renewal_paid_after_the_copy_is_found_by_its_own_charge(site: Site) -> None:
    customer = await site.fleet.subscribe("core_10k")
    copy = await site.back_up()
    await customer.pass_until(FEBRUARY + SECOND)
    assert customer.paid() == [900, 900]
    await site.restore(copy)
    (lost,) = {invoice for invoice, _ in there(customer)} - {one for one, _ in here(customer)}
    at = await lose(customer)

    assert await site.heard(lost) == "found"
    assert [kind for kind, _ in customer.found()] == ["paid_without_charge"]
    customer = await rebuild(customer, at)
    await granted(customer)
    again = await site.compared()

    assert customer.paid() == [900, 900]
    assert (again.differences, again.closed) == (0, 1)
    assert customer.found() == []
    assert (await customer.life.status())["available"] == "10000"
    customer.check()


async def test_what_is_not_on_the_price_list_or_was_sent_back_is_a_finding(site: Site) -> None:
    customer = await site.fleet.subscribe("core_10k")
    copy = await site.back_up()
    await customer.buy("1000", key="sent back")
    await customer.buy("3000", key="kept")
    back, kept = [one["invoice"] for one in customer.processor()["paid"][1:]]
    site.payments.refund(back, 90, reason="a mistake", key="by hand")
    of_make = Sold("make", "core_10k", 1, 3_000_000_000)
    _, cheap = lost_sale(
        customer=customer,
        payments=site.payments,
        kind=ChargeKind.MANUAL,
        sold=of_make,
        amount_minor=180,
    )
    await site.restore(copy)

    await site.compared()
    await customer.life.settle()
    again = await site.compared()
    await customer.life.settle()

    assert [kind for kind, _ in customer.found()] == ["paid_without_charge"] * 2
    assert {invoice for invoice, _ in here(customer)} >= {kept}
    assert not {back, cheap} & {invoice for invoice, _ in here(customer)}
    assert again.new == 0
    assert (await customer.life.status())["available"] == "13000"
    assert site.violations() == []
