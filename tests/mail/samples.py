"""One full and one minimal mail of each kind, and the variants whose wording differs."""

from dataclasses import replace
from datetime import UTC, datetime

from domain.mails.envelope import Mail
from domain.mails.facts import (
    Ask,
    AutoTotals,
    Lot,
    Offer,
    OtherCredits,
    PlanTerms,
    Purpose,
    Reader,
    Reason,
    UsedMost,
)
from domain.mails.money import (
    CapReached,
    Disputed,
    InvoiceCopy,
    LookedInto,
    OnItsWay,
    Paused,
    PaymentFailed,
    Receipt,
    Refunded,
    Resumed,
)
from domain.mails.notices import ApprovalAsked, ApprovalDecided, CreditsExpiring, LowBalance
from domain.mails.plans import Canceled, DowngradeScheduled, PlanChanged, Welcome
from domain.money import Ratio
from domain.payments import ChargeLine, Decline

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


def every_mail() -> dict[str, Mail]:
    """Return every wording by name."""
    return {
        **_receipts(),
        **_papers(),
        **_failures(),
        **_pauses(),
        **_plans(),
        **_balances(),
        **_ends(),
        **_returns(),
        **_approvals(),
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
    }


def _papers() -> dict[str, Mail]:
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
    return {"invoice_copy": copy, "invoice_copy_unpaid": replace(copy, paid=False)}


