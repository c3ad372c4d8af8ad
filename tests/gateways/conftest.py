"""Payments against the Stripe stand-in, and against Stripe's test mode when a key is given."""

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import stripe

from domain.payments.charges import Charge, ChargeKind, ChargeLine
from gateways.stripe import StripePayments
from local.stripe_standin.process import StandIn
from tests.processor import plain_client

TEST_MODE_KEY = "STRIPE_TEST_API_KEY"


@dataclass
class Processor:
    """A payment processor to test against, with what tests need besides the gateway."""

    payments: StripePayments
    client: stripe.V1Services  # to arrange and to look, never through our gateway
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    made: int = 0

    def name(self, what: str) -> str:
        """Make a name that no other test and no other run uses."""
        self.made += 1
        return f"{what}-{self.run}-{self.made}"

    def payer(self, card: str | None = "pm_card_visa") -> str:
        """Register a payer whose default is a new card of this kind."""
        name = self.name("customer")
        email = f"{name}@example.com"
        payer = self.payments.register(name, email=email, name="Ann Example", key=name)
        if card is not None:
            self.card(payer, card)
        return payer

    def card(self, payer: str, card: str) -> str:
        """Save a card as the payer's default; return its id."""
        saved = self.client.payment_methods.attach(card, {"customer": payer})
        self.payments.use_payment_method(payer, saved.id, key=self.name("use"))
        return saved.id

    def charge(self, payer: str, *amounts: int) -> Charge:
        """Make a charge of one line per amount (minor units)."""
        name = self.name("charge")
        lines = tuple(
            ChargeLine(f"line {n}", amount) for n, amount in enumerate(amounts or (1170,))
        )
        return Charge(
            charge_id=name,
            kind=ChargeKind.AUTO,
            customer_id="customer",
            subscription_id="subscription",
            payer=payer,
            currency="usd",
            lines=lines,
        )

    def prepared(self, payer: str, *amounts: int) -> str:
        """Prepare a charge; return its invoice."""
        charge = self.charge(payer, *amounts)
        return self.payments.prepare(charge, key=charge.charge_id).invoice

    def invoices(self, payer: str) -> list[stripe.Invoice]:
        """List the payer's invoices, newest first."""
        return self.client.invoices.list({"customer": payer, "limit": 100}).data

    def paid(self, payer: str) -> list[int]:
        """List what the payer really paid, one amount per paid invoice."""
        return [i.amount_paid for i in self.invoices(payer) if i.amount_paid > 0]


@pytest.fixture(scope="session")
def _standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    running = StandIn.start(tmp_path_factory.mktemp("stripe-standin"))
    yield running
    health = running.get("/_health")
    running.stop()
    assert health["violations"] == 0, "the stand-in made messages that Stripe would not"


@pytest.fixture
def standin(_standin: StandIn) -> Iterator[StandIn]:
    yield _standin
    _standin.behave()


def _processor(api_key: str, base_url: str | None) -> Iterator[Processor]:
    with StripePayments(api_key, base_url=base_url) as payments:
        yield Processor(payments, plain_client(api_key, base_url))


@pytest.fixture(params=["stand-in", "stripe-test-mode"])
def anywhere(request: pytest.FixtureRequest) -> Iterator[Processor]:
    """The contract's fixture: the same tests on the stand-in and on Stripe itself."""
    if request.param == "stand-in":
        standin = request.getfixturevalue("standin")
        yield from _processor(standin.api_key, standin.base_url)
    elif key := os.environ.get(TEST_MODE_KEY):
        yield from _processor(key, None)
    else:
        pytest.skip(f"set {TEST_MODE_KEY}=sk_test_… to run this against Stripe's test mode")


@pytest.fixture
def here(standin: StandIn) -> Iterator[Processor]:
    """The stand-in only: for faults that Stripe does not make on order."""
    yield from _processor(standin.api_key, standin.base_url)
