"""The policies that few sellers need are read exactly, or refused with their line."""

from pathlib import Path

import pytest

from catalogs.reader import read_catalog
from domain.credits import MICRO
from domain.errors import InvalidCatalog
from domain.money import Ratio
from domain.payments.kinds import CARDS, PaymentKind, TakenKinds
from domain.payments.taxes import TaxBehavior, TaxTerms
from domain.pricing.catalog import Allowance, Extras, Starter, Trial
from domain.pricing.policies import (
    AfterDunning,
    Alert,
    AnchorRule,
    AtZero,
    Channel,
    Companion,
    DebtRepaidFrom,
    Overdraft,
    Rollover,
    VolumeTier,
    WhileUnpaid,
)

SOUND = (Path(__file__).parent / "rich.yaml").read_text(encoding="utf-8")
RICH = read_catalog(SOUND)
FULL = RICH.plan("full")


def changed(old, new):
    assert SOUND.count(old) >= 1, old
    return SOUND.replace(old, new, 1)


def faults_of(text):
    with pytest.raises(InvalidCatalog) as refusal:
        read_catalog(text, "rich.yaml")
    return refusal.value.faults


def test_what_an_action_does_at_zero_is_read():
    large, small, view = RICH.actions

    assert (large.at_zero, large.degrades_to) == (AtZero.DEGRADE, "small")
    assert (small.at_zero, small.once_per) == (AtZero.OVERDRAFT, None)
    assert (view.at_zero, view.once_per) == (AtZero.PROMPT, "page")


def test_what_a_plan_gives_beside_its_allowance_is_read():
    assert RICH.plan("free").starter == (Starter("credits", 50 * MICRO, Extras.NEVER, ("small",)),)
    assert FULL.companions == (Companion("traffic", 512 * MICRO),)
    assert FULL.trial == Trial(14, (Allowance("credits", 100 * MICRO),))
    assert FULL.allowances[0].rollover == Rollover(Ratio(1, 2), 300 * MICRO, 2)


def test_an_overdraft_serves_the_actions_that_ask_for_one():
    assert FULL.overdraft == Overdraft("credits", 25 * MICRO, ("small",))
    assert FULL.debt_repaid_from is DebtRepaidFrom.ALL_GRANTS


def test_the_discounts_of_larger_purchases_are_read():
    assert FULL.manual.volume == (VolumeTier(1000 * MICRO, Ratio(10, 1)),)
    assert FULL.pack("block").volume == (
        VolumeTier(500 * MICRO, Ratio(5, 1)),
        VolumeTier(1000 * MICRO, Ratio(25, 2)),
    )


def test_whom_a_plan_tells_and_asks_is_read():
    assert FULL.alerts == (
        Alert("20_percent", 20, None, Channel.EMAIL),
        Alert("2.5_credits", None, 2_500_000, Channel.BOTH, rearms=True),
    )
    assert RICH.plan("free").alerts == ()
    assert FULL.expiry_warning_days == (7, 1)
    assert (FULL.approval_above_micro, FULL.approval_days) == (50 * MICRO, 3)
    assert FULL.adjustment_limit_micro == 1000 * MICRO


def test_the_clock_and_the_end_of_a_plan_are_read():
    assert FULL.anchor_rule is AnchorRule.MONTH_FIRST
    assert (FULL.while_unpaid, FULL.after_dunning) == (WhileUnpaid.PAUSE, AfterDunning.END)
    assert FULL.grace_days == 7


def test_a_plan_that_names_no_policy_follows_the_usual_ones():
    free = RICH.plan("free")

    assert (free.anchor_rule, free.while_unpaid, free.grace_days) == ("start", "pause", 0)
    assert free.after_dunning == "stay_past_due"
    assert (free.trial, free.overdraft, free.approval_above_micro) == (None, None, None)
    assert (free.debt_repaid_from, free.companions, free.approval_days) == ("purchases", (), 7)


def test_a_trial_without_its_own_allowances_grants_the_plans():
    text = changed(", allowances: [{type: credits, quantity: 100}]}", "}")

    assert read_catalog(text).plan("full").trial.allowances == FULL.allowances


