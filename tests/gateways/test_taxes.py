"""Charges with tax: the processor computes it, and its total is what is charged, or nothing is."""

from dataclasses import replace

import pytest

from domain.payments.charges import ChargeState, Paid, Sold
from domain.payments.reconciliation import BookedCharge
from domain.payments.taxes import TaxBehavior, TaxLine, TaxTerms
from gateways.payments import ProcessorRefusal

ADDED, INSIDE = TaxTerms(), TaxTerms(TaxBehavior.INCLUSIVE, "txcd_10103001")


@pytest.fixture
def living(anywhere):
    def payer(country=None):
        found = anywhere.payer()
        if country is not None:
            anywhere.client.customers.update(found, {"address": {"country": country}})
        return found

    return payer


def taxed(anywhere, payer, *amounts, terms=ADDED, **more):
    return replace(anywhere.charge(payer, *amounts), tax=terms, **more)


def prepared(anywhere, charge):
    return anywhere.payments.prepare(charge, key=charge.charge_id)


def test_tax_is_added_to_the_price_and_the_total_is_charged(anywhere, living):
    payer = living("GB")
    charge = taxed(anywhere, payer, 900, 270)
    made = prepared(anywhere, charge)
    assert made.taxed is not None
    assert (made.taxed.net_of(1170), made.taxed.tax_minor, made.taxed.total_of(1170)) == (
        1170,
        234,
        1404,
    )
    assert prepared(anywhere, charge) == made
    outcome = anywhere.payments.pay(made.invoice, key=f"{made.invoice}:pay:1")
    assert isinstance(outcome, Paid)
    assert (outcome.amount_minor, anywhere.paid(payer)) == (1404, [1404])


def test_tax_inside_a_price_leaves_the_total_as_it_was(anywhere, living):
    charge = taxed(anywhere, living("GB"), 1170, terms=INSIDE)
    said = prepared(anywhere, charge).taxed
    assert (said.net_of(1170), said.tax_minor, said.total_of(1170)) == (975, 195, 1170)


def test_a_place_without_tax_is_a_line_of_zero(here):
    payer = here.payer()
    here.client.customers.update(payer, {"address": {"country": "SG"}})
    charge = taxed(here, payer, 1170)
    said = prepared(here, charge).taxed
    assert said.lines == (TaxLine("Tax", "SG", "0", 1170, 0, "not_collecting"),)


def test_a_preview_says_the_tax_of_the_invoice_and_keeps_nothing(anywhere, living):
    payer = living("CH")
    said = anywhere.payments.preview_tax(payer, "USD", (10_000,), ADDED)
    assert (said.tax_minor, said.total_of(10_000)) == (810, 10_810)
    assert [(one.place, one.percent, one.taxable_minor) for one in said.lines] == [
        ("CH", "8.1", 10_000)
    ]
    assert anywhere.invoices(payer) == []
    assert prepared(anywhere, taxed(anywhere, payer, 10_000)).taxed == said


def test_without_a_place_nothing_is_said_to_be_zero_and_nothing_can_be_paid(anywhere, living):
    payer = living()
    with pytest.raises(ProcessorRefusal) as previewed:
        anywhere.payments.preview_tax(payer, "USD", (1170,), ADDED)
    charge = taxed(anywhere, payer, 1170)
    with pytest.raises(ProcessorRefusal) as refused:
        prepared(anywhere, charge)
    assert previewed.value.reason == refused.value.reason == "tax_location_missing"
    assert [one.status for one in anywhere.invoices(payer)] == ["draft"]
    anywhere.client.customers.update(payer, {"address": {"country": "GB"}})
    again = replace(charge, attempt=2)
    made = anywhere.payments.prepare(again, key=f"{charge.charge_id}:try:2")
    assert made.taxed.tax_minor == 234


@pytest.mark.parametrize("repeats", [1, 2])
def test_another_total_than_the_buyer_was_shown_is_void(anywhere, living, repeats):
    payer = living("GB")
    charge = taxed(anywhere, payer, 1170, expected_minor=1170)
    for _ in range(repeats):
        with pytest.raises(ProcessorRefusal) as refused:
            prepared(anywhere, charge)
        assert refused.value.reason == "price_changed"
    assert [one.status for one in anywhere.invoices(payer)] == ["void"]
    shown = taxed(anywhere, payer, 1170, expected_minor=1404)
    assert prepared(anywhere, shown).taxed.total_of(1170) == 1404


def test_an_invoice_whose_tax_was_switched_off_is_not_taken_for_one_of_zero(here):
    payer = here.payer()
    here.client.customers.update(payer, {"address": {"country": "GB"}})
    untaxed = here.charge(payer, 1170)
    here.payments.prepare(untaxed, key=untaxed.charge_id)
    with pytest.raises(ProcessorRefusal) as refused:
        here.payments.prepare(replace(untaxed, tax=ADDED), key=untaxed.charge_id)
    assert refused.value.reason == "tax_not_computed"
    assert [one.status for one in here.invoices(payer)] == ["void"]


@pytest.mark.parametrize(("terms", "added"), [(ADDED, 234), (INSIDE, 0)])
def test_a_claim_says_what_tax_was_added_and_is_never_granted_by_itself(
    anywhere, living, terms, added
):
    payer = living("GB")
    sold = Sold("make_europe", "core_10k", 1, 10_000_000_000)
    charge = taxed(anywhere, payer, 1170, terms=terms, sold=sold)
    charge = replace(charge, charge_id=f"subscription:auto:{charge.charge_id}")
    made = prepared(anywhere, charge)
    anywhere.payments.pay(made.invoice, key=f"{made.invoice}:pay:1")
    claim = anywhere.payments.claim(made.invoice)
    assert (claim.amount_minor, claim.added_minor, claim.sale) == (1170 + added, added, None)
    booked = BookedCharge(
        charge_id=charge.charge_id,
        customer_id="customer",
        subscription_id="subscription",
        state=ChargeState.OPEN,
        invoice=None,
        amount_minor=1170,
        returned_minor=0,
        currency="USD",
    )
    assert booked.is_paid_by(claim)
    assert replace(booked, state=ChargeState.PAID, amount_minor=1170 + added).is_paid_by(claim)
    assert not replace(booked, amount_minor=1169).is_paid_by(claim)


def test_a_state_that_taxes_is_named_with_its_country(here):
    payer = here.payer()
    new_york = {"country": "US", "state": "NY", "postal_code": "10001"}
    here.client.customers.update(payer, {"address": new_york})
    said = prepared(here, taxed(here, payer, 4000)).taxed
    assert said.lines == (TaxLine("Sales Tax", "US-NY", "8.875", 4000, 355, "standard_rated"),)
