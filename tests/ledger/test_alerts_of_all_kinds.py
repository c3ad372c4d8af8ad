"""Every fall of the balance alerts as a debit does; anything else alerts nobody."""

from domain.usage import Attempt
from ledger import grants
from tests.builders import NOON, START, a_grant, a_subscribed_wallet, left, micro, set_policy, use
from tests.builders import auto_purchase_on as auto_on
from tests.ledger.holding import capture, hold, release
from tests.ledger.returns import a_pack as a_paid_pack
from tests.ledger.returns import buy, dispute, refund
from tests.ledger.test_alerts import (
    a_pack,
    amount,
    committed,
    names,
    percent,
    put,
    told,
    watched,
)
from tests.ledger.test_ways import a_way, ask, wanted


def crossings(ledger, wallet):
    query = "SELECT count(*) FROM outbox WHERE account_id = %s AND topic = 'crossing'"
    return ledger.exec_driver_sql(query, (wallet.account_id,)).scalar()


def test_a_hold_tells_at_once_and_its_capture_not_again(ledger):
    wallet = watched(ledger, 100)
    with committed(ledger):
        hold(ledger, wallet, 79)
    assert told(ledger, wallet) == []  # 21 are available
    hold(ledger, wallet, 1, key="b")
    assert told(ledger, wallet) == [("20_percent", micro(20))]
    with committed(ledger):
        capture(ledger, wallet, 79)
        release(ledger, wallet, key="b")
        hold(ledger, wallet, 21, key="c")
    assert len(told(ledger, wallet)) == 1  # once a window, whatever came back meanwhile


def test_a_capture_beyond_its_hold_tells(ledger):
    wallet = watched(ledger, 100)
    with committed(ledger):
        hold(ledger, wallet, 70)
        capture(ledger, wallet, 80)
    assert told(ledger, wallet) == [("20_percent", micro(20))]


def test_a_hold_over_two_thresholds_tells_each(ledger):
    wallet = watched(ledger, 100, percent(50), percent(20))
    hold(ledger, wallet, 100)
    assert sorted(names(ledger, wallet)) == ["20_percent", "50_percent"]


def test_a_capture_that_empties_the_wallet_crosses_zero_once(ledger):
    wallet = a_subscribed_wallet(ledger, 100, **auto_on())
    hold(ledger, wallet, 100)
    assert crossings(ledger, wallet) == 0
    capture(ledger, wallet, 100)
    capture(ledger, wallet, 100)
    assert crossings(ledger, wallet) == 1


def test_a_refund_tells_and_buys_nothing_by_itself(ledger):
    wallet, pack = a_paid_pack(ledger)
    put(ledger, wallet, amount(100))
    set_policy(ledger, wallet, **auto_on())
    with committed(ledger):
        refund(ledger, wallet, pack)
    assert told(ledger, wallet) == [("100_credits", 0)]
    assert crossings(ledger, wallet) == 0


def test_a_chargeback_tells_once_however_often_it_is_heard_of(ledger):
    wallet, pack = a_paid_pack(ledger, used=10)
    put(ledger, wallet, amount(100))
    for state in ("open", "open", "lost"):
        with committed(ledger):
            dispute(ledger, wallet, pack, state)
    assert told(ledger, wallet) == [("100_credits", 0)]


def test_what_is_on_terms_tells_also_where_it_is_degraded_or_on_credit(ledger):
    degraded = watched(ledger, 100)
    dear, cheap = (a_way(200),), Attempt("draft", (a_way(85),))
    asked = wanted(degraded, "k", 1, dear, cheap, at_zero="block")
    assert ask(ledger, asked).served_as == "draft"
    assert told(ledger, degraded) == [("20_percent", micro(15))]

    on_credit = watched(ledger, 100)
    overdraft = a_grant(
        source="overdraft", priority=90, scope=("operation",), quantity_micro=micro(50)
    )
    grants.give(ledger, on_credit.account_id, overdraft, START)
    asked = wanted(on_credit, "k", 130, (a_way(1),), at_zero="block")
    assert ask(ledger, asked).status == "debited"
    assert told(ledger, on_credit) == [("20_percent", 0)]


def test_a_thawed_wallet_is_watched_from_the_level_of_all_it_has(ledger):
    wallet = watched(ledger, 100)
    grants.give(ledger, wallet.account_id, a_pack(500, at=START), START)
    grants.set_frozen(ledger, wallet.account_id, NOON, frozen=True)
    use(ledger, wallet, 70)
    assert told(ledger, wallet) == []  # 30 of 100
    grants.set_frozen(ledger, wallet.account_id, NOON, frozen=False)
    use(ledger, wallet, 409)
    assert told(ledger, wallet) == []  # 121 of 600
    use(ledger, wallet, 1)
    assert told(ledger, wallet) == [("20_percent", micro(120))]


def test_a_frozen_wallet_is_watched_without_what_it_cannot_spend(ledger):
    wallet = watched(ledger, 100)
    grants.give(ledger, wallet.account_id, a_pack(500, at=START), START)
    grants.set_frozen(ledger, wallet.account_id, NOON, frozen=True)
    use(ledger, wallet, 79)
    assert told(ledger, wallet) == []
    use(ledger, wallet, 1)
    assert told(ledger, wallet) == [("20_percent", micro(20))]


def test_a_purchase_after_a_refund_is_watched_as_any(ledger):
    wallet, pack = a_paid_pack(ledger, 10, 1_000)
    put(ledger, wallet, percent(20))
    with committed(ledger):
        refund(ledger, wallet, pack)
    buy(ledger, wallet=wallet, charge_id=f"{pack}:2", quantity=10, cost=1_000)
    use(ledger, wallet, 5)
    assert left(ledger, wallet) == micro(5)
    assert len(names(ledger, wallet)) == 1  # once a window
