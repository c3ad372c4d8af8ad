"""Sales that the processor has and the ledger never heard of, as after a restore."""

from itertools import count

from domain.payments.charges import Charge, ChargeKind, ChargeLine, Paid, Sold
from domain.payments.sold import WORDS
from gateways.stripe import StripePayments
from tests.fleet import Customer

_numbers = count(100)


def lost_sale(
    customer: Customer,
    payments: StripePayments,
    kind: ChargeKind,
    sold: Sold | None,
    amount_minor: int,
    *,
    payer: str = "",
    number: int | None = None,
) -> tuple[str, str]:
    """Let a charge be paid at the processor alone; return its id and its invoice."""
    subscription = customer.life.handle.id.removeprefix("subscription:")
    name = f"{subscription}:{WORDS[kind]}:{number or next(_numbers)}"
    by = payer or customer.processor()["payer"]
    lines = (ChargeLine("lost", amount_minor),)
    lost = Charge(
        charge_id=name,
        kind=kind,
        customer_id=customer.name,
        subscription_id=subscription,
        payer=by,
        currency="USD",
        lines=lines,
        sold=sold,
    )
    invoice = payments.prepare(lost, key=name).invoice
    assert isinstance(payments.pay(invoice, key=f"{name}:pay"), Paid)
    return name, invoice
