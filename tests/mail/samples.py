"""One full and one minimal mail of each kind, and the variants whose wording differs."""

from dataclasses import replace
from datetime import UTC, datetime

from domain.mails.envelope import Mail
from domain.mails.facts import (
    AutoTotals,
    Lot,
    OtherCredits,
    Purpose,
    Reason,
)
from domain.mails.money import (
    CapReached,
    InvoiceCopy,
    InvoiceDue,
    LookedInto,
    OnItsWay,
    Paused,
    Resumed,
)
from domain.payments.charges import ChargeLine, Decline
from domain.payments.sent_invoices import Notice
from domain.payments.taxes import TaxBehavior, Taxed, TaxLine
from tests.mail.facts import (
    AUTO_LINES,
    CARD,
    CREDIT,
    NEXT,
    NOW,
    TOTALS,
    WINDOW_END,
    a_failure,
    a_minimal_receipt,
    a_reader,
    a_receipt,
)
from tests.mail.more_samples import other_mails

VAT = Taxed(TaxBehavior.EXCLUSIVE, 234, (TaxLine("VAT", "GB", "20", 1170, 234, ""),))
INSIDE = Taxed(TaxBehavior.INCLUSIVE, 195, (TaxLine("V<A>T", "GB", "20", 975, 195, ""),))

AT_ITS_PRICE = (ChargeLine("3,000 credits", 270),)


def every_mail() -> dict[str, Mail]:
    """Return every wording by name."""
    return {
        **_receipts(),
        **_invoices(),
        **_failures(),
        **_pauses(),
        **_looks(),
        **_caps(),
        **other_mails(),
    }


def _receipts() -> dict[str, Mail]:
    start = datetime(2026, 10, 31, 23, tzinfo=UTC)
    period = a_receipt(
        purpose=Purpose.RENEWAL,
        lines=(ChargeLine("Core 80,000, monthly", 7200),),
        granted_micro=80_000 * CREDIT,
        balance_micro=81_694_130_000,
        unit_price=None,
        auto=None,
        period_start=start,
        period_end=WINDOW_END,
    )
    return {
        "receipt_auto": a_receipt(),
        "receipt_renewal": period,
        "receipt_first": replace(period, purpose=Purpose.FIRST_PERIOD),
        "receipt_upgrade": replace(
            period,
            purpose=Purpose.UPGRADE,
            lines=(
                ChargeLine("Core 80,000, rest of the period", 5040),
                ChargeLine("Core 10,000, unused rest of the period", -630),
            ),
        ),
        "receipt_manual": a_receipt(
            purpose=Purpose.MANUAL, lines=AUTO_LINES[:1], auto=None, expires_at=None
        ),
        "receipt_quotas": replace(
            period, also=(OtherCredits(name="AI <words>", credits_micro=100_000 * CREDIT),)
        ),
        "receipt_minimal": a_minimal_receipt(),
        "receipt_coupon": a_minimal_receipt(lines=(*AT_ITS_PRICE, ChargeLine("Coupon TEN", -27))),
        "receipt_free": a_minimal_receipt(lines=(*AT_ITS_PRICE, ChargeLine("Coupon ALL", -270))),
        "receipt_taxed": a_receipt(taxed=VAT),
        "receipt_tax_inside": a_receipt(taxed=INSIDE),
    }


def _invoices() -> dict[str, Mail]:
    copy = InvoiceCopy(
        reader=a_reader(),
        currency="usd",
        number="ACME-0042",
        paid=True,
        amount_minor=1170,
        issued_at=NOW,
        page_url="https://pay.example/i/acme-0042",
        pdf_url="https://pay.example/i/acme-0042/pdf",
    )
    due = InvoiceDue(
        reader=copy.reader,
        purpose=Purpose.RENEWAL,
        currency="USD",
        notice=Notice.SENT,
        amount_minor=646920,
        paid_minor=0,
        number=copy.number,
        due_at=NEXT,
        page_url=copy.page_url,
        pdf_url=copy.pdf_url,
    )
    unpaid = replace(due, notice=Notice.UNPAID, paused=True)
    return {
        "invoice_copy": copy,
        "invoice_copy_unpaid": replace(copy, paid=False),
        "invoice_sent": due,
        "invoice_reminder": replace(due, notice=Notice.REMINDER, paid_minor=400000),
        "invoice_overdue": replace(due, notice=Notice.OVERDUE),
        "invoice_void": replace(due, notice=Notice.VOID, paid_minor=400000),
        "invoice_unpaid": unpaid,
        "invoice_unpaid_serving": replace(unpaid, serves_until=NEXT),
        "invoice_sent_first": replace(due, purpose=Purpose.FIRST_PERIOD, period_end=NEXT),
        "invoice_unpaid_first": replace(unpaid, purpose=Purpose.FIRST_PERIOD, paused=False),
        "invoice_unpaid_upgrade": replace(unpaid, purpose=Purpose.UPGRADE, paused=False),
    }


