"""The stand-in as a process, and a receiver of its webhooks."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import stripe

from local.patience import QUIET_SECONDS
from local.processes import wait_until
from local.stripe_standin.process import StandIn
from tests.processor import plain_client


@pytest.fixture(scope="session")
def _running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    running = StandIn.start(tmp_path_factory.mktemp("stripe-standin"))
    yield running
    health = running.get("/_health")
    running.stop()
    assert health["violations"] == 0, "the stand-in made messages that Stripe would not"


@pytest.fixture
def standin(_running: StandIn) -> Iterator[StandIn]:
    yield _running
    _running.behave()
    _running.post("/_config", webhook_url="", duplicate=False, reorder=False)


def connect(standin: StandIn) -> stripe.V1Services:
    return plain_client(standin.api_key, standin.base_url)


@pytest.fixture
def client(standin: StandIn) -> stripe.V1Services:
    return connect(standin)


@pytest.fixture(name="connect")
def _connect() -> Callable[[StandIn], stripe.V1Services]:
    return connect


@dataclass
class Desk:
    """Short ways to arrange things at the stand-in, by Stripe's own client."""

    client: stripe.V1Services

    def payer(self, card: str = "pm_card_visa") -> str:
        customer = self.client.customers.create({"name": "Ann", "email": "ann@example.com"})
        saved = self.client.payment_methods.attach(card, {"customer": customer.id})
        default = {"default_payment_method": saved.id}
        self.client.customers.update(customer.id, {"invoice_settings": default})
        return customer.id

    def invoice(self, payer: str, amount: int = 1170) -> str:
        shared = {"customer": payer, "currency": "usd"}
        invoice = self.client.invoices.create({**shared, "metadata": {"charge_id": "c-1"}})
        item = {"invoice": invoice.id, "amount": amount, "description": "10,000 credits (+30 %)"}
        self.client.invoice_items.create({**shared, **item})
        return self.client.invoices.finalize_invoice(invoice.id).id


@pytest.fixture
def desk(client: stripe.V1Services) -> Desk:
    return Desk(client)


@dataclass
class Receiver:
    """What arrived: (raw body, signature); the first `refuse` deliveries are answered by 500."""

    url: str
    refuse: int = 0
    arrived: list[tuple[bytes, str]] = field(default_factory=list)
    refused: int = 0
    door: threading.Lock = field(default_factory=threading.Lock)

    def wait_for(self, enough: Callable[[list[tuple[bytes, str]]], bool]) -> None:
        wait_until(lambda: enough(self.arrived), QUIET_SECONDS, "the webhooks")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with found.door:
                accepted = found.refused >= found.refuse
                if accepted:
                    found.arrived.append((body, self.headers["Stripe-Signature"]))
                else:
                    found.refused += 1
            self.send_response(200 if accepted else 500)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    found = Receiver(f"http://127.0.0.1:{server.server_port}/webhooks/stripe")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()
    thread.join()
