"""The team: who used what, what each may use, and what members ask their admins for."""

from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from api.errors import NotFoundError
from api.pages.asking import Json
from api.pages.customer import words
from api.pages.customer.page import Page, back_to
from api.pages.customer.visits import CUSTOMER, Visit
from domain.credits import parse_credits
from domain.errors import BillingError
from domain.teams.members import Role, share_of

TEAM = f"GET {CUSTOMER}/team"
MEMBER = f"{CUSTOMER}/members/{{member}}"
REQUESTS = f"{CUSTOMER}/approvals"
QUICK = {"used": "window"}  # the page does not show what was used since the period began
LATEST = "50"  # requests that are shown, the newest first
WHOLE = 1000  # of a bar
LIMIT = "limit:"  # the fields of limits, by credit type
NOBODY: Json = {
    "member": "", "name": "", "email": "", "role": "member", "restricted": False, "limits": {},
    "new": True,
}  # fmt: skip


async def show(visit: Visit) -> dict[str, Any]:
    """Show admins the team and what it asks; a member the own part."""
    mine = {} if visit.is_admin or visit.member is None else {"member": visit.member.member_id}
    try:
        team = await visit.ask(TEAM, query={**mine, **QUICK})
    except BillingError as error:
        if error.reason != "no_subscription":
            raise
        return words.facts(visit, team=None)
    found = await visit.ask(f"GET {REQUESTS}", query={"limit": LATEST, **mine})
    people = _people(team["members"])
    return words.facts(
        visit,
        team=team,
        unit=visit.unit(team["credit_type"]),
        goal=words.Words(visit).goal(team["monthly_goal"]),
        people=people,
        names={one["member"]: one["name"] for one in people},
        edited=_edited(visit, people),
        deciders=[one for one in people if one["role"] == Role.ADMIN],
        types=_types(visit),
        waiting=[one for one in found["items"] if one["state"] == "waiting"],
        settled=[one for one in found["items"] if one["state"] != "waiting"],
        own=None if visit.is_admin else people[0],
        limit_field=LIMIT,
    )


async def keep(visit: Visit) -> Response:
    """Add a member, or change one."""
    _admins_only(visit)
    member = visit.form.get("member", "").strip()
    if visit.form.get("new"):
        known = await visit.ask(TEAM, query=QUICK)
        if _named(known["members"], member):
            return back_to("team", f"edit={quote(member, safe='')}#edit")
    body = {
        "name": visit.form.get("name", ""),
        "email": visit.form.get("email", ""),
        "role": visit.form.get("role", Role.MEMBER),
        "restricted": "restricted" in visit.form,
        "limits": {
            name.removeprefix(LIMIT): value.strip()
            for name, value in visit.form.items()
            if name.startswith(LIMIT) and value.strip()
        },
    }
    await visit.ask(f"PUT {MEMBER}", body=body, member=member)
    return back_to("team")


async def remove(visit: Visit) -> Response:
    """Take a member out of the team; what they used stays in the history."""
    _admins_only(visit)
    await visit.ask(f"DELETE {MEMBER}", member=visit.form.get("member", ""))
    return back_to("team")


async def approve(visit: Visit) -> Response:
    """Approve a member's request."""
    return await _decided(visit, "approve", {})


async def refuse(visit: Visit) -> Response:
    """Refuse a member's request, with a reason."""
    return await _decided(visit, "refuse", {"reason": visit.form.get("reason", "")})


async def ask(visit: Visit) -> Response:
    """Ask the admins for a higher limit, as the member who looks."""
    if visit.member is None:
        raise NotFoundError("not_found", "only members ask")
    body = {"member": visit.member.member_id, "credits": visit.form.get("credits", "").strip()}
    for name in ("credit_type", "note"):
        if visit.form.get(name):
            body[name] = visit.form[name]
    await visit.ask(f"POST {REQUESTS}", body=body, key=visit.form.get("key", ""))
    return back_to("team")


async def _decided(visit: Visit, verdict: str, more: Json) -> Response:
    _admins_only(visit)
    request = visit.form.get("request", "")
    # The customer's own has no name in the team: an admin of it takes the decision.
    by = visit.member.member_id if visit.member else visit.form.get("by", "")
    await visit.asker.ask(
        f"POST {REQUESTS}/{{key}}/{verdict}",
        {"id": visit.customer_id, "key": request},
        body={"by": by, **more},
        key=f"{visit.form.get('key', '')}-{verdict}",
    )
    return back_to("team")


def _admins_only(visit: Visit) -> None:
    """Raise `NotFoundError` for a member: what admins do is not there for them."""
    if not visit.is_admin:
        raise NotFoundError("not_found", "only admins of the team do this")


def _people(members: list[Json]) -> list[Json]:
    """Return the members, those who use most first, with the lengths of their bars."""
    used = {one["member"]: parse_credits(one["used_this_window"]) for one in members}
    most, together = max(used.values(), default=0), sum(used.values())
    people = [
        {
            **one,
            "long": used[one["member"]] * WHOLE // most if most > 0 else 0,
            "share": share_of(used[one["member"]], together, len(members)).value,
        }
        for one in members
    ]
    return sorted(people, key=lambda one: -used[one["member"]])


def _named(members: list[Json], member: str | None) -> Json | None:
    return next((one for one in members if one["member"] == member), None)


def _edited(visit: Visit, people: list[Json]) -> Json:
    """Return what the form of a member is filled with: what was sent, or whom the link names."""
    if "email" in visit.form:
        limits = {
            name.removeprefix(LIMIT): text
            for name, text in visit.form.items()
            if name.startswith(LIMIT)
        }
        sent = {**NOBODY, **visit.form, "restricted": "restricted" in visit.form, "limits": limits}
        return {**sent, "new": "new" in visit.form}
    found = _named(people, visit.query.get("edit"))
    return {**found, "new": False} if found else NOBODY


def _types(visit: Visit) -> list[tuple[str, str]]:
    """Return the credit types that a member's use may be limited in, with their names."""
    sold = visit.catalog.credit_types if visit.catalog else ()
    return [(one.credit_type, one.name) for one in sold]


PAGE = Page(
    "team",
    "Team",
    show,
    acts={"keep": keep, "remove": remove, "approve": approve, "refuse": refuse, "ask": ask},
)
