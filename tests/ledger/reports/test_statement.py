"""Statements: every line has its cause and rate, and balances chain from end to end."""

from collections import defaultdict
from datetime import timedelta

from hypothesis import example, given, settings
from sqlalchemy import text

from domain.money import Ratio
from ledger import balances, grants
from ledger.reports.scope import Scope
from ledger.reports.statement import statement
from ledger.usage import debits
from tests.builders import (
    MONTH_END,
    NOON,
    START,
    a_grant,
    a_subscribed_wallet,
    an_event,
    micro,
    use,
)
from tests.ledger.reports.histories import BEGINS, History, cuts, steps

JOURNAL = text("""
    SELECT c.customer_id, e.seq, e.line, e.change, e.balance_after
    FROM entries e JOIN customers c USING (account_id)
    WHERE c.customer_id = ANY (:customers) ORDER BY c.customer_id, e.seq, e.line
""")


# A free action recorded in a type that was never granted, before the middle.
FREE_BEFORE = [
    (
        "use",
        {
            "who": 0,
            "credit_type": "credits",
            "action": "email",
            "quantity": 1,
            "amount": 0,
            "ago": timedelta(0),
            "tags": (),
        },
    ),
    ("wait", {"for_": timedelta(hours=1)}),
]


def ends(balances):
    return {
        (one.customer_id, one.credit_type): (one.opening_micro, one.closing_micro)
        for one in balances
    }


@settings(max_examples=25)
@example(told=FREE_BEFORE, cut=0)
@given(told=steps, cut=cuts)
def test_a_statement_chains_from_its_opening_to_its_closing_balances(books, told, cut):
    with books() as ledger:
        history = History(ledger).tell(told)
        scopes = [Scope(BEGINS, history.end)]
        middle = history.cut(cut)
        if middle > BEGINS:
            scopes += [Scope(BEGINS, middle), Scope(middle, history.end)]
        found = [statement(ledger, scope) for scope in scopes]

        for one in found:
            running = {key: opening for key, (opening, _) in ends(one.balances).items()}
            for line in one.lines:
                running[line.customer_id, line.credit_type] += line.change_micro
                assert running[line.customer_id, line.credit_type] == line.balance_micro
            assert running == {key: closing for key, (_, closing) in ends(one.balances).items()}
        if len(found) > 1:
            whole, first, second = found
            assert whole.lines == tuple(
                sorted(
                    first.lines + second.lines,
                    key=lambda line: (line.customer_id, line.seq, line.line),
                )
            )
            for key, (_, closing) in ends(first.balances).items():
                assert ends(second.balances)[key][0] == closing


@settings(max_examples=15)
@given(told=steps)
def test_a_statement_has_every_line_of_the_journal_and_its_balance(books, told):
    with books() as ledger:
        history = History(ledger).tell(told)
        customers = [wallet.customer_id for wallet in history.wallets]
        journal = ledger.execute(JOURNAL, {"customers": customers}).all()

        lines = statement(ledger, Scope(BEGINS, history.end)).lines

        assert [(one.customer_id, one.seq, one.line, one.change_micro) for one in lines] == [
            tuple(row[:4]) for row in journal
        ]
        last = {(one.customer_id, one.seq): one.balance_micro for one in lines}
        assert last == {(row.customer_id, row.seq): row.balance_after for row in journal}
        for wallet in history.wallets:
            booked: dict[str, int] = defaultdict(int)
            for one in lines:
                if one.customer_id == wallet.customer_id:
                    booked[one.credit_type] = one.balance_micro
            kept = ledger.execute(
                text("SELECT credit_type, sum(remaining) FROM grants WHERE account_id = :account "
                     "GROUP BY credit_type"), {"account": wallet.account_id},
            )  # fmt: skip
            assert {name: amount for name, amount in booked.items() if amount} == {
                name: amount for name, amount in kept if amount
            }


@settings(max_examples=15)
@given(told=steps)
def test_every_debits_rate_times_its_quantity_is_what_it_took(books, told):
    with books() as ledger:
        history = History(ledger).tell(told)
        lines = statement(ledger, Scope(BEGINS, history.end)).lines
        rates = {one.key: one.rate for one in lines if one.kind == "debit" and one.line == 0}

        debits = [one for one in history.events if one.kind == "debit"]
        assert rates == {one.key: Ratio(one.amount, one.quantity) for one in debits}
        assert {one.key for one in lines if one.late} - {None} == {
            one.key for one in history.events if one.late
        }


def test_each_line_names_its_cause_its_rate_and_the_grant_it_drew_on(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=3)
    account = wallet.account_id
    gift = a_grant(key="gift", source="rollover", priority=30, quantity_micro=micro(5))
    grants.give(ledger, account, gift, START)
    lookup = an_event(account, 4, key="=1+1", action="lookup", quantity_micro=micro(2))
    debits.debit(ledger, [lookup], NOON)
    use(ledger, wallet, 0, key="free")
    why = '{"reason": "given twice"}'
    grants.remove(
        ledger,
        account_id=account,
        key="oops",
        credit_type="credits",
        quantity_micro=micro(1),
        tags=why,
        at=NOON,
    )
    grants.expire_due(ledger, account, MONTH_END)

    found = statement(ledger, Scope(START, MONTH_END.replace(day=2), account))

    rows = [
        (one.kind, one.cause, one.key, one.rate, one.source, one.change_micro // micro(1))
        for one in found.lines
    ]
    charge = f"{wallet.subscription_id}:period:0"
    assert rows == [
        ("grant", charge, None, None, "allowance", 3),
        ("grant", "gift", None, None, "rollover", 5),
        ("debit", "lookup", "=1+1", Ratio(2, 1), "allowance", -3),
        ("debit", "lookup", "=1+1", Ratio(2, 1), "rollover", -1),
        ("debit", "operation", "free", Ratio(0, 1), None, 0),
        ("adjustment", "given twice", None, None, "rollover", -1),
        ("expiry", "unused credits expired", None, None, "rollover", -3),
    ]
    assert [one.quantity_micro for one in found.lines][2:4] == [micro(2), None]
    assert [one.balance_micro // micro(1) for one in found.lines] == [3, 8, 5, 4, 4, 3, 0]
    assert balances.available(ledger, account, "credits", NOON) == 0
