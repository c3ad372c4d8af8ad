"""How a statement is laid out: opening balances, lines, closing balances, per customer."""

from collections import defaultdict
from fractions import Fraction

from domain.credits import format_credits
from ledger.reports.statement import Statement, StatementBalance, StatementLine
from ledger.reports.tables import ABSENT, Column, Sheet, fraction_text, instant_text, numbers, texts

STATEMENT_COLUMNS = (
    Column("customer", csv_only=True),
    *numbers("#"),
    Column("line", is_number=True, csv_only=True),
    Column("decided at"),
    Column("event at", csv_only=True),
    *texts("kind", "cause"),
    Column("key", csv_only=True),
    *numbers("quantity", "rate"),
    Column("from"),
    Column("grant", is_number=True, csv_only=True),
    Column("credit type"),
    *numbers("change"),
    Column("held", is_number=True, csv_only=True),
    *numbers("balance"),
    Column("available", is_number=True, csv_only=True),
)


def statement_sheet(statement: Statement) -> Sheet:
    """Lay out a statement: each customer's opening balances, lines and closing balances."""
    balances: dict[str, list[StatementBalance]] = defaultdict(list)
    lines: dict[str, list[StatementLine]] = defaultdict(list)
    for one in statement.balances:
        balances[one.customer_id].append(one)
    for line in statement.lines:
        lines[line.customer_id].append(line)
    rows: list[tuple[str, ...]] = []
    for customer, own in balances.items():
        rows += [_balance(one, "opening", one.opening_micro) for one in own]
        rows += [_line(line) for line in lines[customer]]
        rows += [_balance(one, "closing", one.closing_micro) for one in own]
    return Sheet("statement", STATEMENT_COLUMNS, tuple(rows))


def _line(one: StatementLine) -> tuple[str, ...]:
    quantity = ABSENT if one.quantity_micro is None else format_credits(one.quantity_micro)
    rate = ABSENT if one.rate is None else fraction_text(Fraction(one.rate.num, one.rate.den))
    return (
        one.customer_id,
        str(one.seq),
        str(one.line),
        instant_text(one.at),
        instant_text(one.event_at),
        f"{one.kind}{' (late)' if one.late else ''}",
        one.cause,
        one.key or ABSENT,
        quantity,
        rate,
        one.source or ABSENT,
        ABSENT if one.grant_id is None else str(one.grant_id),
        one.credit_type,
        format_credits(one.change_micro),
        format_credits(one.held_change_micro),
        format_credits(one.balance_micro),
        format_credits(one.available_micro),
    )


def _balance(one: StatementBalance, kind: str, balance_micro: int) -> tuple[str, ...]:
    known = {
        "customer": one.customer_id,
        "kind": kind,
        "credit type": one.credit_type,
        "balance": format_credits(balance_micro),
    }
    return tuple(known.get(column.name, ABSENT) for column in STATEMENT_COLUMNS)