REFUSED = [
    ("at_zero: prompt", "at_zero: beg", 12, "must be one of: purchase, block, prompt"),
    ("once_per: page", 'once_per: ""', 12, "is not an id"),
    ("degrades_to: small", "degrades_to: tiny", 10, "'tiny' is not among the actions"),
    ("degrades_to: small, ", "", 10, "`degrade` needs degrades_to"),
    ("at_zero: degrade", "at_zero: block", 10, "`degrade` needs degrades_to"),
    ("degrades_to: small", "degrades_to: large", 10, "forms a cycle"),
    ("from: 500, percent_off: 5", "from: 1000, percent_off: 5", 14, "must begin above"),
    ('percent_off: "12.5"', "percent_off: 5", 14, "take more"),
    ('percent_off: "12.5"', "percent_off: 100", 14, "above 0 and below 100"),
    ('percent_off: "12.5"', "off: 5, percent_off: 50", 14, "unknown key 'off'"),
    ("percent_off: 10}", "percent_off: 0}", 35, "above 0 and below 100"),
    ("percent: 20", "percent: 100", 20, "must be below 100"),
    ("percent: 20", "percent: 20, credits: 1", 20, "write one of them"),
    ("{percent: 20, channel", "{channel", 20, "write one of them"),
    ("channel: email", "channel: pigeon", 20, "must be one of: email, in_app, both"),
    ('{credits: "2.5"', "{percent: 20", 20, "used twice"),
    ("rearm_on_purchase: true", "rearm_on_purchase: often", 20, "true or false"),
    ("quantity: 50, expires: never", "quantity: 50", 27, "or with `valid_days`"),
    ("expires: never, scope", "expires: never, valid_days: 9, scope", 27, "not both"),
    ("expires: never, scope", "valid_days: 3661, scope", 27, "from 1 to 3,660 days"),
    ("scope: [small]", "scope: [huge]", 27, "not among the actions"),
    ("share_percent: 50", "share_percent: 101", 34, "at most 100"),
    ("share_percent: 50, amount: 300, ", "", 34, "write share_percent, amount or both"),
    ("times: 2", "times: 0", 34, "greater than zero"),
    ("type: traffic, per_credit: 512", "type: gold, per_credit: 512", 36, "credit_types"),
    ("per_credit: 512", "per_credit: -1", 36, "greater than zero"),
    ("days: 14", "days: 0", 37, "greater than zero"),
    ("quantity: 100}]}", "quantity: 100, share: 2}]}", 37, "unknown key 'share'"),
    ("quantity: 100}]}", "quantity: 100, rollover: {amount: 5}}]}", 37, "unknown key 'rollover'"),
    ("overdraft: {type: credits", "overdraft: {type: traffic", 38, "has `at_zero: overdraft`"),
    ("limit: 25", "limit: 0", 38, "greater than zero"),
    ("repaid_from: all_grants", "repaid_from: gifts", 39, "must be one of: purchases, all_grants"),
    ("after_dunning: end", "after_dunning: hope", 40, "must be one of: stay_past_due, end"),
    ("after_dunning: end", "renewal_failure: end_after_dunning", 40, "is two keys now"),
    ("grace_days: 7", "grace_days: -7", 41, "whole number"),
    ("approval_above: 50", "approval_above: 0", 42, "greater than zero"),
    ("approval_days: 3", "approval_days: 0", 43, "greater than zero"),
    ("adjustment_limit: 1000", "adjustment_limit: some", 44, "is not credits"),
    ("[7, 1]", "[1, 7]", 45, "the days must fall"),
    ("anchor: month_first", "anchor: new_year", 46, "must be one of: start, month_first"),
]


@pytest.mark.parametrize(("old", "new", "line", "words"), REFUSED)
def test_a_faulty_policy_is_refused_with_its_line_and_reason(old, new, line, words):
    faults = faults_of(changed(old, new))

    assert any(fault.startswith(f"rich.yaml:{line}: ") and words in fault for fault in faults)


def test_a_longer_circle_of_degrading_is_refused():
    text = changed("at_zero: overdraft", "at_zero: degrade, degrades_to: large")
    faults = faults_of(text.replace("    overdraft: {type: credits, limit: 25}\n", ""))

    assert [fault.split(":")[1] for fault in faults] == ["10", "11"]


def test_only_what_ends_with_it_has_grace():
    (fault,) = faults_of(changed("after_dunning: end", "after_dunning: stay_past_due"))

    assert "rich.yaml:41: " in fault


def test_a_free_plan_has_no_trial():
    (fault,) = faults_of(changed("    alerts: []", "    alerts: []\n    trial: {days: 3}"))

    assert "nothing to try" in fault


def test_a_week_does_not_begin_on_the_first_of_the_month():
    (fault,) = faults_of(
        changed("    anchor: month_first", "    interval: week\n    anchor: month_first")
    )

    assert "whole months" in fault


def test_all_faults_of_the_policies_come_at_once():
    text = SOUND.replace("limit: 25", "limit: x").replace("times: 2", "times: x")
    text = text.replace("[7, 1]", "[1, 7]").replace("channel: email", "channel: x")

    assert [int(fault.split(":")[1]) for fault in faults_of(text)] == [20, 34, 38, 45]


def test_a_plan_takes_cards_unless_it_says_what_else():
    assert FULL.takes == TakenKinds(CARDS, CARDS, CARDS)
    listed = "payment_methods: {plan: [card, bank_debit], purchases: [bank_debit]}"
    both, debits = (PaymentKind.CARD, PaymentKind.BANK_DEBIT), (PaymentKind.BANK_DEBIT,)
    found = read_catalog(changed("    approval_above:", f"    {listed}\n    approval_above:"))
    assert found.plan("full").takes == TakenKinds(both, debits, CARDS)
    assert found.plan("full").takes.any == both


