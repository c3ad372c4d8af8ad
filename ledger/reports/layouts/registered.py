"""How each report is laid out: its columns, their order and how amounts are written."""

from collections.abc import Iterable
from datetime import datetime

from domain.credits import MICRO, format_credits
from ledger.accounts import PauseLine
from ledger.balances import HistoryLine
from ledger.reports.liability import Liability
from ledger.reports.members import MemberUsage
from ledger.reports.movement import Movement
from ledger.reports.outcomes import TagOutcome
from ledger.reports.prices import Earned, Prices
from ledger.reports.tables import (
    ABSENT,
    Column,
    Sheet,
    fraction_text,
    instant_text,
    major_text,
    money_text,
    numbers,
    texts,
)
from ledger.reports.usage import ActionUsage, DayUsage, TagUsage, Usage

DUE = ("earned, not yet posted", "breakage, not yet posted")
MOVEMENT_TITLE = (
    "deferred revenue by month: "
    "opening + cash {}- revenue - breakage - refunds - disputes = closing"
)
USAGE_COLUMNS = (
    *texts("credit type"),
    *numbers("events", "free events", "credits", "late credits"),
)


def usage_by_action_sheet(lines: Iterable[ActionUsage]) -> Sheet:
    """Lay out usage by action."""
    columns = (Column("action"), Column("quantity", is_number=True), *USAGE_COLUMNS)
    rows = [(one.action, format_credits(one.quantity_micro), *_usage(one.usage)) for one in lines]
    return Sheet("usage by action", columns, tuple(rows))


def usage_by_day_sheet(lines: Iterable[DayUsage]) -> Sheet:
    """Lay out usage by day."""
    rows = [(one.day.isoformat(), *_usage(one.usage)) for one in lines]
    return Sheet("usage by day", (Column("day"), *USAGE_COLUMNS), tuple(rows))


def usage_by_tag_sheet(lines: Iterable[TagUsage], tag: str) -> Sheet:
    """Lay out usage by the values of a tag."""
    rows = [(one.customer_id, _value(one.value), *_usage(one.usage)) for one in lines]
    columns = (Column("customer"), Column(tag), *USAGE_COLUMNS)
    return Sheet(f"usage by {tag}", columns, tuple(rows))


def outcomes_sheet(lines: Iterable[TagOutcome], tag: str) -> Sheet:
    """Lay out outcomes per credit."""
    rows = [
        (
            one.customer_id,
            _value(one.value),
            one.outcome,
            format_credits(one.outcomes_micro),
            one.credit_type or ABSENT,
            format_credits(one.credits_micro),
            fraction_text(one.per_credit),
        )
        for one in lines
    ]
    columns = (
        *texts("customer", tag, "outcome"),
        *numbers("outcomes"),
        *texts("credit type"),
        *numbers("credits", "outcomes per credit"),
    )
    return Sheet(f"outcomes per credit by {tag}", columns, tuple(rows))


def prices_sheet(prices: Prices) -> Sheet:
    """Lay out effective prices; the last row of a currency is what rounding adds."""
    rows = [
        (
            one.action,
            one.currency,
            fraction_text(one.quantity_micro / MICRO),
            major_text(one.earned_minor, one.currency),
            major_text(one.price_minor, one.currency),
            str(one.earned_minor),
        )
        for one in prices.actions
    ]
    rows += [
        (
            "(rounding)",
            one.currency,
            ABSENT,
            major_text(one.rounding_minor, one.currency),
            ABSENT,
            str(one.rounding_minor),
        )
        for one in prices.earned
    ]
    columns = (
        *texts("action", "currency"),
        *numbers("quantity", "earned", "price"),
        Column("earned, exact minor units", is_number=True, csv_only=True),
    )
    return Sheet(
        "effective price per action", columns, tuple(rows), tuple(map(_tie, prices.earned))
    )


def liability_sheet(lines: Iterable[Liability], at: datetime) -> Sheet:
    """Lay out what is owed by month of expiry."""
    rows = [
        (
            f"{one.month:%Y-%m}" if one.month else "never",
            one.credit_type,
            one.currency,
            format_credits(one.credits_micro),
            format_credits(one.expired_micro),
            *(
                money_text(amount, one.currency)
                for amount in (
                    one.deferred_minor,
                    one.earned_not_posted_minor,
                    one.broken_not_posted_minor,
                    one.owed_minor,
                )
            ),
        )
        for one in lines
    ]
    columns = (
        *texts("expires in", "credit type", "currency"),
        *numbers("credits", "expired, not yet booked", "deferred revenue", *DUE, "owed"),
    )
    return Sheet(f"liability by expiry month on {instant_text(at)}", columns, tuple(rows))


