"""What the credits brought: outcomes beside the credits of the same campaign, or another tag."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from api.pages.asking import Json
from api.pages.customer import words
from api.pages.customer.page import Page
from api.pages.customer.using.ranges import days_of
from api.pages.customer.visits import CUSTOMER, Visit
from api.pages.refusals import told_of
from domain.credits import MICRO, parse_credits
from domain.errors import BillingError

USAGE, ENTRIES = f"GET {CUSTOMER}/usage", f"GET {CUSTOMER}/entries"
LOOKED_THROUGH = "100"  # newest lines in which tags are looked for
FIRST_TAG = "campaign"
WIDE, DECIMALS = 400, 2


@dataclass(slots=True)
class Brought:
    """What one value of the tag spent by credit type, and what it brought; in millionths."""

    value: str | None
    spent: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)


async def show(visit: Visit) -> dict[str, Any]:
    """Show credits spent, outcomes, and credits for each, by the values of a tag."""
    days, tags = days_of(visit), await _tags(visit)
    tag = visit.query.get("tag", "").strip() or (tags[0] if tags else FIRST_TAG)
    found: list[Brought] = []
    fault = days.fault
    if not fault:
        try:
            sums = await visit.ask(USAGE, query={**days.asked, "group_by": f"tag:{tag},action"})
            found = _brought(visit, sums["items"], tag)
        except BillingError as error:
            fault = told_of(error).headline
    outcomes = _outcomes(found)
    outcome = visit.query.get("outcome", "")
    outcome = outcome if outcome in outcomes else next(iter(outcomes), "")
    return words.facts(
        visit,
        days=days,
        fault=fault,
        tag=tag,
        tags=tags,
        outcomes=[(one, visit.action(one)) for one in outcomes],
        outcome=outcome,
        example=_example(visit),
        types=[_of_type(visit, kind, found, outcome) for kind in _types(found)],
    )


async def _tags(visit: Visit) -> list[str]:
    """Return the names of tags that were used lately, campaigns first."""
    lines = await visit.ask(ENTRIES, query={"limit": LOOKED_THROUGH})
    seen = Counter(name for one in lines["items"] for name in one["tags"] or () if one["action"])
    ranked = sorted(seen, key=lambda name: (name == "member", name != FIRST_TAG, -seen[name], name))
    return ranked[:8]


def _brought(visit: Visit, items: Iterable[Json], tag: str) -> list[Brought]:
    """Return each value of the tag; an outcome is an action that costs nothing."""
    rows = list(items)
    metered = {one["action"] for one in rows if parse_credits(one["credits"])}
    metered |= {one for one in {row["action"] for row in rows} if not _is_free(visit, one)}
    found: dict[str | None, Brought] = {}
    for one in rows:
        of = found.setdefault(one[f"tag:{tag}"], Brought(one[f"tag:{tag}"]))
        if one["action"] in metered:
            of.spent[one["credit_type"]] += parse_credits(one["credits"])
        else:
            of.outcomes[one["action"]] += parse_credits(one["quantity"])
    return list(found.values())


def _is_free(visit: Visit, action_id: str) -> bool:
    sold = visit.catalog.actions if visit.catalog else ()
    known = next((one for one in sold if one.action_id == action_id), None)
    return known is None or known.rate_at(visit.standing.wallet.at).free


def _outcomes(found: Iterable[Brought]) -> list[str]:
    """Return the outcomes, the rarest first: meetings are fewer than messages."""
    counted: Counter[str] = Counter()
    for one in found:
        counted.update(one.outcomes)
    return sorted(counted, key=lambda action: (counted[action], action))


def _types(found: Iterable[Brought]) -> list[str]:
    spent: Counter[str] = Counter()
    for one in found:
        spent.update(one.spent)
    return [kind for kind, _ in spent.most_common()]


def _of_type(visit: Visit, kind: str, found: Iterable[Brought], outcome: str) -> Json:
    """Return the rows of a credit type, the cheapest outcome first, with the bars' lengths."""
    rows = [_row(visit, one, kind, outcome) for one in found]
    rows = [one for one in rows if one["spent"] or one["count"]]
    rows.sort(key=lambda one: (one["each"] is None, one["each"] or 0, -one["spent"]))
    most = max((one["each"] or 0 for one in rows), default=0)
    for one in rows:
        one["long"] = max(int(one["each"] * WIDE / most), 2) if one["each"] and most else 0
        one["shown"] = _about(visit, one["each"])
    return {"kind": kind, "unit": visit.unit(kind), "rows": rows, "most": most}


def _row(visit: Visit, one: Brought, kind: str, outcome: str) -> Json:
    spent, count = one.spent[kind], one.outcomes[outcome]
    each = Fraction(spent, count) if count > 0 and spent > 0 else None
    named = one.value if one.value is not None else "without it"
    per = _about(visit, 1 / each) if each else ""
    return {"label": named, "spent": spent, "count": count, "each": each, "per": per}


def _about(visit: Visit, value: Fraction | None) -> str:
    """Return a fraction rounded to two decimals, half up; "" for none."""
    if value is None:
        return ""
    rounded = int(value * 10**DECIMALS + Fraction(1, 2))
    return visit.show.number(rounded * MICRO // 10**DECIMALS)


def _example(visit: Visit) -> str:
    """Return a free action of the price list, for those who have sent no outcome yet."""
    sold = visit.catalog.actions if visit.catalog else ()
    free = [one.action_id for one in sold if _is_free(visit, one.action_id)]
    return free[-1] if free else "meeting_booked"


PAGE = Page("results", "Results", show, admins=True)
