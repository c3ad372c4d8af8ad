"""Layouts of reports for product people: members, the current period, single events."""

from collections.abc import Iterable
from fractions import Fraction

from domain.credits import MICRO, format_credits
from ledger.reports.charged import Charged
from ledger.reports.debts import Debt
from ledger.reports.members import MemberUsage, UsedEvent
from ledger.reports.period import PeriodUsage
from ledger.reports.tables import (
    ABSENT,
    Sheet,
    fraction_text,
    instant_text,
    money_text,
    numbers,
    texts,
)

NONE = "(none)"
# The reason for a limit.
STANDS_FOR = {"user_limit": "set", "member_removed": "removed", "member_restricted": "restricted"}


def members_sheet(lines: Iterable[MemberUsage]) -> Sheet:
    """Lay out usage by member, with the current window's limits."""
    rows = [
        (
            one.customer_id,
            NONE if one.member is None else one.member,
            one.credit_type or ABSENT,
            str(one.events),
            format_credits(one.credits_micro),
            _credits(one.limit_micro),
            _credits(one.left_micro),
            instant_text(one.since) if one.since else ABSENT,
            STANDS_FOR.get(one.refusal or "", ABSENT),
        )
        for one in lines
    ]
    columns = (
        *texts("customer", "member", "credit type"),
        *numbers("events", "credits", "limit", "left of it"),
        *texts("since", "because"),
    )
    return Sheet("usage by member", columns, tuple(rows))


def debts_sheet(lines: Iterable[Debt]) -> Sheet:
    """Lay out what customers owe, in credits and in money."""
    rows = [
        (
            one.customer_id,
            one.credit_type,
            *(
                format_credits(amount)
                for amount in (
                    one.opening_micro,
                    one.on_credit_micro,
                    one.charged_back_micro,
                    one.repaid_micro,
                    one.given_back_micro,
                    one.closing_micro,
                )
            ),
            ABSENT if one.owed_minor is None else money_text(one.owed_minor, one.currency),
            one.currency,
        )
        for one in lines
    ]
    flows = ("owed before", "used on credit", "charged back", "repaid", "given back", "owed")
    columns = (
        *texts("customer", "credit type"),
        *numbers(*flows, "in money"),
        *texts("currency"),
    )
    return Sheet("debts", columns, tuple(rows))


def periods_sheet(lines: Iterable[PeriodUsage]) -> Sheet:
    """Lay out the current windows."""
    rows = [
        (
            one.customer_id,
            one.credit_type,
            instant_text(one.starts),
            instant_text(one.resets),
            format_credits(one.granted_micro),
            format_credits(one.rolled_micro),
            format_credits(one.used_micro),
            format_credits(one.available_micro),
            str(one.members),
            _goal(one.monthly_goal),
        )
        for one in lines
    ]
    columns = (
        *texts("customer", "credit type", "began", "resets"),
        *numbers("included", "rolled over", "used", "available", "members", "monthly goal of each"),
    )
    return Sheet("the period that runs", columns, tuple(rows))


def events_sheet(lines: Iterable[UsedEvent]) -> Sheet:
    """Lay out single events and their total."""
    rows = []
    total: dict[str, int] = {}
    for one in lines:
        total[one.credit_type] = total.get(one.credit_type, 0) + one.credits_micro
        rows.append(
            (
                one.customer_id,
                instant_text(one.at),
                f"{one.action}{' (late)' if one.late else ''}",
                _credits(one.quantity_micro),
                one.credit_type,
                format_credits(one.credits_micro),
                ", ".join(f"{name}={value}" for name, value in sorted(one.tags.items())),
            )
        )
    columns = (
        *texts("customer", "decided at", "action"),
        *numbers("quantity"),
        *texts("credit type"),
        *numbers("credits"),
        *texts("tags"),
    )
    notes = [f"{name}: {format_credits(micro)} in all" for name, micro in sorted(total.items())]
    return Sheet("usage events", columns, tuple(rows), tuple(notes))


def _credits(micro: int | None) -> str:
    return ABSENT if micro is None else format_credits(micro)


def _goal(micro: Fraction | None) -> str:
    return ABSENT if micro is None else fraction_text(micro / MICRO)


def charges_sheet(lines: Iterable[Charged]) -> Sheet:
    """Lay out what was charged and paid."""
    rows = [
        (
            one.kind.value,
            one.currency,
            str(one.number),
            money_text(one.amount_minor, one.currency),
            money_text(one.surcharge_minor, one.currency),
        )
        for one in lines
    ]
    columns = (*texts("for", "currency"), *numbers("charges", "paid", "of it surcharge"))
    return Sheet("charges that were paid", columns, tuple(rows))
