"""What was used, by reading every line of a journal: what shorter ways to know it must equal."""

# ruff: noqa: E501 - one mutant a line

from collections import defaultdict
from datetime import timedelta
from itertools import pairwise

from sqlalchemy import text

from domain.pricing.forecast import LONG_DAYS
from ledger import grants
from ledger.reads import wallets
from ledger.usage import debits
from ledger.usage.corrections import CorrectionOrder, correct
from tests.builders import START, a_grant, a_subscribed_wallet, an_event, micro
from tests.ledger.archive_laws import EVERYTHING

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
LINES = text("""
    SELECT seq, at, kind, credit_type, change, corrects FROM journal
    WHERE account_id = :account ORDER BY seq, line
""")
BETWEEN = text("SELECT * FROM used_between(:account, :marks, :corrected)")
BEFORE = text("SELECT seqs_before(:account, :instants)")


def lines_of_use(connection, account):
    rows = connection.execute(LINES, {"account": account}).all()
    return rows, [one for one in rows if one.kind in ("debit", "capture", "correction")]


def summed(lines):
    found = defaultdict(int)
    for one in lines:
        found[one.credit_type] -= one.change
    return {kind: used for kind, used in found.items() if used}


def used_by_scan(connection, wallet):
    """Return what was used in the window, without corrections of what was before it."""
    rows, used = lines_of_use(connection, wallet.account_id)
    before = max((one.seq for one in rows if one.at < wallet.window_start), default=0)
    return summed(
        one for one in used if one.seq > before and (one.corrects is None or one.corrects > before)
    )


def burns_by_scan(connection, wallet):
    """Return what was used on each day, of 24 hours up to the wallet's instant."""
    rows, used = lines_of_use(connection, wallet.account_id)
    days = min(LONG_DAYS, (wallet.at - rows[0].at) // DAY + 1) if rows else 0
    by_day = [
        summed(one for one in used if ago * DAY <= wallet.at - one.at < (ago + 1) * DAY)
        for ago in range(days - 1, -1, -1)
    ]
    kinds = {kind for day in by_day for kind in day}
    return {kind: [max(0, day.get(kind, 0)) for day in by_day] for kind in kinds}


def parts_by_scan(connection, account, marks, corrected):
    _, used = lines_of_use(connection, account)
    counted = [one for one in used if one.corrects is None or one.corrects > corrected]
    return {
        (part, kind): micro
        for part, (after, until) in enumerate(pairwise(marks), 1)
        for kind, micro in summed(one for one in counted if after < one.seq <= until).items()
    }


def parts(connection, account, marks, corrected=0):
    values = {"account": account, "marks": list(marks), "corrected": corrected}
    rows = connection.execute(BETWEEN, values).all()
    return {(part, kind): micro for part, kind, micro in rows}


def use_is_what_a_scan_finds(connection, account, at) -> None:
    """Assert it of a wallet at an instant: of its window and of its days."""
    wallet = wallets.wallet_now(connection, account, at)
    if wallet.window_start is not None:
        assert wallets.used_of_each(connection, wallet) == used_by_scan(connection, wallet)
    assert wallets.burns_of_each(connection, wallet) == burns_by_scan(connection, wallet)


def parts_are_what_a_scan_finds(connection, account) -> None:
    """Assert it of a wallet line by line, and of a few parts, one of them empty."""
    seq = len({one.seq for one in lines_of_use(connection, account)[0]})
    for marks in (range(seq + 1), (0, seq // 3, seq // 3, seq)):
        for corrected in (0, seq // 2):
            found = parts(connection, account, marks, corrected)
            assert found == parts_by_scan(connection, account, marks, corrected)


def instants_are_found(connection, account) -> None:
    """Assert that the last line before each of a journal's own instants is found."""
    rows, _ = lines_of_use(connection, account)
    instants = sorted({one.at for one in rows} | {one.at + wallets.INSTANT for one in rows})
    expected = [max((one.seq for one in rows if one.at < at), default=0) for at in instants]
    values = {"account": account, "instants": instants}
    assert connection.scalar(BEFORE, values) == expected


def use_many(ledger, wallet, count, at, credit_type="credits"):
    events = [
        an_event(wallet.account_id, 1, event_at=at, credit_type=credit_type) for _ in range(count)
    ]
    assert {one.status for one in debits.debit(ledger, events, at)} == {"debited"}


def give(ledger, wallet, credit_type, at):
    order = a_grant(credit_type=credit_type, quantity_micro=micro(50), effective_at=at)
    grants.give(ledger, wallet.account_id, order, at)


def now_and_then(ledger):
    """Return a wallet of a type that is always used, three that seldom are, one that never is."""
    wallet = a_subscribed_wallet(ledger, 10_000)
    for kind in ("pages", "words", "seats", "traffic"):
        give(ledger, wallet, kind, START)
    at = START
    for step, kind in enumerate(["pages", "words", "pages", "seats", "words", "pages"]):
        at += 30 * HOUR
        use_many(ledger, wallet, 40, at)
        use_many(ledger, wallet, 1 + step, at + HOUR, kind)
        if step == 3:
            give(ledger, wallet, "words", at + HOUR)
    return wallet, at + 2 * HOUR


def every_way_finds_it(ledger, wallet, at):
    use_is_what_a_scan_finds(ledger, wallet.account_id, at)
    parts_are_what_a_scan_finds(ledger, wallet.account_id)
    instants_are_found(ledger, wallet.account_id)


def types_that_are_seldom_used(engine, _):
    with engine.connect() as ledger:
        wallet, at = now_and_then(ledger)
        every_way_finds_it(ledger, wallet, at)
        before = {"account": wallet.account_id, "before": at - 70 * HOUR}
        assert ledger.scalar(EVERYTHING, before) > 0
        every_way_finds_it(ledger, wallet, at)
        ledger.rollback()


def a_correction_is_taken_off_where_it_was_made(engine, _):
    with engine.connect() as ledger:
        wallet, at = now_and_then(ledger)
        event = an_event(wallet.account_id, 5, event_at=at, credit_type="traffic", key="not-done")
        debits.debit(ledger, [event], at)
        use_many(ledger, wallet, 30, at)
        order = CorrectionOrder("less", "not-done", 0, "a mistake", "ada")
        assert correct(ledger, wallet.account_id, order, None, at + DAY).status == "corrected"
        every_way_finds_it(ledger, wallet, at + DAY + HOUR)
        ledger.rollback()


USE_LAWS = (types_that_are_seldom_used, a_correction_is_taken_off_where_it_was_made)
USE_FAULTS = (
    ("a line near is of any type", "booked_near", r"AND e\.credit_type = p_credit_type", ""),
    ("what was used between is not looked for", "booked_far", r"IF booked = later THEN", "IF true THEN"),
    ("what is found for one mark is kept for all", "booked_after", r"OR p_marks\[n\] < since", ""),
    ("what is given is use given back", "used_of_type", r"AND e\.kind NOT IN \([^)]*\)", "AND false"),
    ("a correction is no use", "used_of_type", r"AND \(e\.corrects > p_corrected\) IS NOT TRUE", ""),
    ("what ends as it began was not used", "used_between", r"ends, NULL\)", "ends, 0)"),
    ("at an instant is before it", "seqs_before", r"e\.at < h\.instant", "e.at <= h.instant"),
)  # fmt: skip
