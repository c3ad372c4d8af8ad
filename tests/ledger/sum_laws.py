"""What is kept of days that are over: the sums of their very lines, and never of the running day."""

# ruff: noqa: E501 - one mutant a line

from datetime import timedelta

from sqlalchemy import text

from ledger.reads import usage
from ledger.reports.scope import Scope
from ledger.usage import days, debits, holds
from ledger.usage.corrections import CorrectionOrder, correct
from tests.builders import START, a_subscribed_wallet, an_event
from tests.ledger.archive_laws import EVERYTHING
from tests.ledger.use_laws import DAY, HOUR, give

BY = (["day", "action"], ["day", "tag:campaign"], ["action"], ["tag:member", "tag:campaign"])
CHOSEN = (
    usage.ALL,
    usage.ChosenUsage(action="email"),
    usage.ChosenUsage(tags='{"campaign": "spring"}'),
)
KEPT = text("""
    SELECT after, upto, cardinality(actions) FROM summed_days
    WHERE account_id = :account ORDER BY upto
""")
BROKEN = text("SELECT law FROM archive_violations WHERE account_id = :account")
SECOND_DRAWS = text("""
    SELECT count(*) FROM journal WHERE account_id = :account AND kind = 'debit' AND line > 0
""")
SEQ = text("SELECT seq FROM wallets WHERE account_id = :account")
SPRING, AUTUMN = (("campaign", "spring"),), (("campaign", "autumn"), ("member", "ada"))


def sums(ledger, wallet, until):
    scope = Scope(START, until, wallet.account_id)
    return [usage.grouped(ledger, scope, by, chosen) for by in BY for chosen in CHOSEN]


def kept(ledger, wallet):
    return ledger.execute(KEPT, {"account": wallet.account_id}).all()


def sum_up(ledger, wallet, least=1, fewer=0):
    while days.sum_up(ledger, wallet.account_id, least=least, fewer=fewer):
        pass


def four_days(ledger):
    """Return a wallet that drew on two grants at once, held, captured and corrected overnight."""
    wallet = a_subscribed_wallet(ledger, 100)
    account = wallet.account_id
    give(ledger, wallet, "credits", START)

    def event(key, amount, at, **more):
        debits.debit(ledger, [an_event(account, amount, key=key, event_at=at, **more)], at)

    event("two-draws", 120, START + HOUR, action="email", tags=SPRING)
    event("untagged", 1, START + 2 * HOUR)
    held = an_event(account, 9, key="held", event_at=START + 3 * HOUR, tags=AUTUMN).priced
    holds.hold(ledger, account, held, START + 3 * DAY, START + 3 * HOUR)
    event("autumn", 2, START + 4 * HOUR, action="email", tags=AUTUMN)
    event("corrected", 6, START + DAY, tags=SPRING)
    event("again", 3, START + DAY + HOUR, tags=SPRING)
    assert (
        holds.capture(ledger, account, "held", held.event.quantity_micro, START + 2 * DAY).status
        == "captured"
    )
    order = CorrectionOrder("less", "corrected", 0, "a mistake", "ada")
    assert correct(ledger, account, order, None, START + 2 * DAY + HOUR).status == "corrected"
    event("free", 0, START + 2 * DAY + HOUR, action="email", tags=SPRING)
    event("running", 1, START + 3 * DAY, tags=SPRING)
    return wallet, START + 3 * DAY + HOUR


def kept_sums_are_those_of_the_lines(engine, _):
    with engine.connect() as ledger:
        wallet, at = four_days(ledger)
        before = sums(ledger, wallet, at)
        sum_up(ledger, wallet)
        assert ledger.scalar(SECOND_DRAWS, {"account": wallet.account_id}) == 1
        told = kept(ledger, wallet)
        assert [one.cardinality for one in told] == [3, 1, 3]
        assert sums(ledger, wallet, at) == before
        broken = {"account": wallet.account_id}
        assert ledger.execute(BROKEN, broken).all() == []
        assert ledger.scalar(EVERYTHING, broken | {"before": at}) >= 0
        assert sums(ledger, wallet, at) == before
        sum_up(ledger, wallet)
        assert kept(ledger, wallet) == told
        ledger.rollback()


def the_running_day_is_not_kept(engine, _):
    with engine.connect() as ledger:
        wallet, at = four_days(ledger)
        sum_up(ledger, wallet)
        last = kept(ledger, wallet)[-1].upto
        assert last == ledger.scalar(SEQ, {"account": wallet.account_id}) - 1
        more = an_event(wallet.account_id, 1, event_at=at, action="email")
        debits.debit(ledger, [more], at + 2 * DAY)
        sum_up(ledger, wallet)
        assert kept(ledger, wallet)[-1].upto == last + 1
        ledger.rollback()


def days_that_are_as_soon_read_are_marked_once(engine, _):
    """Of days with few lines, or with as many sums, only the last looked at has a row."""
    for least, fewer in ((100, 0), (1, 100)):
        with engine.connect() as ledger:
            wallet, at = four_days(ledger)
            before = sums(ledger, wallet, at)
            assert days.sum_up(ledger, wallet.account_id, least=least, fewer=fewer) == 1
            assert days.sum_up(ledger, wallet.account_id, least=1, fewer=0) == 0
            (marked,) = kept(ledger, wallet)
            assert marked.cardinality is None
            assert sums(ledger, wallet, at) == before
            ledger.rollback()


def a_month_and_more_is_summed_up_in_steps(engine, _):
    with engine.connect() as ledger:
        wallet = a_subscribed_wallet(ledger, 100, windows=((START, START + 90 * DAY),))
        for number in range(40):
            at = START + number * DAY + HOUR
            debits.debit(ledger, [an_event(wallet.account_id, 1, event_at=at)], at)
        sum_up(ledger, wallet)
        assert len(kept(ledger, wallet)) == 39
        until = START + timedelta(days=60)
        rows = usage.grouped(ledger, Scope(START, until, wallet.account_id), ["day"])
        assert [row[2] for row in rows] == [1] * 40
        ledger.rollback()


SUM_LAWS = (
    kept_sums_are_those_of_the_lines,
    the_running_day_is_not_kept,
    days_that_are_as_soon_read_are_marked_once,
    a_month_and_more_is_summed_up_in_steps,
)
SUM_FAULTS = (
    ("a sum counts each draw", "summed_up", r"e\.line = 0 AND e\.kind <> 'correction'", "e.kind <> 'correction'"),
    ("a sum counts corrections", "summed_up", r"e\.line = 0 AND e\.kind <> 'correction'", "e.line = 0"),
    ("a sum adds what was corrected", "summed_up", r"WHEN 'correction' THEN -e\.quantity", "WHEN 'correction' THEN e.quantity"),
    ("a sum takes a second draw for an operation", "summed_up", r"e\.line > 0 OR", ""),
    ("a sum of corrections is of the day's own", "summed_up", r"coalesce\(e\.corrects, e\.seq\)", "e.seq"),
    ("sums forget captures", "summed_up", r"'capture', ", ""),
    ("the running day is summed up", "sum_up_days", r"AND d\.upto < w\.seq", ""),
    ("days of few lines are kept", "sum_up_days", r"ON d\.upto - d\.after >= p_least", "ON true"),
    ("sums as many as lines are kept", "sum_up_days", r"/ greatest\(p_fewer, 1\)", ""),
    ("nothing is marked as looked at", "sum_up_days", r"OR d\.upto = \(SELECT max\(l\.upto\) FROM days l\)", ""),
)  # fmt: skip
