"""Money in reports: liability, movement and prices tie to the postings, to the minor unit."""

from collections import Counter
from datetime import timedelta
from fractions import Fraction
from operator import sub

import pytest
from hypothesis import example, given, settings
from sqlalchemy import text

from domain.money import recognised
from ledger.reports.liability import liability
from ledger.reports.movement import deferred_movement
from ledger.reports.prices import effective_prices
from ledger.reports.scope import Scope
from tests.ledger.reports.histories import BEGINS, History, cuts, steps

BOOKS = text("SELECT book::text, currency, sum(amount_minor)::bigint FROM postings GROUP BY 1, 2")
BY_GRANT = text("""
    SELECT book::text, currency, sum(amount_minor)::bigint FROM postings
    WHERE grant_id IS NOT NULL GROUP BY 1, 2
""")
WENT_BACK = text("""
    SELECT coalesce(sum(refunded_minor), 0)::bigint, coalesce(sum(refunded), 0)::bigint FROM grants
""")
GRANTS = text("""
    SELECT g.currency, g.cost_minor, g.granted, g.expires_at <= :at AS has_expired, g.remaining,
           g.granted - g.remaining - g.expired - g.voided - g.refunded - g.rolled
               - g.unrolled AS used,
           g.held - coalesce(l.amount, 0) AS held, g.refunded_minor, g.rolled_minor,
           g.rolls_left > 0 AND g.rolled_at > :at AS may_roll
    FROM grants g LEFT JOIN LATERAL lapsed_by(g.account_id, :at) l ON l.grant_id = g.grant_id
""")


# Of the second customer, whose late usage reopens its window.
ORDER = {
    "who": 1,
    "credit_type": "credits",
    "quantity": 21,
    "cost": 2,
    "currency": "USD",
    "lasts": timedelta(days=9),
    "later": timedelta(),
    "rolls": True,
}
USE = {
    "who": 1,
    "credit_type": "credits",
    "action": "email",
    "quantity": 1,
    "amount": 21,
    "ago": timedelta(days=20),
    "tags": (),
}
WAIT = ("wait", {"for_": timedelta(hours=250)})
A_MOMENT = ("wait", {"for_": timedelta(hours=1)})
BACK = ("back", {"number": 0, "step": 0})
# What could still move on at the instant of the report is used before it moves.
REOPENED_BEFORE_IT_MOVED = [("buy", ORDER), WAIT, WAIT, A_MOMENT, ("use", USE), BACK, A_MOMENT]
# What lapsed before the report goes back with its money, which is written down after it.
LAPSED_AFTER_ITS_MONEY_WENT_BACK = [
    ("buy", ORDER | {"rolls": False, "lasts": None}),
    ("hold", {"held": USE | {"ago": timedelta()}, "lasts": timedelta(hours=60)}),
    BACK,
    WAIT,
    A_MOMENT,
    ("use", USE | {"amount": 1, "ago": timedelta()}),
    A_MOMENT,
]
# What was held when its money went back goes back itself when the hold lapses.
LAPSES_WHEN_IT_IS_POSTED = [
    ("buy", ORDER | {"rolls": False, "quantity": 1}),
    ("hold", {"held": USE | {"ago": timedelta(), "amount": 1}, "lasts": timedelta(hours=1)}),
    BACK,
    A_MOMENT,
]


def book(ledger, name):
    """Return the balances of one book by currency, credits positive."""
    return Counter({
        currency: -amount for book, currency, amount in ledger.execute(BOOKS) if book == name
    })  # fmt: skip


def by_use(ledger, name):
    """Return what use and expiry posted to a book, before refunds and disputes, by charge."""
    return Counter({
        currency: -amount for book, currency, amount in ledger.execute(BY_GRANT) if book == name
    })  # fmt: skip


def went_back(ledger):
    """Return the minor units and the credits of all grants that went back."""
    return ledger.execute(WENT_BACK).one()


def added(lines, amount):
    sums: Counter[str] = Counter()
    for one in lines:
        sums[one.currency] += getattr(one, amount)
    return sums


def due(ledger, at):
    """Return revenue and breakage by an instant, according to the rules."""
    earned: Counter[str] = Counter()
    broken: Counter[str] = Counter()
    for grant in ledger.execute(GRANTS, {"at": at}):
        stays, moves_on = grant.remaining, 0
        if grant.has_expired:  # what is held waits for its hold; half of the rest may move on
            free, stays = grant.remaining - grant.held, grant.held
            rolling = free // 2 if grant.may_roll else 0
            moves_on = recognised(grant.cost_minor, grant.used + rolling, grant.granted)
            moves_on -= recognised(grant.cost_minor, grant.used, grant.granted)
        gone = recognised(grant.cost_minor, grant.granted - stays, grant.granted)
        settled = max(0, gone - grant.refunded_minor - grant.rolled_minor - moves_on)
        income = min(recognised(grant.cost_minor, grant.used, grant.granted), settled)
        earned[grant.currency] += income
        broken[grant.currency] += settled - income
    return earned, broken


@settings(max_examples=25)
@given(told=steps)
def test_liability_is_the_deferred_book_and_states_all_that_is_due(books, told):
    with books() as ledger:
        history = History(ledger).tell(told)
        owed = liability(ledger, history.clock)
        earned, broken = due(ledger, history.clock)

        assert added(owed, "deferred_minor") == book(ledger, "deferred_revenue")
        earned.subtract(by_use(ledger, "revenue"))
        broken.subtract(by_use(ledger, "breakage"))
        assert added(owed, "earned_not_posted_minor") == earned
        assert added(owed, "broken_not_posted_minor") == broken

        remaining = ledger.scalar(
            text("SELECT coalesce(sum(remaining), 0) FROM grants WHERE source <> 'overdraft'")
        )
        assert sum(one.credits_micro + one.expired_micro for one in owed) == remaining
        apart = [
            line
            for wallet in history.wallets
            for line in liability(ledger, history.clock, wallet.account_id)
        ]
        assert added(apart, "owed_minor") == added(owed, "owed_minor")


