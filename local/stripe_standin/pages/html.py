"""The HTML of the stand-in's pages; each begins by saying that it is not Stripe."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from local.stripe_standin.objects.amounts import money
from local.stripe_standin.store import Json

STYLE = """
body{font:16px/1.5 system-ui,sans-serif;background:#eef0f4;color:#1c2330;margin:0}
header{background:#ffd23f;padding:12px 20px;font-weight:600;border-bottom:3px dashed #1c2330}
main{max-width:560px;margin:32px auto;background:#fff;border-radius:12px;padding:28px 32px;
box-shadow:0 2px 12px #0002}
h1{font-size:22px;margin:0 0 4px}p{margin:4px 0 18px;color:#556}
button{display:block;width:100%;text-align:left;font:inherit;margin:10px 0;padding:12px 16px;
border:1px solid #c6ccd8;border-radius:8px;background:#fafbfd;cursor:pointer}
button:hover{border-color:#3b5bdb;background:#eef2ff}button small{display:block;color:#667}
.said{background:#fff4e5;border-left:4px solid #f08c00;padding:8px 12px;color:#5c3b00}
table{width:100%;border-collapse:collapse;margin:12px 0}
td{padding:8px 0;border-top:1px solid #e3e6ec}
td:last-child{text-align:right;font-variant-numeric:tabular-nums}tr:last-child td{font-weight:700}
"""
TYPED = {"country": "Country, as GB", "postal_code": "Postal code", "state": "State, as NY"}
BANNER = "STAND-IN, not Stripe: no real card, no real money. Choose what the bank should do."


@dataclass(frozen=True, slots=True)
class Choice:
    """A button: the test card behind it, its name for people, and what it will do."""

    token: str
    label: str
    effect: str


def note(text: str) -> str:
    """Make a page with one sentence."""
    return _page("Stripe stand-in", f"<p>{escape(text)}</p>")


def card_page(
    customer: Json, choices: Sequence[Choice], said: str, *, asks_address: bool = False
) -> str:
    """Make the page where a customer's card is replaced; `said` is the bank's last answer."""
    who = escape(customer.get("name") or customer.get("email") or customer["id"])
    typed = "".join(
        f'<label>{label} <input name="{name}" maxlength="10"></label>'
        for name, label in (TYPED.items() if asks_address else ())
    )
    body = f"<h1>Save a card</h1><p>for {who}</p>{_said(said)}{_buttons(choices, typed)}"
    return _page("Save a card", body)


def invoice_page(invoice: Json, choices: Sequence[Choice], said: str) -> str:
    """Make the hosted page of an invoice, with cards to pay it while it is open."""
    currency = invoice["currency"]
    rows = "".join(
        _row(line["description"] or "", money(line["amount"], currency))
        for line in invoice["lines"]["data"]
    )
    rows += _row("Total", money(invoice["total"], currency))
    who = escape(invoice["customer_name"] or invoice["customer_email"] or invoice["customer"])
    body = f"<h1>Invoice {escape(invoice['number'])}</h1><p>{who}, {escape(invoice['status'])}</p>"
    body += f"{_said(said)}<table>{rows}</table>"
    if invoice["status"] == "open":
        body += _buttons(choices)
    return _page("Invoice", body + f'<a href="/invoice/{invoice["id"]}/pdf">PDF</a>')


def _row(text: str, amount: str) -> str:
    return f"<tr><td>{escape(text)}</td><td>{amount}</td></tr>"


def _said(text: str) -> str:
    return f'<p class="said">{escape(text)}</p>' if text else ""


def _buttons(choices: Sequence[Choice], typed: str = "") -> str:
    rows = "".join(
        f'<button name="card" value="{choice.token}">{escape(choice.label)}'
        f"<small>{escape(choice.effect)}</small></button>"
        for choice in choices
    )
    return f'<form method="post">{typed}{rows}</form>'


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)} (stand-in)</title><style>{STYLE}</style>"
        f"<header>{BANNER}</header><main>{body}</main></html>"
    )
