"""Facts that sample mails share, and the two mails that are varied most."""

from dataclasses import replace
from datetime import UTC, datetime

from domain.mails.facts import (
    AutoTotals,
    PlanTerms,
    Purpose,
    Reader,
    Reason,
)
from domain.mails.money import (
    PaymentFailed,
    Receipt,
)
from domain.money import Ratio
from domain.payments.charges import ChargeLine, Decline

NARROW = "\N{NARROW NO-BREAK SPACE}"
NO_BREAK = "\N{NO-BREAK SPACE}"
CREDIT = 1_000_000
ACTION = "https://billing.acme.example/manage/2f1c?next=card&step=1"
CARD = "Visa ···4242"
NOW = datetime(2026, 11, 20, 14, 5, tzinfo=UTC)
WINDOW_END = datetime(2026, 11, 30, 23, tzinfo=UTC)  # midnight in Berlin
NEXT = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)


def a_reader(**changes):
    full = Reader(
        customer_name="Larkspur Studio",
        plan_name="Core 80,000",
        product_name="Acme Automations",
        locale="en_US",
        time_zone="Europe/Berlin",
        action_url=ACTION,
    )
    return replace(full, **changes)


CORE = PlanTerms(
    plan_name="Core 10,000",
    allowance_micro=10_000 * CREDIT,
    allowance_interval="month",
    price_minor=900,
    price_interval="month",
)
LARGE = PlanTerms(
    plan_name="Core 80,000",
    allowance_micro=80_000 * CREDIT,
    allowance_interval="month",
    price_minor=7200,
    price_interval="month",
)
TOTALS = AutoTotals(
    bought_micro=20_000 * CREDIT,
    cap_micro=80_000 * CREDIT,
    paid_minor=2340,
    cap_minor=9360,
    window_end=WINDOW_END,
)
AUTO_LINES = (
    ChargeLine("10,000 credits at $0.0009", 900),
    ChargeLine("Auto-purchase surcharge, 30 %", 270),
)


def a_receipt(**changes):
    full = Receipt(
        reader=a_reader(),
        purpose=Purpose.AUTO,
        currency="usd",
        lines=AUTO_LINES,
        paid_at=NOW,
        card=CARD,
        invoice_number="ACME-0042",
        invoice_url="https://pay.example/i/acme-0042",
        granted_micro=10_000 * CREDIT,
        balance_micro=9_998 * CREDIT,
        expires_at=WINDOW_END,
        unit_price=Ratio(9, 100 * CREDIT),
        next_at=NEXT,
        next_minor=7200,
        auto=TOTALS,
    )
    return replace(full, **changes)


def a_minimal_receipt(**changes):
    bare = Receipt(
        reader=a_reader(),
        purpose=Purpose.MANUAL,
        currency="usd",
        lines=(ChargeLine("3,000 credits", 270),),
        paid_at=NOW,
        granted_micro=3_000 * CREDIT,
        balance_micro=3_000 * CREDIT,
    )
    return replace(bare, **changes)


def a_failure(**changes):
    full = PaymentFailed(
        reader=a_reader(),
        purpose=Purpose.RENEWAL,
        currency="usd",
        amount_minor=4900,
        card=CARD,
        decline=Decline.SOFT,
        reason=Reason.INSUFFICIENT_FUNDS,
        retry_at=datetime(2026, 11, 25, 8, tzinfo=UTC),
        paused=False,
    )
    return replace(full, **changes)


def plain(text):
    return " ".join(text.split())