def movement_sheet(lines: Iterable[Movement]) -> Sheet:
    """Lay out how deferred revenue moved; imports and receivables only where there were some."""
    lines = tuple(lines)
    is_imported = any(one.imported_minor for one in lines)
    is_claimed = any(one.receivable_minor for one in lines)
    rows = [
        (
            f"{one.month:%Y-%m}",
            one.currency,
            *(
                money_text(amount, one.currency)
                for amount in (
                    one.opening_minor,
                    one.cash_minor,
                    one.imported_minor,
                    one.receivable_minor,
                    one.revenue_minor,
                    one.breakage_minor,
                    one.refunds_minor,
                    one.disputes_minor,
                    one.closing_minor,
                    one.earned_not_posted_minor,
                    one.broken_not_posted_minor,
                    one.owed_minor,
                )
            ),
        )
        for one in lines
    ]
    flows = ("revenue", "breakage", "refunds", "disputes", "closing")
    columns = (
        *texts("month", "currency"),
        *numbers("opening", "cash"),
        Column("imported", is_number=True, csv_only=not is_imported),
        Column("receivable", is_number=True, csv_only=not is_claimed),
        *numbers(*flows, *DUE, "owed"),
    )
    more = ("+ imported " if is_imported else "") + ("+ receivable " if is_claimed else "")
    title = MOVEMENT_TITLE.format(more)
    return Sheet(title, columns, tuple(rows))


def history_sheet(
    customer_id: str,
    status: str | None,
    lines: Iterable[HistoryLine],
    limits: Iterable[MemberUsage] = (),
    pauses: Iterable[PauseLine] = (),
) -> Sheet:
    """Lay out an account's journal and pauses, and what is left of a member's limits."""
    told = [
        (
            one.at,
            str(one.seq),
            f"{one.at:%Y-%m-%d %H:%M:%S}",
            one.kind,
            one.credit_type,
            format_credits(one.change_micro),
            format_credits(one.available_micro),
            one.source or ABSENT,
            one.cause or "",
            one.request_id or "",
        )
        for one in lines
    ]
    told += [
        (one.at, "", f"{one.at:%Y-%m-%d %H:%M:%S}", "pause" if one.paused else "resume",
         "", "", "", ABSENT, one.words, "")
        for one in pauses
    ]  # fmt: skip
    rows = [row[1:] for row in sorted(told, key=lambda row: row[0])]
    columns = (
        *numbers("#"),
        *texts("decided at (UTC)", "kind", "credit type"),
        *numbers("change", "available"),
        *texts("from", "cause"),
        Column("request", csv_only=not any(row[-1] for row in rows)),  # most lines have none
    )
    title = f"{customer_id}: {status or 'no subscription'}"
    notes = tuple(
        f"{one.member}: {format_credits(one.left_micro or 0)} left of a limit of "
        f"{format_credits(one.limit_micro or 0)} {one.credit_type} in this window"
        for one in limits
    )
    return Sheet(title, columns, tuple(rows), notes)


def _tie(one: Earned) -> str:
    amounts = (
        one.earned_minor,
        one.posted_minor,
        one.not_posted_at_end_minor,
        one.not_posted_at_start_minor,
    )
    earned, posted, at_end, at_start = (money_text(amount, one.currency) for amount in amounts)
    return (
        f"{one.currency}: earned {earned} = posted {posted} + earned, not yet posted {at_end}"
        f" - the same at the start {at_start}{_returned(one)}"
    )


def _returned(one: Earned) -> str:
    if not one.returned_minor:
        return ""
    return f"; {money_text(one.returned_minor, one.currency)} of revenue went back to customers"


def _usage(usage: Usage) -> tuple[str, ...]:
    return (
        usage.credit_type,
        str(usage.events),
        str(usage.free_events),
        format_credits(usage.credits_micro),
        format_credits(usage.late_micro),
    )


def _value(value: str | None) -> str:
    return "(none)" if value is None else value
