"""The API as a process, workers for its events, and a peer that takes a subscription's signals."""

import asyncio
import atexit
import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, contextmanager
from functools import cache
from pathlib import Path
from uuid import uuid4

import httpx
from google.protobuf.duration_pb2 import Duration
from sqlalchemy import Engine
from temporalio import workflow
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.common import RawValue
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.context import BillingContext
from activities.errors import NamedErrors
from activities.payments.owners import OwnerActivities
from activities.payments.processor import PaymentActivities
from activities.payments.reconciliation import ReconcileActivities
from domain.messages.cards import parse_card_news
from domain.messages.invoices import parse_invoice
from domain.payments.charges import ChargeKind
from gateways.stripe import StripePayments
from ledger import accounts
from ledger.payments import charges
from local.fleet import START_TIMEOUT, served
from local.processes import free_port, listens, on_free_ports, stop, wait_until
from local.stripe_standin.process import WEBHOOK_SECRET, StandIn
from local.stripe_standin.webhooks import sign
from tests.builders import NOON, SubscribedWallet, a_wallet
from tests.deployment import LINK_SECRET
from tests.nursery import Forked, Nursery
from tests.processor import plain_client
from workflows import names
from workflows.converter import DATA_CONVERTER
from workflows.stripe_event import StripeEvent

PEERS = "peers"
NOWHERE = "127.0.0.1:9"  # the discard port: nobody listens


async def own_namespace(address: str) -> Client:
    """Connect to a namespace that no other test's workers serve."""
    shared = await Client.connect(address)
    name = f"tests-{uuid4()}"
    day = Duration(seconds=86_400)
    request = RegisterNamespaceRequest(namespace=name, workflow_execution_retention_period=day)
    await shared.workflow_service.register_namespace(request)
    kinds = {key.name: key.indexed_value_type for key in names.SEARCH_ATTRIBUTES}
    await shared.operator_service.add_search_attributes(
        AddSearchAttributesRequest(namespace=name, search_attributes=kinds)
    )
    return await Client.connect(address, namespace=name, data_converter=DATA_CONVERTER)


def environment(
    database_url: str, client: Client, standin: StandIn, **others: str
) -> dict[str, str]:
    return {
        "DATABASE_URL": database_url,
        "TEMPORAL_ADDRESS": client.service_client.config.target_host,
        "TEMPORAL_NAMESPACE": client.namespace,
        "STRIPE_API_KEY": standin.api_key,
        "STRIPE_API_BASE": standin.base_url,
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "LINK_SECRETS": LINK_SECRET,
        "SMTP_URL": f"smtp://{NOWHERE}",
        "MAIL_FROM": "Drawdown <billing@drawdown.example>",
        **others,
    }


@contextmanager
def api(variables: Mapping[str, str], folder: Path) -> Iterator[str]:
    """Run the API as a process on loopback; yield its address."""

    def start() -> tuple[str, Forked]:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        where = {"PUBLIC_URL": url, **variables}
        return url, born(where, port, folder / f"api-{port}.log")

    url, process = on_free_ports(start)
    try:
        yield url
    finally:
        stop(process)


def born(environment: Mapping[str, str], port: int, log: Path) -> Forked:
    """Fork an API that is served as `start_api` does, and wait until it listens."""
    process = _nursery().bear(environment, log, *served(port))
    try:
        wait_until(lambda: listens(port), START_TIMEOUT, "the API", process=process, log=log)
    except BaseException:
        stop(process)
        raise
    return process


@cache
def _nursery() -> Nursery:
    """Return that of this process, which most of its tests need no API of."""
    opened = ExitStack()
    atexit.register(opened.close)
    return opened.enter_context(Nursery.opened("api"))


