"""From a declined charge to service again: link in the mail, card page, webhooks, workflow."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack

import httpx
import pytest

from local.patience import until
from local.timeline import without_time
from models.base import connect
from settings import Settings
from tests.api.arrangements import api, environment, own_namespace
from tests.fleet import RunningFleet
from tests.processor import plain_client
from worker import THREADS, Fleet
from workflows import names

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("recovery")]  # one fleet for all


@pytest.fixture(scope="module")
async def fleet(temporal_server, new_database, standin, mail_catcher, servers_folder):
    """Workers, API and webhooks in a world of their own."""
    client = await own_namespace(temporal_server.address)
    variables = environment(new_database().url, client, standin, SMTP_URL=mail_catcher.smtp_url)
    async with AsyncExitStack() as stack:
        url = stack.enter_context(api(variables, servers_folder))
        settings = Settings.from_environment(variables | {"PUBLIC_URL": url})
        engine = connect(settings.database_url)
        stack.callback(engine.dispose)
        workers = Fleet(settings, engine, client)
        for queue in names.QUEUES:
            executor = stack.enter_context(ThreadPoolExecutor(THREADS))
            await stack.enter_async_context(workers.running(queue, executor))
        yield RunningFleet(client, engine, standin, mail_catcher), url


@pytest.fixture
def processor(standin):
    return plain_client(standin.api_key, standin.base_url)


@pytest.fixture(params=[{}, {"duplicate": True}, {"reorder": True}], ids=["plain", "twice", "late"])
def webhooks(request, standin, fleet):
    """Let the processor send its events, well or badly."""
    yield lambda: standin.post(
        "/_config", webhook_url=f"{fleet[1]}/webhooks/stripe", **request.param
    )
    standin.post("/_config", webhook_url="", duplicate=False, reorder=False)


async def paused_customer(fleet, processor):
    """A customer whose auto-purchase was declined; return it and its payer."""
    customer = await fleet.subscribe("core_10k", auto=True)
    found = processor.customers.list({"email": customer_email(customer), "limit": 1}).data[0]
    card = processor.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": found.id})
    await customer.life.signal("payment_method_updated", {"payment_method": card.id})
    await customer.life.settle()
    await customer.report(["10000"])
    assert (await customer.life.settle())["paused_by"] == ["payment_failed"]
    return customer, found.id


def customer_email(customer):
    return customer.rows("SELECT email FROM customers WHERE account_id = %s")[0][0]


def mailed_links(customer):
    query = "SELECT payload FROM outbox WHERE account_id = %s AND topic = 'mail'"
    return re.findall(
        r"https?://[^\"]+/billing/[^\"]+", json.dumps([r[0] for r in customer.rows(query)])
    )


async def is_active(customer):
    await until(
        customer.life.settle,
        lambda status: status["status"] == "active",
        "the service to be back",
        sign=without_time,
    )


async def test_a_new_card_from_the_mailed_link_brings_the_service_back(
    fleet, processor, webhooks, standin
):
    running, url = fleet
    customer, _ = await paused_customer(running, processor)
    link = mailed_links(customer)[-1]
    assert link.startswith(url)
    webhooks()
    async with httpx.AsyncClient(timeout=None, follow_redirects=True) as browser:
        page = await browser.get(link)
        saved = await browser.post(page.url, data={"card": "pm_card_visa"})
    assert "close this page" in saved.text
    await is_active(customer)
    assert customer.paid() == [900, 1170]
    assert customer.refusals() == []
    assert customer.mails().count("resumed") == 1
    customer.check()


async def test_an_invoice_paid_on_its_own_page_brings_the_service_back(fleet, processor, webhooks):
    running, _ = fleet
    customer, payer = await paused_customer(running, processor)
    webhooks()
    (invoice,) = processor.invoices.list({"customer": payer, "status": "open"}).data
    async with httpx.AsyncClient(timeout=None) as browser:
        paid = await browser.post(invoice.hosted_invoice_url, data={"card": "pm_card_visa"})
    assert "it is paid" in paid.text
    await is_active(customer)
    assert customer.paid() == [900, 1170]
    assert customer.refusals() == []
    customer.check()