@settings(max_examples=20)
@given(told=steps)
@example(told=LAPSES_WHEN_IT_IS_POSTED)
def test_posting_what_is_due_changes_what_is_booked_and_nothing_else(books, told):
    with books() as ledger:
        history = History(ledger).tell(told)
        before, back = liability(ledger, history.clock), went_back(ledger)
        for who in (0, 1):
            history.sweep(who)
        after = liability(ledger, history.clock)
        # What a hold kept from going back with its money goes back when it lapses.
        money, credits_micro = map(sub, went_back(ledger), back)

        left, stays = added(before, "owed_minor"), added(after, "deferred_minor")
        assert left.total() - money <= stays.total() <= left.total()
        assert stays == left or money
        assert not any(
            one.expired_micro or one.earned_not_posted_minor or one.broken_not_posted_minor
            for one in after
        )
        owed, remains = (sum(one.credits_micro for one in lines) for lines in (before, after))
        assert owed - credits_micro <= remains <= owed


@pytest.mark.long
@settings(max_examples=25)
@given(told=steps, cut=cuts)
def test_every_month_closes_to_its_book_and_opens_the_next(books, told, cut):
    with books() as ledger:
        history = History(ledger).tell(told)
        everything = deferred_movement(ledger, Scope(BEGINS, history.end))
        later = Scope(history.cut(cut), history.end)

        for lines in (everything, deferred_movement(ledger, later)):
            closings: dict[str, int] = {}
            for one in lines:
                assert one.closing_minor == (
                    one.opening_minor
                    + one.cash_minor
                    + one.imported_minor
                    + one.receivable_minor
                    - one.revenue_minor
                    - one.breakage_minor
                    - one.refunds_minor
                    - one.disputes_minor
                )
                assert one.opening_minor == closings.get(one.currency, one.opening_minor)
                closings[one.currency] = one.closing_minor
            assert Counter(closings) == book(ledger, "deferred_revenue")

        assert added(everything, "cash_minor") == Counter(
            {currency: -amount for currency, amount in book(ledger, "cash").items()}
        )
        assert added(everything, "revenue_minor") == book(ledger, "revenue")
        assert added(everything, "breakage_minor") == book(ledger, "breakage")
        assert added(everything, "refunds_minor") == book(ledger, "refunds")
        assert added(everything, "disputes_minor") == book(ledger, "disputes")
        assert added(everything, "receivable_minor") == Counter(
            {currency: -amount for currency, amount in book(ledger, "receivable").items()}
        )


@pytest.mark.long
@settings(max_examples=25)
@given(told=steps)
@example(told=REOPENED_BEFORE_IT_MOVED)
@example(told=LAPSED_AFTER_ITS_MONEY_WENT_BACK)
def test_a_report_of_a_past_instant_never_changes(books, told):
    kept = []

    def keep(history):
        ledger, scope = history.connection, Scope(BEGINS, history.end)
        kept.append(
            (history.clock, liability(ledger, history.clock), deferred_movement(ledger, scope))
        )

    with books() as ledger:
        history = History(ledger, before_waiting=keep).tell(told)
        # Two waits at the last instant keep it twice; what was decided between them belongs to it.
        past = {at: (owed, moved) for at, owed, moved in kept if at < history.clock}
        for at, (owed, moved) in past.items():
            assert liability(ledger, at) == owed
            assert deferred_movement(ledger, Scope(BEGINS, at + timedelta(microseconds=1))) == moved


@pytest.mark.long
@settings(max_examples=25)
@given(told=steps, cut=cuts)
def test_prices_share_out_exactly_what_was_earned(books, told, cut):
    with books() as ledger:
        history = History(ledger).tell(told)
        whole = effective_prices(ledger, Scope(BEGINS, history.end))
        earned, _ = due(ledger, history.clock)
        exact: Counter[str] = Counter()
        for grant in ledger.execute(GRANTS, {"at": history.clock}):
            exact[grant.currency] += Fraction(grant.cost_minor * grant.used, grant.granted)

        assert added(whole.actions, "earned_minor") == exact
        assert added(whole.earned, "earned_minor") == earned
        posted = added(whole.earned, "posted_minor")
        assert posted == by_use(ledger, "revenue")
        posted.subtract(added(whole.earned, "returned_minor"))
        assert posted == book(ledger, "revenue")
        exact.update(added(whole.earned, "rounding_minor"))
        assert exact == earned
        assert sum(one.quantity_micro for one in whole.actions) == sum(
            one.quantity for one in history.events
        )

        middle = history.cut(cut)
        if middle > BEGINS:
            halves = [
                effective_prices(ledger, scope)
                for scope in (Scope(BEGINS, middle), Scope(middle, history.end))
            ]
            for amount in ("quantity_micro", "earned_minor"):
                parts = added([one for half in halves for one in half.actions], amount)
                assert parts == added(whole.actions, amount)
            for amount in ("earned_minor", "posted_minor"):
                parts = added([one for half in halves for one in half.earned], amount)
                assert parts == added(whole.earned, amount)
