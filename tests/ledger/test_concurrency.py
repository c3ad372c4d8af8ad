"""Many clients at once and no workflow: nothing overspent, bought twice, lost or doubled."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

import pytest
from sqlalchemy import Engine, func, select

from domain.usage import RefusedEvent
from ledger import accounts
from ledger.payments import charges
from ledger.usage import debits
from models.tables import ChargeRow, Entry
from tests.builders import (
    MONTH_END,
    NOON,
    SubscribedWallet,
    a_subscribed_wallet,
    an_event,
    auto_purchase_on,
    bought,
    left,
    micro,
    pay_auto,
    reserve_auto,
    set_policy,
    use,
)

Answer = TypeVar("Answer")


def at_once(calls: Sequence[Callable[[], Answer]]) -> list[Answer]:
    """Run all calls in threads of their own, released together."""
    start = Barrier(len(calls))

    def run(call: Callable[[], Answer]) -> Answer:
        start.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def debit_alone(engine: Engine, wallet: SubscribedWallet, key: str, amount=1):
    with engine.begin() as connection:
        return use(connection, wallet, amount, key=key)


def reserve_alone(engine: Engine, wallet: SubscribedWallet, charge_id: str, needed=1):
    with engine.begin() as connection:
        return charges.reserve_auto_purchase(
            connection,
            account_id=wallet.account_id,
            subscription_id=wallet.subscription_id,
            charge_id=charge_id,
            needed_micro=micro(needed),
            at=NOON,
        )


def rows(connection, table, wallet: SubscribedWallet) -> int:
    statement = select(func.count()).where(table.account_id == wallet.account_id)
    return connection.scalar(statement)


def test_m05_of_ten_debits_at_once_exactly_as_many_pass_as_there_are_credits(engine):
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection, allowance=3)

    answers = at_once([lambda k=k: debit_alone(engine, wallet, f"k{k}") for k in range(10)])

    assert Counter(a.status for a in answers) == {"debited": 3, "insufficient_credits": 7}
    assert [a.crossed for a in answers].count(True) == 1
    with engine.begin() as connection:
        assert left(connection, wallet) == 0


def test_m05_one_key_sent_ten_times_at_once_is_debited_once_with_ten_equal_answers(engine):
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection, allowance=3)

    answers = at_once([lambda: debit_alone(engine, wallet, "same")] * 10)

    assert Counter(a.status for a in answers) == {"debited": 1, "repeated": 9}
    assert {(a.seq, a.available_micro) for a in answers} == {(2, micro(2))}


def test_m05_with_auto_purchase_all_ten_pass_after_one_charge(engine):
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection, allowance=3, **auto_purchase_on())
    keys = [f"k{k}" for k in range(10)]

    first = at_once([lambda k=k: debit_alone(engine, wallet, k) for k in keys])
    assert Counter(a.status for a in first) == {"debited": 3, "purchase_needed": 7}
    with engine.begin() as connection:
        charge = charges.reserve_auto_purchase(
            connection,
            account_id=wallet.account_id,
            subscription_id=wallet.subscription_id,
            charge_id="auto",
            needed_micro=0,
            at=NOON,
        )
    while_pending = debit_alone(engine, wallet, "k9", 1)
    with engine.begin() as connection:
        bought_again = reserve_alone(engine, wallet, "other")
        charges.mark_void(connection, wallet.account_id, "auto", NOON)
        bought(connection, wallet, "auto-2")
    second = at_once([lambda k=k: debit_alone(engine, wallet, k) for k in keys])

    assert charge.status == "reserved"
    assert while_pending.status in ("purchase_needed", "repeated")
    assert bought_again.status == "purchase_pending"
    assert Counter(a.status for a in second) == {"debited": 7, "repeated": 3}
    with engine.begin() as connection:
        assert left(connection, wallet) == micro(9_993)


def test_a_purchase_in_flight_is_waited_for_though_the_cap_leaves_no_other(engine):
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection, allowance=0, **auto_purchase_on(cap=10_000))
    assert reserve_alone(engine, wallet, "auto").status == "reserved"

    assert debit_alone(engine, wallet, "covered", 10_000).status == "purchase_needed"
    assert debit_alone(engine, wallet, "too-large", 10_001).status == "cap_reached"


def test_of_ten_reservations_at_once_one_is_made(engine):
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection, allowance=0, **auto_purchase_on(cap=80_000))

    answers = at_once([lambda k=k: reserve_alone(engine, wallet, f"auto-{k}") for k in range(10)])

    assert Counter(a.status for a in answers) == {"reserved": 1, "purchase_pending": 9}
    assert len({a.charge_id for a in answers}) == 1
    with engine.begin() as connection:
        assert rows(connection, ChargeRow, wallet) == 1


def test_one_reservation_sent_ten_times_at_once_is_made_once(engine):
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection, allowance=0, **auto_purchase_on())

    answers = at_once([lambda: reserve_alone(engine, wallet, "auto")] * 10)

    assert Counter(a.status for a in answers) == {"reserved": 1, "repeated": 9}
    assert {(a.charge_id, a.amount_minor, a.surcharge_minor) for a in answers} == {
        ("auto", 1170, 270)
    }


def test_two_clients_never_overspend_nor_buy_twice(engine):
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection, allowance=40, **auto_purchase_on(cap=10_000))

    def client(name: int) -> list[str]:
        statuses = []
        for number in range(60):
            answer = debit_alone(engine, wallet, f"{name}-{number}")
            statuses.append(answer.status)
            if answer.status == "purchase_needed":
                statuses.append(reserve_alone(engine, wallet, f"auto-{name}-{number}").status)
        return statuses

    seen = Counter(status for statuses in at_once([lambda n=n: client(n) for n in (1, 2)])
                   for status in statuses)  # fmt: skip

    assert seen["debited"] == 40
    assert seen["reserved"] == 1
    with engine.begin() as connection:
        assert rows(connection, ChargeRow, wallet) == 2  # the period's and one auto-purchase


def test_nothing_is_spent_or_bought_while_paused(engine):
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection, allowance=1_000, **auto_purchase_on())

    def pause():
        with engine.begin() as connection:
            accounts.set_paused(connection, wallet.account_id, "payment_failed", NOON, paused=True)
            return connection.scalar(
                select(func.max(Entry.seq)).where(Entry.account_id == wallet.account_id)
            )

    def spend():
        return [debit_alone(engine, wallet, f"k{k}") for k in range(40)]

    paused_at, answers = at_once([pause, spend])

    spent = [a for a in answers if a.status == "debited"]
    assert all(a.seq <= paused_at for a in spent)
    assert {a.status for a in answers[len(spent) :]} == {"paused:payment_failed"}
    assert reserve_alone(engine, wallet, "auto", 5_000).status == "paused:payment_failed"
    with engine.begin() as connection:
        free = an_event(wallet.account_id, 0, action="csv_import")
        assert debits.debit(connection, [free], NOON)[0].status == "debited"


def test_the_cap_counts_what_is_paid_and_what_is_reserved(engine):
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection, allowance=0, **auto_purchase_on(cap=20_000))
        bought(connection, wallet, "auto-1", needed=10_000)
        use(connection, wallet, 10_000)
    assert reserve_alone(engine, wallet, "auto-2").status == "reserved"

    with engine.begin() as connection:
        charges.mark_void(connection, wallet.account_id, "auto-2", NOON)
        bought(connection, wallet, "auto-3")
        use(connection, wallet, 10_000)
    assert reserve_alone(engine, wallet, "auto-4").status == "cap_reached"


def test_m19_a_stale_crossing_buys_nothing(engine):
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection, allowance=1, **auto_purchase_on())
        assert use(connection, wallet, 1).crossed
        bought(connection, wallet, "auto-1")

    assert reserve_alone(engine, wallet, "late", 0).status == "not_needed"


def test_m18_a_late_renewal_is_waited_for_and_never_a_shortfall(engine):
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection, allowance=5, **auto_purchase_on())
        answer = use(connection, wallet, 1, at=MONTH_END, key="late")
        reserved = charges.reserve_auto_purchase(
            connection,
            account_id=wallet.account_id,
            subscription_id=wallet.subscription_id,
            charge_id="auto",
            needed_micro=0,
            at=MONTH_END,
        )

    assert answer.status == "renewal_pending"
    assert reserved.status == "renewal_pending"
    with engine.begin() as connection:
        assert rows(connection, ChargeRow, wallet) == 1


def test_switching_off_stops_the_next_purchase_and_not_the_one_in_flight(engine):
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection, allowance=0, **auto_purchase_on(cap=80_000))
        set_policy(connection, wallet, auto_on=False)
    assert reserve_alone(engine, wallet, "early").status == "auto_purchase_off"

    with engine.begin() as connection:
        set_policy(connection, wallet, auto_on=True)
        reserved = reserve_auto(connection, wallet, "auto")
        set_policy(connection, wallet, auto_on=False)
        pay_auto(connection, wallet, reserved)
        assert use(connection, wallet, 10_000).crossed
    assert reserve_alone(engine, wallet, "next").status == "auto_purchase_off"
    assert debit_alone(engine, wallet, "next").status == "insufficient_credits"


def test_each_of_many_deliveries_is_applied_once(engine):
    with engine.begin() as connection:
        wallets = [a_subscribed_wallet(connection, allowance=1_000) for _ in range(4)]
    events = [an_event(w.account_id, key=f"k{k}") for w in wallets for k in range(30)]
    deliveries = events * 16
    random.shuffle(deliveries)
    middle = len(deliveries) // 2
    calls = [[one] for one in deliveries[:middle]]
    calls += [deliveries[i : i + 40] for i in range(middle, len(deliveries), 40)]
    random.shuffle(calls)

    def send(mine):
        statuses = Counter()
        for batch in mine:
            with engine.begin() as connection:
                statuses.update(a.status for a in debits.debit(connection, batch, NOON))
        return statuses

    seen = sum(at_once([lambda n=n: send(calls[n::8]) for n in range(8)]), Counter())

    assert seen == {"debited": len(events), "repeated": 15 * len(events)}
    with engine.begin() as connection:
        assert [left(connection, w) for w in wallets] == [micro(970)] * 4


def test_batches_in_opposite_order_never_deadlock(engine):
    with engine.begin() as connection:
        wallets = [a_subscribed_wallet(connection, allowance=1_000) for _ in range(6)]

    def send(name, order):
        for number in range(40):
            batch = [an_event(w.account_id, key=f"{name}-{number}") for w in order]
            with engine.begin() as connection:
                statuses = {a.status for a in debits.debit(connection, batch, NOON)}
            assert statuses == {"debited"}

    at_once([lambda: send("up", wallets), lambda: send("down", wallets[::-1])])

    with engine.begin() as connection:
        assert [left(connection, w) for w in wallets] == [micro(920)] * 6


def test_keeping_refusals_and_debiting_in_one_transaction_never_deadlocks(engine):
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection, allowance=1_000)

    def send(name):
        for number in range(25):
            refused = RefusedEvent(f"{name}-{number}", None, "malformed", "{}")
            with engine.begin() as connection:
                accounts.keep_refusals(connection, wallet.account_id, [refused], NOON)
                use(connection, wallet, 1, key=f"{name}-{number}")

    at_once([lambda n=n: send(n) for n in range(4)])

    with engine.begin() as connection:
        assert left(connection, wallet) == micro(900)


@pytest.mark.parametrize("clients", [2, 12])
def test_one_customer_opened_at_once_is_one_wallet(engine, clients):
    details = accounts.CustomerDetails(
        customer_id="acme", name="Acme", email="a@example.com", locale="en_US", time_zone="UTC"
    )

    def opened():
        with engine.begin() as connection:
            return accounts.open_wallet(connection, details, "USD")

    assert len(set(at_once([opened] * clients))) == 1
