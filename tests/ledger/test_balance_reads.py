"""A balance ties, whatever happened to the wallet: its numbers are sums of what its grants give."""

from datetime import timedelta

import pytest
from sqlalchemy import text, update

from activities.reads.balance import balance, standing
from api.watching.balances import OF_THE_CLOCK
from domain.credits import parse_credits
from ledger import balances, subscriptions
from ledger.reads import watched
from models.tables import Subscription
from tests.builders import (
    START,
    SubscribedWallet,
    shipped_plan,
)
from tests.ledger.machine.history import agree
from tests.ledger.test_whole_histories import WholeHistories
from tests.ledger.use_laws import parts_are_what_a_scan_finds, use_is_what_a_scan_finds

CLASSES = {"rolled over", "overdraft", "frozen", "refund refunded", "hold held"}
USED = text("""
    SELECT sum(used_of(g)) + coalesce((
        SELECT sum(e.change) FROM journal e WHERE e.account_id = :account
        AND e.credit_type = :kind AND e.kind = 'repayment'), 0)
    FROM grants g WHERE g.account_id = :account AND g.credit_type = :kind
""")


def amount(one, name):
    return parse_credits(one[name])


def ties(connection, wallet: SubscribedWallet, found, at) -> None:
    """Assert what must hold of a balance at any instant, once it is found."""
    booked = {
        one.credit_type: one for one in balances.balances_as_of(connection, wallet.account_id, at)
    }
    for kind, one in found["credit_types"].items():
        parts = one["grants"]
        for name in ("available", "held", "frozen"):
            assert amount(one, name) == sum(amount(part, name) for part in parts), (kind, name)
        assert amount(one, "available") == amount(one, "included_available") + amount(
            one, "extra_available"
        )
        assert amount(one, "available") == balances.available(
            connection, wallet.account_id, kind, at
        )
        known = booked.get(kind)
        assert amount(one, "held") == (known.held_micro if known else 0)
        assert amount(one, "available") + amount(one, "frozen") == (
            known.available_micro if known else 0
        )
        assert all(amount(part, "granted") >= amount(part, "used") for part in parts)
    assert booked.keys() <= found["credit_types"].keys() | {
        kind for kind, one in booked.items() if not one.available_micro
    }


def but_for_the_clock(found):
    """Return what a balance says by credit type, without what the clock alone changes."""
    return {
        kind: {name: value for name, value in one.items() if name not in OF_THE_CLOCK}
        for kind, one in found["credit_types"].items()
    }


class BalanceHistories(WholeHistories):
    """A wallet of which every feature is used, read after each step."""

    def begin(self):
        super().begin()
        self.by_mark = {}
        self.connection.execute(
            update(Subscription)
            .where(Subscription.account_id == self.real.wallet.account_id)
            .values(plan=subscriptions.as_json(shipped_plan("make", "core_10k")))
        )

    def compare(self, row):
        super().compare(row)
        wallet = self.real.wallet
        for ahead in (timedelta(0), timedelta(days=3)):
            at = self.clock + ahead
            stands = standing(self.connection, wallet.account_id, at)
            found = balance(wallet.customer_id, stands)
            ties(self.connection, wallet, found, stands.wallet.at)
            use_is_what_a_scan_finds(self.connection, wallet.account_id, at)
            self.compare_with_its_mark(wallet, found, at)
            if not ahead and stands.wallet.window_start == START:
                self.compare_use(wallet, found)
        parts_are_what_a_scan_finds(self.connection, wallet.account_id)

    def compare_with_its_mark(self, wallet, found, at):
        """Whatever happened and however much time went by: with the same mark it is the same."""
        mark = watched.marks(self.connection, [wallet.account_id], at)[wallet.account_id]
        kept = but_for_the_clock(found)
        assert self.by_mark.setdefault(mark, kept) == kept

    def compare_use(self, wallet, found):
        """In the first window all that was ever used was used in this one."""
        for kind, one in found["credit_types"].items():
            values = {"account": wallet.account_id, "kind": kind}
            used = self.connection.scalar(USED, values)
            assert amount(one, "used") == int(used or 0), kind


@pytest.mark.long
def test_the_numbers_of_a_balance_tie_on_random_histories(session_engine):
    agree(session_engine, BalanceHistories, set(), 6)


@pytest.mark.long
def test_the_numbers_of_a_balance_tie_on_random_histories_at_length(session_engine):
    agree(session_engine, BalanceHistories, CLASSES, 8, deep=True)
