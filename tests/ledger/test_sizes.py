"""Absurd sizes: refused or capped, never an exception from the database."""

from domain.credits import MICRO, MOST
from domain.errors import InvalidInput
from domain.teams.approvals import Kind
from ledger import grants
from ledger.teams import members
from ledger.usage import debits
from ledger.usage.debits import Demand
from tests.builders import (
    NOON,
    START,
    a_grant,
    a_subscribed_wallet,
    left,
    micro,
    use,
)
from tests.ledger import teams
from tests.ledger.holding import capture, hold

FULL = MOST * MICRO


def test_adjustments_do_not_overfill_a_wallet(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=1)
    grants.give(ledger, wallet.account_id, a_grant(quantity_micro=FULL - micro(1)), NOON)
    assert [adjusted(ledger, wallet, more) for more in (1, FULL)] == ["invalid_quantity"] * 2
    assert left(ledger, wallet) == FULL
    assert use(ledger, wallet, 1).status == "debited"
    assert adjusted(ledger, wallet, micro(1)) == "done"
    assert left(ledger, wallet) == FULL


def adjusted(connection, wallet, quantity_micro):
    more = a_grant(quantity_micro=quantity_micro, source="adjustment")
    try:
        grants.give(connection, wallet.account_id, more, NOON)
    except InvalidInput as error:
        return error.reason
    return "done"


def test_raised_limits_do_not_overflow(ledger):
    wallet = teams.a_team(ledger, limit=MOST)
    for n in range(10):
        assert teams.ask(ledger, wallet, MOST, f"raise-{n}", kind=Kind.CREDITS) == "waiting"
        assert teams.approve(ledger, wallet, f"raise-{n}") == "approved"

    assert teams.use(ledger, wallet, 1).status == "debited"
    pair = [Demand(wallet.account_id, teams.an_operation(1)) for _ in range(2)]
    assert {one.status for one in debits.debit(ledger, pair, NOON)} == {"debited"}
    more_than_there_is = teams.use(ledger, wallet, 1_000_000, key="more")
    assert more_than_there_is.status == "insufficient_credits"
    standing = members.standings(
        ledger,
        account_id=wallet.account_id,
        credit_type="credits",
        window_start=START,
        period_start=START,
    )["ada"]
    assert standing.left_micro is not None
    assert standing.left_micro > 8 * FULL


def test_a_hold_or_capture_of_any_size_is_answered(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=10)
    assert hold(ledger, wallet, MOST).status == "insufficient_credits"
    assert hold(ledger, wallet, 1, key="small").status == "held"
    taken = capture(ledger, wallet, MOST, key="small")
    assert (taken.status, taken.taken) == ("captured", (("credits", micro(10)),))
    assert taken.uncollected == (("credits", FULL - micro(10)),)
