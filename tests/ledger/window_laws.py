"""Laws of windows that are looked at again, for the battery of laws.py."""

from domain.money import Ratio
from domain.usage import Attempt, PricedEvent, PricedWay, Terms, UsageEvent
from ledger import balances, grants
from ledger.grants import RollTerms
from ledger.teams import limits
from ledger.usage import corrections, debits
from ledger.usage.corrections import CorrectionOrder
from ledger.usage.debits import Demand
from tests.builders import (
    MONTH_END,
    NOON,
    START,
    a_grant,
    a_paid_charge,
    a_subscribed_wallet,
    auto_purchase_on,
    left,
    micro,
    use,
)
from tests.ledger.two_windows import LATER, REOPENS, WINDOWS
from tests.ledger.undone import undone


def an_allowance(connection, wallet, key, cap, share=1):
    charge = a_paid_charge(connection, wallet, key, 1_000)
    order = a_grant(
        key=key,
        source="allowance",
        quantity_micro=micro(10),
        cost_minor=1_000,
        charge_id=charge,
        part=0,
        rolls=RollTerms(1, Ratio(1, share), micro(cap), 15),
    )
    grants.give(connection, wallet.account_id, order, START)


def a_cap_is_the_windows(engine, _):
    with undone(engine) as connection:
        wallet = a_subscribed_wallet(connection, allowance=0, windows=WINDOWS)
        an_allowance(connection, wallet, "a", cap=5)
        an_allowance(connection, wallet, "b", cap=8)
        assert grants.expire_due(connection, wallet.account_id, MONTH_END) == micro(12)
        assert left(connection, wallet, MONTH_END) == micro(8)


def what_moved_on_is_used_by_late_usage_of_its_window(engine, _):
    with undone(engine) as connection:
        wallet = a_subscribed_wallet(connection, allowance=0, windows=WINDOWS, **REOPENS)
        an_allowance(connection, wallet, "a", cap=8, share=2)
        grants.expire_due(connection, wallet.account_id, MONTH_END)
        use(connection, wallet, 4, at=LATER, event_at=NOON)
        assert left(connection, wallet, LATER) == micro(3)
        use(connection, wallet, 6, at=LATER, event_at=NOON)
        assert left(connection, wallet, LATER) == 0
        assert balances.books(connection, wallet.account_id)["revenue"] == -1_000
        assert balances.violations(connection) == []


def what_does_not_fit_a_closed_window_is_booked_now_and_buys_nothing(engine, _):
    with undone(engine) as connection:
        auto = auto_purchase_on()
        wallet = a_subscribed_wallet(connection, 10, windows=WINDOWS, **REOPENS, **auto)
        use(connection, wallet, 9)
        assert use(connection, wallet, 2, at=LATER, event_at=NOON).status == "debited"
        late = use(connection, wallet, 9, at=LATER, event_at=NOON)
        assert late.status == "insufficient_credits"


def a_correction_undoes_the_last_draw_first_and_what_has_run_out_breaks(engine, _):
    with undone(engine) as connection:
        wallet = a_subscribed_wallet(connection, 15, windows=WINDOWS, amount_minor=3_000)
        account = wallet.account_id
        grants.give(connection, account, a_grant(priority=30, expires_at=None), START)
        limits.set_limit(
            connection,
            account_id=account,
            counter="member:u",
            credit_type="credits",
            ceiling_micro=micro(20),
            at=NOON,
        )
        terms = Terms((Attempt("a", (PricedWay("credits", 1, 1),)),), ("member:u",))
        event = UsageEvent("mail", "a", micro(20), NOON)
        debits.debit(connection, [Demand(account, PricedEvent(event, "credits", 0, terms))], NOON)
        grants.expire_due(connection, account, LATER)
        order = CorrectionOrder(
            key="fix", event="mail", quantity_micro=micro(12), reason="twice", by="ann"
        )
        done = corrections.correct(
            connection, account_id=account, order=order, terms=terms, at=LATER
        )
        assert (done.given, done.closed) == ((("credits", micro(8)),), (("credits", micro(3)),))
        assert left(connection, wallet, LATER) == micro(25)
        books = balances.books(connection, account)
        assert (books["revenue"], books["breakage"]) == (-1_200, -300)
        assert limits.usage(connection, account, START)[0].used_micro == micro(12)
        other = CorrectionOrder(
            key="fix", event="mail", quantity_micro=micro(11), reason="twice", by="ann"
        )
        again = corrections.correct(
            connection, account_id=account, order=other, terms=terms, at=LATER
        )
        assert again.status == "idempotency_conflict"
        assert balances.violations(connection) == []


WINDOW_LAWS = (
    a_correction_undoes_the_last_draw_first_and_what_has_run_out_breaks,
    a_cap_is_the_windows,
    what_moved_on_is_used_by_late_usage_of_its_window,
    what_does_not_fit_a_closed_window_is_booked_now_and_buys_nothing,
)
