"""Usage is priced by the plan that is in force at its place in the order, or it is not decided."""

from dataclasses import replace

import pytest

from domain.usage import Attempt, PricedWay, Terms
from ledger import balances
from ledger.usage import debits, holds, policies
from ledger.usage.requests import ask
from tests.builders import MONTH_END, NOON, a_subscribed_wallet, an_event, left, micro, shipped_plan
from tests.ledger.test_check import whole

ON_TERMS = Terms((Attempt("operation", (PricedWay("credits", 1, 1),)),))


@pytest.fixture
def wallet(ledger):
    made = a_subscribed_wallet(ledger, 100)
    policies.set_policy(ledger, made.account_id, shipped_plan("make", "core_10k"))
    return made


def priced_by(wallet, revision, *, terms=None, **facts):
    demand = an_event(wallet.account_id, **facts)
    return replace(demand, revision=revision, priced=replace(demand.priced, terms=terms))


@pytest.mark.parametrize("terms", [None, ON_TERMS], ids=["plain", "on terms"])
@pytest.mark.parametrize("revision", [0, 2, 2**62])
def test_a_price_of_another_plan_moves_nothing(ledger, wallet, terms, revision):
    before = whole(ledger, wallet.account_id)
    demand = priced_by(wallet, revision, terms=terms)
    assert debits.debit(ledger, [demand], NOON)[0].status == "stale_plan"
    beside = priced_by(wallet, revision, terms=terms)
    assert {one.status for one in debits.debit(ledger, [demand, beside], NOON)} == {"stale_plan"}
    assert ask(ledger, debits.checking(demand, NOON)).status == "stale_plan"
    held = holds.holding(
        wallet.account_id, demand.priced, lapses_at=MONTH_END, at=NOON, revision=revision
    )
    assert ask(ledger, held).status == "stale_plan"
    assert whole(ledger, wallet.account_id) == before


def test_of_a_batch_only_what_was_priced_by_another_plan_is_left(ledger, wallet):
    other = a_subscribed_wallet(ledger, 100)
    sent = [priced_by(wallet, 0), priced_by(wallet, 1), an_event(other.account_id, 1)]
    answers = debits.debit(ledger, sent, NOON)
    assert [one.status for one in answers] == ["stale_plan", "debited", "debited"]
    assert left(ledger, wallet) == micro(99)
    assert balances.violations(ledger) == []


def test_a_repeat_gets_its_first_answer_whatever_plan_is_in_force(ledger, wallet):
    first = priced_by(wallet, 1, key="once")
    assert debits.debit(ledger, [first], NOON)[0].status == "debited"
    policies.set_policy(ledger, wallet.account_id, shipped_plan("make", "core_40k"))
    assert debits.debit(ledger, [first], NOON)[0].status == "repeated"
    beside = an_event(wallet.account_id, 1)
    assert debits.debit(ledger, [first, beside], NOON)[0].status == "repeated"


def test_every_plan_that_is_put_in_force_counts(ledger, wallet):
    for plan in ("core_40k", "core_10k"):
        policies.set_policy(ledger, wallet.account_id, shipped_plan("make", plan))
    assert debits.debit(ledger, [priced_by(wallet, 1)], NOON)[0].status == "stale_plan"
    assert debits.debit(ledger, [priced_by(wallet, 3)], NOON)[0].status == "debited"


def test_what_needs_approval_is_refused_until_it_is_held(ledger, wallet):
    large = replace(ON_TERMS, needs_approval=True)
    demand = priced_by(wallet, 1, terms=large, key="large")
    beside = priced_by(wallet, 1)
    assert debits.debit(ledger, [demand], NOON)[0].status == "approval_required"
    answers = debits.debit(ledger, [demand, beside], NOON)
    assert [one.status for one in answers] == ["approval_required", "debited"]
    approved = replace(demand.priced, terms=ON_TERMS)
    held = holds.holding(wallet.account_id, approved, lapses_at=MONTH_END, at=NOON)
    assert ask(ledger, held).status == "held"
    asked = holds.holding(wallet.account_id, demand.priced, lapses_at=MONTH_END, at=NOON)
    assert ask(ledger, asked).status == "repeated"
