"""Messages about invoices and cards, parsed from JSON text."""

from dataclasses import dataclass
from typing import Any

from domain.messages import fields


@dataclass(frozen=True, slots=True)
class MailInvoice:
    """Mail an invoice; without an address it goes to the finance address, else the customer's."""

    key: str
    invoice: str
    to: str | None


@dataclass(frozen=True, slots=True)
class SetFinanceEmail:
    """Set where receipts go besides the customer's own address; None: nowhere else."""

    email: str | None


def parse_nothing(data: bytes) -> dict[str, Any]:
    """Read `{}`, the payload of a question without parameters."""
    return fields.only(fields.parse_object(data))


def parse_mail_invoice(data: bytes) -> MailInvoice:
    """Read `{"key": …, "invoice": "in_…", "email": …}`; `email` may be left out."""
    raw = fields.only(fields.parse_object(data), "key", "invoice", optional=("email",))
    return MailInvoice(
        fields.key(raw),
        fields.identifier(raw["invoice"], "unknown_invoice"),
        fields.email(raw) if raw.get("email") is not None else None,
    )


def parse_set_finance_email(data: bytes) -> SetFinanceEmail:
    """Read `{"email": …}`; null switches it off."""
    raw = fields.only(fields.parse_object(data), "email")
    return SetFinanceEmail(None if raw["email"] is None else fields.email(raw))


def parse_use_payment_method(data: bytes) -> str:
    """Read `{"payment_method": "pm_…"}`."""
    raw = fields.only(fields.parse_object(data), "payment_method")
    return fields.identifier(raw["payment_method"], "unknown_payment_method")


def parse_invoice(data: bytes) -> str:
    """Read `{"invoice": "in_…"}`."""
    raw = fields.only(fields.parse_object(data), "invoice")
    return fields.identifier(raw["invoice"], "unknown_invoice")
