"""The layout of what was imported."""

from collections.abc import Iterable

from domain.credits import format_credits
from ledger.payments.import_marks import ImportedRow, Kind
from ledger.reports.tables import ABSENT, Sheet, instant_text, money_text, numbers, texts


def imports_sheet(lines: Iterable[ImportedRow]) -> Sheet:
    """Lay out each imported row, and the sums of what was brought along."""
    rows = tuple(map(_row, lines))
    columns = (
        *texts("imported at", "by", "customer", "what", "key", "credit type"),
        *numbers("credits", "cost"),
        *texts("currency", "plan", "renews at"),
    )
    return Sheet("imported from another system", columns, rows)


def _row(one: ImportedRow) -> tuple[str, ...]:
    said, whose = one.content, (instant_text(one.at), one.by, one.customer_id)
    if one.kind == Kind.SUBSCRIPTION:
        plan = f"{said['catalog']} {said['plan']}"
        nothing = (ABSENT,) * 4
        return (
            *whose,
            f"subscription, {said['status']}",
            one.key,
            *nothing,
            plan,
            said["renews_at"],
        )
    amounts = (
        format_credits(said["credits_micro"]),
        money_text(said["cost_minor"], said["currency"]),
    )
    kind = (said["source"], one.key, said["credit_type"])
    return (*whose, *kind, *amounts, said["currency"], ABSENT, ABSENT)
