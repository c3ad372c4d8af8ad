"""Invoices and cards of a subscription."""

from argparse import Namespace
from dataclasses import asdict

from rich.table import Table

from commands.terminal import Add, console, database, print_answer, print_json, print_sheet, update
from domain.errors import InvalidInput
from domain.money import format_money, minor_exponent
from ledger import accounts
from ledger.payments import charges
from ledger.payments.charges import ListedCharge
from ledger.reports.tables import ABSENT, Sheet, numbers, texts


def invoices(arguments: Namespace) -> int:
    """List a subscription's newest invoices, with their pages and PDFs."""
    table = Table(title="Invoices", title_justify="left", header_style="bold")
    for name in ("invoice", "number", "issued", "status", "amount", "PDF"):
        table.add_column(name, overflow="fold", justify="right" if name == "amount" else "left")
    for one in _asked(arguments.subscription, "list_invoices")["invoices"]:
        table.add_row(
            one["invoice"],
            one["number"],
            one["issued_at"][:10],
            one["status"],
            _money(one["amount_minor"], one["currency"]),
            one["pdf"],
        )
    console.print(table)
    return 0


def cards(arguments: Namespace) -> int:
    """List a subscription's cards on file; the one in use is marked."""
    table = Table(title="Payment methods", title_justify="left", header_style="bold")
    for name in ("payment method", "card", "default"):
        table.add_column(name, overflow="fold")
    for one in _asked(arguments.subscription, "list_payment_methods")["payment_methods"]:
        table.add_row(one["payment_method"], one["card"], "✓" if one["default"] else "")
    console.print(table)
    return 0


def charges_of(arguments: Namespace) -> int:
    """List a customer's charges and their outcomes, the newest first."""
    with database() as engine, engine.connect() as connection:
        account = accounts.account_of(connection, arguments.customer)
        found = charges.listed(connection, account, limit=arguments.limit)
    if arguments.json:
        return print_json([asdict(one) for one in found])
    columns = (
        *texts("charge", "kind", "state"),
        *numbers("amount", "went back"),
        *texts("opened", "settled", "declined"),
    )
    title = f"charges of {arguments.customer}"
    return print_sheet(Sheet(title, columns, tuple(map(_charge, found))))


def _charge(one: ListedCharge) -> tuple[str, ...]:
    declined = f"{one.declines} x, last {one.decline_code}" if one.declines else ABSENT
    return (
        one.charge_id,
        one.kind,
        one.state,
        format_money(one.amount_minor, one.currency),
        format_money(one.returned_minor, one.currency) if one.returned_minor else ABSENT,
        f"{one.opened_at:%Y-%m-%d %H:%M}",
        f"{one.settled_at:%Y-%m-%d %H:%M}" if one.settled_at else ABSENT,
        declined,
    )


def mail_invoice(arguments: Namespace) -> int:
    """Mail an invoice to the finance address, or to another."""
    message = {"key": arguments.key, "invoice": arguments.invoice}
    if arguments.to:
        message["email"] = arguments.to
    return print_answer(update(arguments.subscription, "mail_invoice", message))


def _asked(subscription: str, question: str) -> dict[str, list[dict[str, str]]]:
    answer = update(subscription, question, {})
    if answer["status"] != "done":
        raise InvalidInput(answer.get("reason", answer["status"]), answer.get("cure", ""))
    return dict(answer)


def _money(minor: str, currency: str) -> str:
    exponent = minor_exponent(currency)
    whole, part = divmod(int(minor), 10**exponent)
    return f"{currency} {whole:,}" + (f".{part:0{exponent}d}" if exponent else "")


def add_commands(add: Add) -> None:
    """Add this module's commands and their arguments."""
    one = add("invoices", invoices)
    one.add_argument("subscription")
    one = add("charges", charges_of)
    one.add_argument("customer")
    one.add_argument("--limit", type=int, default=100, help="how many")
    one.add_argument("--json", action="store_true", help="with invoices, in minor units")
    one = add("cards", cards)
    one.add_argument("subscription")
    one = add("mail-invoice", mail_invoice)
    one.add_argument("subscription")
    one.add_argument("invoice")
    one.add_argument("--to", help="an address; default: the finance address")
    one.add_argument("--key", required=True, help="unique to this mail; repeats send nothing")
