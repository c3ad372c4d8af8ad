"""The first page: what can be used now, until when, and what to do before it is gone."""

from typing import Any

from api.pages.asking import Json
from api.pages.customer import words
from api.pages.customer.page import Page
from api.pages.customer.paying.charging import FOR
from api.pages.customer.visits import CUSTOMER, Visit
from domain.credits import parse_credits
from domain.payments.charges import ChargeKind

BALANCE = f"GET {CUSTOMER}/balance"
PARTS = ("included_available", "extra_available", "held")


async def show(visit: Visit) -> dict[str, Any]:
    """Show the balance by credit type."""
    balance = await visit.ask(BALANCE)
    types = [_of_type(visit, kind, found) for kind, found in balance["credit_types"].items()]
    return words.facts(visit, types=types, coming=coming_to(visit, balance["on_its_way"]))


def coming_to(visit: Visit, found: list[Json]) -> list[Json]:
    """Return money on its way, with what it is for in words."""
    said = words.Words(visit)
    return [{**one, "what": _bought(said, one)} for one in found]


def _bought(said: words.Words, coming: Json) -> str:
    if coming["credits"] is None or coming["credit_type"] is None:
        return FOR[ChargeKind(coming["kind"])].lower()
    return said.credits(coming["credits"], coming["credit_type"])


def _of_type(visit: Visit, kind: str, found: Json) -> Json:
    """Return a credit type with the lengths of its meter's parts, in thousandths."""
    amounts = {name: parse_credits(found[name]) for name in PARTS}
    whole = max(sum(amounts.values()), parse_credits(found["included"]), 1)
    bar, at = [], 0
    for name in PARTS:
        long = amounts[name] * 1000 // whole
        bar.append({"name": name, "at": at, "long": long})
        at += long
    pack = found["suggested_pack"]
    return {
        **found,
        "kind": kind,
        "unit": visit.unit(kind),
        "bar": bar,
        "pack": visit.plan.pack(pack) if pack else None,
    }


PAGE = Page("credits", "Credits", show)