def _failures() -> dict[str, Mail]:
    hard = a_failure(decline=Decline.HARD, reason=Reason.DECLINED, retry_at=None, paused=True)
    return {
        "failed_soft": a_failure(),
        "failed_hard": hard,
        "failed_auto": replace(hard, purpose=Purpose.AUTO, amount_minor=1170),
        "failed_last": replace(hard, serves_until=NEXT, ends_at=NEXT),
        "failed_confirm": replace(hard, decline=Decline.NEEDS_CUSTOMER, reason=Reason.CONFIRMATION),
        "failed_upgrade": replace(hard, purpose=Purpose.UPGRADE, paused=False, card=None),
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
    capped = CapReached(
        reader=a_reader(),
        currency="usd",
        auto=replace(TOTALS, bought_micro=80_000 * CREDIT, paid_minor=9360),
        balance_micro=0,
    )
    return {
        "paused": paused,
        "paused_minimal": bare,
        "paused_unknown_debt": replace(bare, cause="payment_failed"),
        "resumed": resumed,
        "resumed_minimal": Resumed(reader=a_reader(), currency="usd", balance_micro=0),
        "looked_into": looked_into,
        "looked_into_asked_for": replace(
            looked_into, purpose=Purpose.MANUAL, again=False, paused=False
        ),
        "looked_into_paid": replace(looked_into, paid=True, again=False),
        "on_its_way": coming,
        "on_its_way_minimal": replace(coming, card=None, expected_by=None),
        "cap_reached": capped,
        "cap_reached_minimal": replace(
            capped,
            auto=AutoTotals(bought_micro=0, cap_micro=0, paid_minor=0, window_end=WINDOW_END),
        ),
    }


def _plans() -> dict[str, Mail]:
    welcome = Welcome(
        reader=a_reader(),
        currency="usd",
        terms=LARGE,
        balance_micro=80_000 * CREDIT,
        lots=(Lot(credits_micro=80_000 * CREDIT, expires_at=NEXT),),
        next_at=NEXT,
        next_minor=7200,
    )
    changed = PlanChanged(
        reader=a_reader(),
        currency="usd",
        old=CORE,
        new=LARGE,
        changed_at=NOW,
        paid_minor=4410,
        granted_micro=70_000 * CREDIT,
        balance_micro=71_694_130_000,
        next_at=NEXT,
        next_minor=7200,
    )
    free = replace(CORE, plan_name="Free", price_minor=0, allowance_micro=1_000 * CREDIT)
    down = DowngradeScheduled(
        reader=a_reader(), currency="usd", old=LARGE, new=CORE, effective_at=NEXT
    )
    return {
        "welcome": welcome,
        "welcome_trial": replace(welcome, trial=True),
        "welcome_quotas": replace(
            welcome,
            reader=a_reader(unit="SEO documents"),
            terms=replace(
                LARGE, also=(OtherCredits(name="AI <words>", credits_micro=100_000 * CREDIT),)
            ),
            lots=tuple(
                Lot(credits_micro=days * CREDIT, expires_at=NEXT.replace(day=days))
                for days in range(1, 8)
            ),
        ),
        "welcome_minimal": replace(welcome, terms=free, next_at=None, next_minor=None),
        "plan_changed": changed,
        "plan_changed_minimal": replace(changed, old=free, paid_minor=0, next_at=None),
        "downgrade": down,
        "downgrade_minimal": replace(down, new=free),
    }


def _balances() -> dict[str, Mail]:
    low = LowBalance(
        reader=a_reader(),
        currency="usd",
        percent=20,
        balance_micro=1_984_500_000,
        base_micro=10_000 * CREDIT,
        window_end=WINDOW_END,
        per_day_micro=412_250_000,
        days_left=4,
        used_most=(
            UsedMost(action="AI email", credits_micro=5_210 * CREDIT),
            UsedMost(action="Phone lookup", credits_micro=2_804 * CREDIT),
        ),
        offer=Offer(name="Pack of 2,500", quantity_micro=2_500 * CREDIT, price_minor=10_000),
    )
    expiring = CreditsExpiring(
        reader=a_reader(),
        expiring_micro=642_500_000,
        expires_at=WINDOW_END,
        days=7,
        balance_micro=1_984_500_000,
    )
    bare = replace(
        low,
        percent=None,
        threshold_micro=2_000 * CREDIT,
        days_left=None,
        per_day_micro=0,
        used_most=(),
        offer=None,
    )
    return {
        "low_balance": low,
        "low_balance_minimal": bare,
        "low_balance_last_day": replace(low, days_left=0, offer=None),
        "low_balance_wallet": replace(
            low, reader=a_reader(unit="SaaS credits in US dollars"), balance_micro=4_998_000
        ),
        "low_balance_auto": replace(low, balance_micro=0, days_left=0, auto_on=True),
        "low_balance_empty": replace(low, balance_micro=0, days_left=0),
        "credits_expiring": expiring,
        "credits_expiring_tomorrow": replace(expiring, days=1, expiring_micro=CREDIT),
    }


def _ends() -> dict[str, Mail]:
    canceled = Canceled(
        reader=a_reader(),
        requested_at=NOW,
        effective_at=NEXT,
        lost_micro=8_305_870_000,
        frozen_micro=2_500 * CREDIT,
    )
    return {
        "canceled": canceled,
        "canceled_minimal": replace(canceled, effective_at=NOW, lost_micro=0, frozen_micro=0),
        "canceled_quotas": replace(
            canceled,
            lost_micro=0,
            frozen_micro=0,
            lost_also=(OtherCredits(name="AI words", credits_micro=CREDIT),),
            frozen_also=(OtherCredits(name="SaaS credits", credits_micro=CREDIT),),
        ),
        "canceled_unpaid": replace(canceled, effective_at=NOW, currency="usd", unpaid_minor=2_900),
        "canceled_now": replace(canceled, effective_at=NOW),
    }


def _returns() -> dict[str, Mail]:
    refunded = Refunded(
        reader=a_reader(),
        currency="usd",
        amount_minor=2700,
        refunded_at=NOW,
        taken_micro=600 * CREDIT,
        balance_micro=80_000 * CREDIT,
    )
    disputed = Disputed(
        reader=a_reader(),
        currency="usd",
        amount_minor=4500,
        state="open",
        taken_micro=600 * CREDIT,
        owed_micro=400 * CREDIT,
        balance_micro=80_000 * CREDIT,
    )
    return {
        "refunded": refunded,
        "refunded_minimal": replace(refunded, taken_micro=0, balance_micro=0),
        "disputed": disputed,
        "disputed_lost": replace(disputed, state="lost"),
        "disputed_won": replace(disputed, state="won", taken_micro=0, owed_micro=0),
    }


def _approvals() -> dict[str, Mail]:
    reader = a_reader(addressee="Grace Hopper")
    operation = Ask(
        member_name="Ada Lovelace",
        action_name="Phone number lookup",
        quantity_micro=40 * CREDIT,
        credits_micro=80 * CREDIT,
        note="The list for Monday's campaign",
    )
    more = Ask(member_name="Ada Lovelace", credits_micro=100 * CREDIT)
    asked = ApprovalAsked(
        reader=reader, ask=operation, available_micro=100 * CREDIT, lapses_at=NEXT
    )
    approved = ApprovalDecided(
        reader=a_reader(addressee="Ada Lovelace"),
        ask=operation,
        outcome="approved",
        decided_by="Grace Hopper",
        held_until=NEXT,
    )
    refused = replace(
        approved, outcome="refused", reason="Please wait for the new month", held_until=None
    )
    return {
        "asked": asked,
        "asked_too_much": replace(asked, available_micro=70 * CREDIT),
        "asked_more": replace(asked, ask=more),
        "asked_by_default": replace(asked, reader=a_reader()),
        "approved": approved,
        "approved_more": replace(approved, ask=more, held_until=None, window_end=WINDOW_END),
        "refused": refused,
        "lapsed": replace(approved, outcome="lapsed", decided_by="", held_until=None),
    }
