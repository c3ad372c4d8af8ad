"""Lines of the journal as people read them: what it was for, its rate, and what paid."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import groupby

from api.pages.asking import Json
from api.pages.customer.visits import Visit
from api.pages.customer.words import Words
from domain.credits import MICRO, parse_credits

USE = ("debit", "capture")
KINDS = {
    "grant": "Credits given",
    "hold": "Set aside",
    "release": "No longer set aside",
    "expiry": "Expired",
    "adjustment": "Adjusted by support",
    "void": "Taken back",
    "correction": "Corrected",
    "rollover": "Carried over",
    "refund": "Refunded",
    "chargeback": "Payment failed or charged back",
    "debt": "Owed",
    "reopen": "Given back",
    "repayment": "Taken for what was owed",
}
DECIMALS = 4  # of a rate that does not end


@dataclass(slots=True)
class Operation:
    """What one operation did; `rates` and `changes` by credit type, `paid` by what it drew on."""

    line_id: str
    at: str
    title: str
    quantity: str = ""
    tags: list[str] = field(default_factory=list)
    late: str = ""
    changes: list[str] = field(default_factory=list)
    rates: list[str] = field(default_factory=list)
    paid: list[str] = field(default_factory=list)
    left: str = ""


def operations(visit: Visit, items: Iterable[Json]) -> list[Operation]:
    """Return lines, the newest first, as operations; those of one stand together."""
    return [_operation(visit, list(lines)) for _, lines in groupby(items, lambda one: one["seq"])]


def whole(items: list[Json]) -> list[Json]:
    """Leave out the lines at a page's end whose operation goes on on the next page."""
    kept = [one for one in items if one["seq"] != items[-1]["seq"]]
    return kept or items


def _operation(visit: Visit, lines: list[Json]) -> Operation:
    words, last, first = Words(visit), lines[-1], lines[0]
    told = Operation(last["id"], last["at"], _title(visit, last))
    named = last["tags"] or {}
    told.tags = [f"{name}: {value}" for name, value in sorted(named.items()) if name != "reason"]
    told.late = last["event_at"] if last["late"] else ""
    told.left = words.number(first["available"])
    if last["quantity"] is not None:
        told.quantity = words.number(last["quantity"])
    for kind, amount in _by_type(lines).items():
        told.changes.append(_signed(visit, amount, kind))
        told.rates += _rate(visit, last, amount)
    if last["kind"] in USE:
        told.paid = _paid(visit, lines)
    return told


def _title(visit: Visit, line: Json) -> str:
    kind, action = line["kind"], line["served_as"] or line["action"]
    named = visit.action(action) if action else ""
    if kind in USE:
        return named
    if kind == "grant" and line["source"]:
        return Words(visit).source(line["source"])
    said = KINDS.get(kind, kind.capitalize())
    return f"{said}: {named}" if named else said


def _by_type(lines: list[Json]) -> dict[str, int]:
    """Return the change of each credit type; what is only set aside counts as such."""
    found: dict[str, int] = {}
    for one in lines:
        moved = parse_credits(one["credits"]) or -parse_credits(one["held"])
        change = moved if one["kind"] in ("hold", "release") else parse_credits(one["credits"])
        found[one["credit_type"]] = found.get(one["credit_type"], 0) + change
    return found


def _signed(visit: Visit, amount: int, kind: str) -> str:
    if not amount:
        return "free"
    sign = "+" if amount > 0 else "\N{MINUS SIGN}"
    return f"{sign}{visit.show.number(abs(amount))} {visit.unit(kind)}"


def _rate(visit: Visit, line: Json, amount: int) -> list[str]:
    if line["kind"] not in USE or not line["quantity"]:
        return []
    quantity = parse_credits(line["quantity"])
    if quantity <= 0 or amount >= 0:
        return []
    exact = Fraction(-amount * MICRO, quantity)
    step = 10 ** (6 - DECIMALS)
    if exact.denominator == 1:
        return [f"{visit.show.number(int(exact))} each"]
    return [f"≈ {visit.show.number(round(exact / step) * step)} each"]


def _paid(visit: Visit, lines: list[Json]) -> list[str]:
    """Return what was drawn on, as in `Pack 3`."""
    drawn: dict[str, int] = {}
    for one in lines:
        amount = -parse_credits(one["credits"])
        if amount > 0:
            source = Words(visit).source(one["source"]) if one["source"] else "On credit"
            drawn[source] = drawn.get(source, 0) + amount
    if len(drawn) == 1:
        return list(drawn)
    return [f"{source}: {visit.show.number(amount)}" for source, amount in drawn.items()]
