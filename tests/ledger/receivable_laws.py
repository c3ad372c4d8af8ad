"""Laws of credits granted before their money, for the battery: each notices a seeded fault."""

from ledger import accounts, balances
from tests.builders import NOON, left, micro
from tests.ledger.holding import hold, release
from tests.ledger.owing import a_debited_pack, fail, grant_early, on_its_way, pay, void
from tests.ledger.returns import debt
from tests.ledger.undone import undone


def what_fails_is_taken_back_and_comes_after_all_once(engine, _):
    with undone(engine) as connection:
        wallet, charge = a_debited_pack(connection, used=400)
        assert balances.violations(connection) == []
        fail(connection, wallet, charge)
        assert (left(connection, wallet), debt(connection, wallet)) == (0, micro(400))
        assert balances.violations(connection) == []
        assert grant_early(connection, wallet, charge) == "repeated"
        assert pay(connection, wallet, charge)
        assert (left(connection, wallet), debt(connection, wallet)) == (micro(600), 0)
        assert not pay(connection, wallet, charge)
        assert balances.books(connection, wallet.account_id)["cash"] == 4_500
        assert balances.violations(connection) == []


def what_is_given_up_is_taken_back(engine, _):
    with undone(engine) as connection:
        wallet, charge = a_debited_pack(connection)
        assert void(connection, wallet, charge) == "processing"
        void(connection, wallet, charge, gone=True)
        assert left(connection, wallet) == 0
        assert balances.violations(connection) == []


def nothing_stays_of_what_failed(engine, _):
    with undone(engine) as connection:
        wallet, charge = a_debited_pack(connection, 100, 33, used=1)
        fail(connection, wallet, charge)
        assert (left(connection, wallet), debt(connection, wallet)) == (0, micro(1))
        assert not any(balances.books(connection, wallet.account_id).values())
        assert balances.violations(connection) == []


def held_credits_of_what_failed_go_when_they_are_free(engine, _):
    with undone(engine) as connection:
        wallet, charge = a_debited_pack(connection)
        hold(connection, wallet, 100, key="a")
        fail(connection, wallet, charge)
        release(connection, wallet, key="a")
        assert left(connection, wallet) == 0
        assert balances.violations(connection) == []


def who_left_one_unpaid_waits_for_the_money_of_the_next(engine, _):
    with undone(engine) as connection:
        wallet, charge = a_debited_pack(connection, used=400)
        fail(connection, wallet, charge)
        on_its_way(connection, wallet, "next")
        assert grant_early(connection, wallet, "next") == "credits_owed"
        fail(connection, wallet, "next")
        pay(connection, wallet, charge)
        assert grant_early(connection, wallet, "next") == "declined"
        on_its_way(connection, wallet, "later")
        accounts.end(connection, wallet.account_id, NOON)
        assert grant_early(connection, wallet, "later") == "subscription_ended"


RECEIVABLE_LAWS = (
    what_fails_is_taken_back_and_comes_after_all_once,
    what_is_given_up_is_taken_back,
    nothing_stays_of_what_failed,
    held_credits_of_what_failed_go_when_they_are_free,
    who_left_one_unpaid_waits_for_the_money_of_the_next,
)