@pytest.mark.parametrize("kinds", ["[]", "[card, card]", "[cash]", "card"])
def test_kinds_of_payment_methods_are_named_once(kinds):
    listed = f"payment_methods: {{auto: {kinds}}}"
    found = faults_of(changed("    approval_above:", f"    {listed}\n    approval_above:"))
    assert found
    assert all("payment_methods.auto" in one for one in found)


def test_an_invoice_pays_a_plan_alone_and_waits_days():
    found = read_catalog(with_keys("payment_methods: {plan: [invoice], due_days: 14}")).plan("full")
    assert (found.takes.plan, found.takes.due_days) == ((PaymentKind.INVOICE,), 14)
    assert found.takes.any == CARDS  # what purchases are charged to
    usual = read_catalog(with_keys("payment_methods: {plan: [invoice]}")).plan("full")
    assert usual.takes.due_days == 30


def test_what_is_granted_when_its_invoice_is_sent_is_given_up_within_its_period():
    short = ("payment_methods: {plan: [invoice], due_days: 14}", "grant_on: processing")
    assert read_catalog(with_keys(*short)).plan("full").takes.invoiced
    (fault,) = faults_of(with_keys("payment_methods: {plan: [invoice]}", "grant_on: processing"))
    assert "given up within 38 days of being sent" in fault


def test_the_days_of_grace_after_an_invoice_end_in_a_pause_at_least():
    text = with_keys("payment_methods: {plan: [invoice]}").replace("after_dunning: end", "")
    text = text.replace("while_unpaid: serve_purchased", "")
    assert read_catalog(text).plan("full").grace_days
    (fault,) = faults_of(text.replace("[invoice]", "[card]"))
    assert ".grace_days: " in fault


@pytest.mark.parametrize(
    ("listed", "key"),
    [
        ("{plan: [invoice, card]}", "plan"),
        ("{purchases: [invoice, card]}", "purchases"),
        ("{auto: [invoice]}", "auto"),
        ("{plan: [card], due_days: 14}", "due_days"),
        ("{plan: [invoice], due_days: 0}", "due_days"),
    ],
)
def test_an_invoice_is_refused_where_nobody_would_wait_for_it(listed, key):
    (fault,) = faults_of(with_keys(f"payment_methods: {listed}"))
    assert f"payment_methods.{key}: " in fault


SOLD = "payment_methods: {plan: [invoice], purchases: [invoice], due_days: 30}"


def with_keys(*lines):
    before = "    approval_above:"
    return changed(before, "".join(f"    {one}\n" for one in lines) + before)


def test_what_ends_with_a_window_is_not_sold_by_invoice():
    lasting = (Path(__file__).parents[2] / "catalogs/examples/trusted_debits.yaml").read_text()
    sold = lasting.replace("payment_methods: {plan: [invoice], due_days: 30}", SOLD)
    assert read_catalog(sold).plan("house").takes.sells_by_invoice
    for ending in ("expires: window_end", "expires: period_end"):
        (fault, *_) = faults_of(sold.replace("expires: never", ending))
        assert ".payment_methods: what is bought may be over before its invoice is paid" in fault


def test_no_tax_is_computed_unless_the_plan_says_so():
    assert FULL.tax is None
    assert read_catalog(with_keys("tax: none")).plan("full").tax is None
    found = read_catalog(with_keys("tax: processor")).plan("full").tax
    assert found == TaxTerms(TaxBehavior.EXCLUSIVE, "")
    wanted = ("tax: processor", "tax_behavior: inclusive", "tax_code: txcd_10103001")
    found = read_catalog(with_keys(*wanted)).plan("full").tax
    assert found == TaxTerms(TaxBehavior.INCLUSIVE, "txcd_10103001")


@pytest.mark.parametrize(
    ("lines", "key"),
    [
        (("tax: seller",), "tax"),
        (("tax: processor", "tax_behavior: both"), "tax_behavior"),
        (("tax: processor", "tax_code: software"), "tax_code"),
        (("tax_behavior: inclusive",), "tax_behavior"),
        (("tax: none", "tax_code: txcd_10103001"), "tax_code"),
    ],
)
def test_tax_is_refused_where_it_means_nothing(lines, key):
    (fault,) = faults_of(with_keys(*lines))
    assert f".{key}: " in fault


def test_an_offer_that_could_not_say_its_tax_is_refused():
    terms = 'unit_price: "1.00", surcharge_percent: 0, cap: 50, dunning: []'
    sold = f"auto: {{type: credits, unit: 10, {terms}}}"
    (fault,) = faults_of(with_keys("tax: processor", sold))
    assert "at_zero: prompt" in fault
    inside = with_keys("tax: processor", "tax_behavior: inclusive", sold)
    assert read_catalog(inside).plan("full").tax is not None
