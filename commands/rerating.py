"""Re-rating a price list: who is affected, and then the one way to change what was published."""

from argparse import Namespace
from datetime import UTC, datetime

from catalogs.kept import shown
from catalogs.reader import PriceList
from commands.terminal import DONE, console, database, show_sheet
from domain.credits import format_credits
from domain.errors import InvalidInput
from domain.pricing.published import Comparison, Difference, Kind
from ledger import published
from ledger.affected import Affected, affected
from ledger.reports.scope import snapshot
from ledger.reports.tables import ABSENT, Sheet, numbers, texts

COLUMNS = (
    *texts("customer", "subscription", "of", "what it was and becomes"),
    *numbers("events", "credits"),
)
NOTES = (
    "subscriptions keep what they were sold until `python cli.py migrate-plans` moves them",
    "events that are booked stay as they are; those that come late are priced by the new rate",
)


def rerate(read: PriceList, arguments: Namespace) -> int:
    """Say who is affected, then publish the list as it is read unless it is a preview."""
    by, reason = arguments.by or "", arguments.reason or ""
    if not (arguments.preview or (by.strip() and reason.strip())):
        message = "say who re-rates and why: --by NAME --reason TEXT; or look first: --preview"
        raise InvalidInput("reason_missing", message)
    at = datetime.now(UTC)
    with database() as engine:
        with snapshot(engine) as reader:
            found = published.compared(reader, read.catalog, at)
            rows = affected(reader, read.catalog, found, at)
        if not found.refused:
            console.print("it keeps what was published: nothing is to be re-rated", markup=False)
            return DONE
        _show(read, found, rows, arguments)
        if arguments.preview:
            return DONE
        with engine.begin() as connection:
            published.rerate(connection, catalog=read.catalog, at=at, by=by, reason=reason)
    console.print(f"published by {by}: replace all workers", markup=False, highlight=False)
    return DONE


def _show(
    read: PriceList, found: Comparison, rows: tuple[Affected, ...], arguments: Namespace
) -> None:
    items = dict.fromkeys(one.item for one in found.refused)
    edits = tuple(f"re-rated: {item}" for item in items)
    currency = read.catalog.currency
    sheet = Sheet(
        f"affected by the re-rate of {read.catalog.name}",
        COLUMNS,
        tuple(_row(one, currency) for one in rows),
        (*edits, *NOTES),
    )
    show_sheet(sheet, arguments.csv)


def _row(one: Affected, currency: str) -> tuple[str, ...]:
    currency = one.item.currency or currency
    changes = "; ".join(_change(change, currency) for change in one.changes)
    is_rate = one.item.kind is Kind.RATE
    return (
        one.customer_id,
        one.subscription_id or ABSENT,
        str(one.item),
        changes or ("another rate" if is_rate else "no longer sold"),
        str(one.events) if is_rate else ABSENT,
        f"{format_credits(one.credits_micro)} {one.credit_type}" if one.events else ABSENT,
    )


def _change(one: Difference, currency: str) -> str:
    was, now = (shown(one.path, value, currency) for value in (one.published, one.read))
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in one.path)
    name = place.removeprefix(".").removesuffix("_micro").removesuffix("_minor")
    return f"{name}: {was} → {now}"
