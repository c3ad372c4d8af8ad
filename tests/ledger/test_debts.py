"""Worked numbers of debts and of frozen credits, against the real ledger."""

from dataclasses import replace

import pytest

from ledger import balances, grants
from ledger.usage import debits
from tests.builders import (
    NOON,
    START,
    a_grant,
    a_paid_charge,
    a_subscribed_wallet,
    an_event,
    auto_purchase_on,
    micro,
    pay_auto,
    reserve_auto,
    use,
)
from tests.ledger.test_ways import a_way, ask, laws_broken, left, wanted


def debt(ledger, wallet):
    statement = "SELECT counter_value(%s, 'debt:credits', '-infinity')"
    return ledger.exec_driver_sql(statement, (wallet.account_id,)).scalar()


def an_indebted_wallet(ledger, **policy):
    """Four credits are owed, and none is left."""
    wallet = a_subscribed_wallet(ledger, allowance=3, **policy)
    overdraft = a_grant(
        source="overdraft", priority=90, scope=("events",), quantity_micro=micro(5), cost_minor=0
    )
    grants.give(ledger, wallet.account_id, overdraft, START)
    demand = wanted(wallet, "b", 1, [a_way(7)], action="events", at_zero="block")
    assert ask(ledger, demand).status == "debited"
    assert debt(ledger, wallet) == micro(4)
    return wallet


@pytest.mark.parametrize("source", ["allowance", "bonus", "adjustment"])
def test_a_debt_is_repaid_from_purchases_and_by_default_from_nothing_else(ledger, source):
    wallet = an_indebted_wallet(ledger)

    given = a_grant(source=source, quantity_micro=micro(3))
    assert grants.give(ledger, wallet.account_id, given, NOON) == micro(3)
    assert debt(ledger, wallet) == micro(4)
    pack = a_grant(source="pack", quantity_micro=micro(10), expires_at=None)
    assert grants.give(ledger, wallet.account_id, pack, NOON) == micro(3 + 6)
    assert debt(ledger, wallet) == 0


def test_an_auto_purchase_buys_for_the_debt_too_in_one_charge(ledger):
    wallet = an_indebted_wallet(ledger, **auto_purchase_on(cap=20_000))

    event = use(ledger, wallet, 9_998, key="k")
    reserved = reserve_auto(ledger, wallet, "auto", 9_998)

    assert event.status == "purchase_needed"
    assert reserved.quantity_micro == micro(20_000)
    assert pay_auto(ledger, wallet, reserved) == micro(20_000 - 4)
    assert use(ledger, wallet, 9_998, key="k").status == "debited"


def test_a_cap_that_does_not_leave_the_debt_and_the_shortfall_buys_nothing(ledger):
    wallet = an_indebted_wallet(ledger, **auto_purchase_on(cap=10_000))

    assert use(ledger, wallet, 9_997).status == "cap_reached"
    assert use(ledger, wallet, 9_996).status == "purchase_needed"
    assert reserve_auto(ledger, wallet, "auto", 9_997).status == "cap_reached"


def test_an_overdraft_serves_its_actions_and_new_credits_repay_it_first(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=3, debt_repaid_from="all_grants")
    overdraft = a_grant(
        source="overdraft", priority=90, scope=("events",), quantity_micro=micro(5), cost_minor=0
    )
    assert grants.give(ledger, wallet.account_id, overdraft, START) == micro(3)
    assert left(ledger, wallet) == micro(3)
    (shown,) = balances.balances_as_of(ledger, wallet.account_id, NOON)
    assert shown.available_micro == micro(3)

    def act(key, amount, action):
        demand = wanted(wallet, key, 1, [a_way(amount)], action=action, at_zero="block")
        return ask(ledger, demand)

    assert act("a", 4, "export").status == "insufficient_credits"
    served = act("b", 7, "events")
    assert (served.status, served.available_micro, served.crossed) == ("debited", 0, True)
    assert debt(ledger, wallet) == micro(4)
    beyond = act("c", 2, "events")
    assert (beyond.status, beyond.missing_micro) == ("insufficient_credits", micro(1))
    assert use(ledger, wallet, 1).status == "insufficient_credits"

    charge = a_paid_charge(ledger, wallet, f"{wallet.customer_id}:pack", 1_000)
    pack = a_grant(
        source="pack", quantity_micro=micro(10), cost_minor=1_000, charge_id=charge, part=0
    )
    assert grants.give(ledger, wallet.account_id, pack, NOON) == micro(6)
    assert debt(ledger, wallet) == 0
    grants.expire_due(ledger, wallet.account_id, NOON)
    earned = -balances.books(ledger, wallet.account_id)["revenue"]
    assert earned == 900 + 400
    assert laws_broken(ledger, wallet) == []


def test_what_was_purchased_freezes_and_thaws(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=3)
    pack = a_grant(source="pack", quantity_micro=micro(10), expires_at=None)
    grants.give(ledger, wallet.account_id, pack, START)

    grants.set_frozen(ledger, wallet.account_id, NOON, frozen=True)
    assert left(ledger, wallet) == micro(3)
    late = replace(pack, key=f"{pack.key}:paid-late")
    assert grants.give(ledger, wallet.account_id, late, NOON) == micro(3)
    assert balances.available_of_each(ledger, wallet.account_id, NOON) == {"credits": micro(3)}
    assert use(ledger, wallet, 4).status == "insufficient_credits"
    both = [an_event(wallet.account_id, 2), an_event(wallet.account_id, 2)]
    statuses = [one.status for one in debits.debit(ledger, both, NOON)]
    assert statuses == ["debited", "insufficient_credits"]

    grants.set_frozen(ledger, wallet.account_id, NOON, frozen=False)
    assert left(ledger, wallet) == micro(21)
    assert use(ledger, wallet, 21).status == "debited"
    assert laws_broken(ledger, wallet) == []
