"""Invoices that are sent: what their mails say is what the processor has, and the ledger too."""

from datetime import UTC, datetime
from typing import Any

from tests.truth.reading import Read
from tests.truth.truth import Truth


def invoice_due(truth: Truth, read: Read, payload: dict[str, Any]) -> None:
    """Compare the amounts, the day and the number with the processor's own invoice."""
    books = truth.books
    _, _, named = read.key.partition(":invoice-")
    charge_id = named.partition(":")[2].rsplit(":in_", 1)[0]
    charge = books.charge(charge_id)
    there = books.customer.ask_processor(f"invoices/{charge.invoice}")
    came, remaining = there["amount_paid"], there["amount_remaining"]
    assert charge.amount_minor + charge.tax_minor == came + remaining
    amount, day = (
        books.money(remaining),
        books.show.day(datetime.fromtimestamp(there["due_date"], UTC)),
    )
    void = payload["notice"] == "void"
    truth.row("Not paid" if void else "To transfer", amount)
    if void:
        truth.says("is void: please do not pay it any more.")
        assert (f"{books.money(came)} of it has arrived" in read.prose) == (came > 0)
    else:
        truth.says(amount)
    if came:
        truth.row("Has arrived", books.money(came))
    truth.row("Was due" if void else "Due", day)
    truth.row("Reference", there["number"])
    if payload["purpose"] == "first_period" and payload["notice"] in ("sent", "unpaid"):
        noted = books.one(
            "SELECT note #>> '{period,end}' AS ends FROM charge_notes"
            " WHERE account_id = :account AND charge_id = :id",
            id=charge_id,
        )
        ends = books.show.day(datetime.fromisoformat(noted.ends))
        truth.says(f"whenever it is paid, and ends {ends}.")
    assert payload["page_url"] == there["hosted_invoice_url"]
    assert payload["pdf_url"] == there["invoice_pdf"]
    late = payload["notice"] in ("overdue", "unpaid")
    over = books.now >= datetime.fromtimestamp(there["due_date"], UTC)
    assert void or late == over, read.prose
    state = {"sent": "processing", "reminder": "processing", "overdue": "processing"}
    state |= {"void": "void"}
    assert charge.state == state.get(payload["notice"], "open")
    wallet = books.one(
        "SELECT 'payment_failed' = ANY (paused_by) AS unpaid FROM wallets"
        " WHERE account_id = :account"
    )
    assert ("paused for now" in read.prose) == wallet.unpaid