@workflow.defn
class Peer:
    """Lives under a subscription's id and reads its signals as a subscription does."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.over = False

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: self.over)

    @workflow.signal
    def payment_method_updated(self, message: RawValue) -> None:
        self.told.append(parse_card_news(message.payload.data).method)

    @workflow.signal
    def invoice_paid(self, message: RawValue) -> None:
        self.told.append(parse_invoice(message.payload.data))

    @workflow.signal
    def end(self) -> None:
        self.over = True

    @workflow.query
    def heard(self) -> list[str]:
        return self.told


@asynccontextmanager
async def inbox(client: Client, engine: Engine, payments: StripePayments) -> AsyncIterator[None]:
    """Serve events and peers in the client's namespace."""
    customers = OwnerActivities(BillingContext(engine, {}, "", ("",)))
    processor = PaymentActivities(payments)
    context = BillingContext(engine, {}, "", ("",))
    examiner = ReconcileActivities(context, payments, client, asyncio.get_running_loop())
    with ThreadPoolExecutor(4) as executor:
        billing = Worker(
            client,
            task_queue=names.BILLING,
            workflows=[StripeEvent],
            activities=[customers.find_owner, customers.forget_payer],
            activity_executor=executor,
            interceptors=[NamedErrors()],
            workflow_runner=UnsandboxedWorkflowRunner(),
        )
        stripe_calls = Worker(
            client,
            task_queue=names.STRIPE,
            activities=[processor.read_event, examiner.examine, examiner.doubt],
            activity_executor=executor,
            interceptors=[NamedErrors()],
        )
        peers = Worker(
            client,
            task_queue=PEERS,
            workflows=[Peer],
            workflow_runner=UnsandboxedWorkflowRunner(),
        )
        async with billing, stripe_calls, peers:
            yield


class Desk:
    """Customers that both the ledger and the processor know."""

    def __init__(self, engine: Engine, payments: StripePayments, standin: StandIn) -> None:
        self.engine = engine
        self.payments = payments
        self.processor = plain_client(standin.api_key, standin.base_url)

    def customer(self, name: str | None = None) -> tuple[SubscribedWallet, str]:
        """Make a customer with a live subscription; return it and its payer."""
        with self.engine.begin() as connection:
            wallet = a_wallet(connection, name or f"customer-{uuid4()}")
            payer = self.payer(wallet.customer_id)
            accounts.set_payer(connection, wallet.customer_id, payer)
        return wallet, payer

    def payer(self, name: str) -> str:
        """Make a payer that the ledger does not know."""
        email = f"{uuid4()}@example.com"
        return self.payments.register(name, email=email, name="Ann", key=f"{uuid4()}")

    def attached(self, payer: str, card: str = "pm_card_visa") -> str:
        """Attach a new card without making it the default."""
        return self.processor.payment_methods.attach(card, {"customer": payer}).id

    def card(self, payer: str, card: str = "pm_card_visa") -> str:
        """Attach a new card and make it the default."""
        method = self.attached(payer, card)
        self.payments.use_payment_method(payer, method, key=f"{uuid4()}")
        return method

    def declined_charge(self, wallet: SubscribedWallet) -> str:
        """Note in the ledger a charge that was declined; return its invoice."""
        charge, invoice = f"{wallet.subscription_id}:period:0", f"in_{uuid4().hex}"
        with self.engine.begin() as connection:
            charges.open_charge(
                connection,
                account_id=wallet.account_id,
                subscription_id=wallet.subscription_id,
                charge_id=charge,
                kind=ChargeKind.PERIOD,
                currency="USD",
                amount_minor=900,
                quantity_micro=None,
                at=NOON,
            )
            code = "insufficient_funds"
            charges.mark_declined(
                connection,
                account_id=wallet.account_id,
                charge_id=charge,
                invoice=invoice,
                attempt=1,
                code=code,
                at=NOON,
            )
        return invoice


def snapshot(type_: str, object_id: str, event_id: str | None = None) -> bytes:
    """Return an event of Stripe as it is sent."""
    event = {
        "id": event_id or f"evt_{uuid4().hex}",
        "object": "event",
        "type": type_,
        "data": {"object": {"id": object_id}},
    }
    return json.dumps(event).encode()


def signature(payload: bytes, *, secret: str = WEBHOOK_SECRET, age: int = 0) -> str:
    """Sign a payload as Stripe would have `age` seconds ago."""
    return sign(payload, secret, int(time.time()) - age)


async def deliver(http: httpx.AsyncClient, payload: bytes) -> httpx.Response:
    """Send a signed event."""
    headers = {"Stripe-Signature": signature(payload)}
    return await http.post("/webhooks/stripe", content=payload, headers=headers)