def _failures() -> dict[str, Mail]:
    hard = a_failure(decline=Decline.HARD, reason=Reason.DECLINED, retry_at=None, paused=True)
    return {
        "failed_soft": a_failure(),
        "failed_hard": hard,
        "failed_auto": replace(hard, purpose=Purpose.AUTO, amount_minor=1170),
        "failed_last": replace(hard, serves_until=NEXT, ends_at=NEXT),
        "failed_confirm": replace(hard, decline=Decline.NEEDS_CUSTOMER, reason=Reason.CONFIRMATION),
        "failed_upgrade": replace(hard, purpose=Purpose.UPGRADE, paused=False, card=None),
        "failed_address": replace(
            hard, reader=a_reader(tax_added=True), reason=Reason.NO_ADDRESS, card=None
        ),
        "failed_first": replace(
            hard, purpose=Purpose.FIRST_PERIOD, reason=Reason.NO_CARD, card=None, paused=False
        ),
    }


def _pauses() -> dict[str, Mail]:
    paused = Paused(
        reader=a_reader(),
        cause="payment_failed",
        currency="usd",
        owed_minor=7200,
        kept_micro=1_694_130_000,
        lots=(Lot(credits_micro=1_694_130_000),),
        serves_until=NEXT,
        ends_at=NEXT,
    )
    bare = replace(
        paused,
        cause="by_operator",
        owed_minor=None,
        kept_micro=0,
        lots=(),
        serves_until=None,
        ends_at=None,
    )
    resumed = Resumed(
        reader=a_reader(),
        currency="usd",
        paid_minor=1170,
        card=CARD,
        balance_micro=10_000 * CREDIT,
        lots=(
            Lot(credits_micro=9_000 * CREDIT, expires_at=WINDOW_END),
            Lot(credits_micro=1_000 * CREDIT),
        ),
        next_at=NEXT,
        next_minor=7200,
    )
    return {
        "paused": paused,
        "paused_minimal": bare,
        "paused_unknown_debt": replace(bare, cause="payment_failed"),
        "resumed": resumed,
        "resumed_minimal": Resumed(reader=a_reader(), currency="usd", balance_micro=0),
    }


def _looks() -> dict[str, Mail]:
    looked_into = LookedInto(
        reader=a_reader(),
        purpose=Purpose.RENEWAL,
        currency="usd",
        amount_minor=4900,
        paid=False,
        again=True,
        paused=True,
    )
    coming = OnItsWay(
        reader=a_reader(),
        purpose=Purpose.AUTO,
        currency="usd",
        amount_minor=2500,
        card="us_bank_account",
        expected_by=NEXT,
    )
    return {
        "looked_into": looked_into,
        "looked_into_asked_for": replace(
            looked_into, purpose=Purpose.MANUAL, again=False, paused=False
        ),
        "looked_into_paid": replace(looked_into, paid=True, again=False),
        "on_its_way": coming,
        "on_its_way_granted": replace(coming, granted_micro=10_000 * CREDIT),
        "on_its_way_minimal": replace(coming, card=None, expected_by=None),
    }


def _caps() -> dict[str, Mail]:
    capped = CapReached(
        reader=a_reader(),
        currency="usd",
        auto=replace(TOTALS, bought_micro=80_000 * CREDIT, paid_minor=9360),
        balance_micro=0,
    )
    return {
        "cap_reached": capped,
        "cap_reached_minimal": replace(
            capped,
            auto=AutoTotals(bought_micro=0, cap_micro=0, paid_minor=0, window_end=WINDOW_END),
        ),
    }
