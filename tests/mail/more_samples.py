"""Mails about plans, balances, ends, money that went back, and approvals."""

from dataclasses import replace

from domain.mails.envelope import Mail
from domain.mails.facts import (
    Ask,
    Lot,
    Offer,
    OtherCredits,
    UsedMost,
)
from domain.mails.money import (
    Disputed,
    Refunded,
)
from domain.mails.notices import (
    ApprovalAsked,
    ApprovalDecided,
    BonusGiven,
    CreditsExpiring,
    EndpointOff,
    FreshLink,
    LowBalance,
)
from domain.mails.plans import Canceled, DowngradeScheduled, PlanChanged, Uncanceled, Welcome
from tests.mail.facts import (
    CORE,
    CREDIT,
    LARGE,
    NEXT,
    NOW,
    WINDOW_END,
    a_reader,
)


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
        "downgrade_invoiced": replace(down, due_days=30),
        "downgrade_granted": replace(down, due_days=30, granted=True),
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
    given = BonusGiven(
        reader=a_reader(),
        name="Friends & <family>",
        given_micro=50 * CREDIT,
        expires_at=WINDOW_END,
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
        "bonus_given": given,
        "bonus_given_for_good": replace(given, expires_at=None, given_micro=CREDIT),
        "bonus_given_words": replace(given, reader=a_reader(unit="AI words")),
    }


def _ends() -> dict[str, Mail]:
    canceled = Canceled(
        reader=a_reader(),
        requested_at=NOW,
        effective_at=NEXT,
        lost_micro=8_305_870_000,
        frozen_micro=2_500 * CREDIT,
    )
    uncanceled = Uncanceled(
        reader=a_reader(), currency="usd", requested_at=NOW, next_at=NEXT, next_minor=2_900
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
        "uncanceled": uncanceled,
        "uncanceled_free": replace(uncanceled, next_at=None, next_minor=None),
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
        "refunded_taxed": replace(refunded, tax_minor=450),
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


def _endpoints() -> dict[str, Mail]:
    failing = EndpointOff(
        reader=a_reader(plan_name=""),
        endpoint_id="we_0123456789abcdef",
        is_gone=False,
        off_at=NEXT,
        days=5,
    )
    return {"endpoint_failing": failing, "endpoint_gone": replace(failing, is_gone=True)}


def _links() -> dict[str, Mail]:
    fresh = FreshLink(reader=a_reader(), days=90, is_of_invoices=False)
    return {"fresh_link": fresh, "fresh_invoices_link": replace(fresh, is_of_invoices=True)}


def other_mails() -> dict[str, Mail]:
    """Return every wording about these by name."""
    return {
        **_plans(),
        **_balances(),
        **_ends(),
        **_returns(),
        **_approvals(),
        **_endpoints(),
        **_links(),
    }
