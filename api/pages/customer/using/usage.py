"""What was used: by action, day, member or tag, and each line with its rate and what paid."""

from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.responses import Response, StreamingResponse

from api.pages.customer import words
from api.pages.customer.page import Page
from api.pages.customer.using.lines import operations, whole
from api.pages.customer.using.ranges import days_of
from api.pages.customer.using.sums import DAY, used_of_each
from api.pages.customer.visits import CUSTOMER, Visit
from api.pages.refusals import told_of
from api.v1.call import Reply
from domain.errors import BillingError

USAGE, ENTRIES = f"GET {CUSTOMER}/usage", f"GET {CUSTOMER}/entries"
CSV = "text/csv"
BY = {"action": "Action", "member": "Member", "tag": "Tag", "day": "Day"}
CHOICES = ("action", "member", "where")
KEPT = ("range", "from", "to", "by", "tag", *CHOICES)  # what a link on the page keeps
FIRST_TAG = "campaign"  # as the empty field suggests
LINES, MOST_LINES = 50, 100_000
MORE = b"(there are more lines: choose fewer days)\r\n"


async def show(visit: Visit) -> dict[str, Any]:
    """Show sums with a chart, and the journal's lines of the same days."""
    days, by = days_of(visit), _by(visit)
    shown: dict[str, Any] = {"types": [], "lines": [], "older": "", "fault": days.fault}
    if not days.fault:
        try:
            shown |= await _found(visit, days.asked)
        except BillingError as error:
            shown["fault"] = told_of(error).headline
    kept = {name: visit.query[name] for name in KEPT if visit.query.get(name)}
    return words.facts(
        visit,
        **shown,
        days=days,
        by=by,
        ways=[one for one in BY.items() if one[0] != "member" or visit.is_admin],
        tag=_tag(visit),
        chosen=_chosen(visit),
        files=urlencode(kept),
        link=lambda **changed: _link(kept, changed),
    )


async def _found(visit: Visit, asked: Mapping[str, str]) -> dict[str, Any]:
    group = _group(visit)
    sums = await visit.ask(USAGE, query={**asked, **_narrowed(visit), **_grouped(group)})
    # What is decided meanwhile is on the next page that is asked for, not on half of this one.
    lines_of = {**asked, "from": sums["from"], **_narrowed(visit), "limit": str(LINES)}
    if visit.query.get("after"):
        lines_of["starting_after"] = visit.query["after"]
    found = await visit.ask(ENTRIES, query=lines_of)
    items = whole(found["items"]) if found["has_more"] else found["items"]
    return {
        "types": used_of_each(visit, sums, group),
        "lines": operations(visit, items),
        "older": items[-1]["id"] if found["has_more"] else "",
    }


def _chosen(visit: Visit) -> list[tuple[str, str]]:
    names = [one for one in CHOICES if one != "member" or visit.is_admin]
    return [(name, visit.query[name]) for name in names if visit.query.get(name)]


def _by(visit: Visit) -> str:
    by = visit.query.get("by", "action")
    if by == "member" and not visit.is_admin:
        return "action"
    return by if by in BY else "action"


def _group(visit: Visit) -> str:
    by = _by(visit)
    return f"tag:{_tag(visit)}" if by == "tag" else by


def _tag(visit: Visit) -> str:
    """Return the tag that is named; summed up by one that nobody named, the one that is shown."""
    tag = visit.query.get("tag", "").strip()
    return tag or (FIRST_TAG if _by(visit) == "tag" else "")


def _grouped(group: str) -> dict[str, str]:
    return {"group_by": DAY if group == DAY else f"{DAY},{group}"}


def _narrowed(visit: Visit) -> dict[str, str]:
    """Return which usage is asked for: a member is answered the own alone, whatever was asked."""
    names = {"action": "action", "member": "member", "where": "tag"}
    asked = {known: visit.query[name] for name, known in names.items() if visit.query.get(name)}
    if visit.member is not None and not visit.is_admin:
        asked["member"] = visit.member.member_id
    return asked


def _link(kept: Mapping[str, str], changed: Mapping[str, str]) -> str:
    asked = {name: value for name, value in {**kept, **changed}.items() if value}
    return "/console/usage" + (f"?{urlencode(asked)}" if asked else "")


async def sums_file(visit: Visit) -> Response:
    """Save the sums of the days that are shown, day by day."""
    query = {**days_of(visit).asked, **_narrowed(visit), **_grouped(_group(visit))}
    saved = await visit.file(USAGE, accept=CSV, query=query)
    return Response(saved.body, headers=dict(saved.headers), media_type=saved.media_type)


async def lines_file(visit: Visit) -> Response:
    """Save the lines of the days that are shown, the newest first."""
    asked = {**days_of(visit).asked, **_narrowed(visit), "limit": "100"}
    start = visit.standing.wallet.window_start
    if "from" not in asked and start is not None:
        asked["from"] = start.isoformat()
    first = await visit.file(ENTRIES, accept=CSV, query=asked)
    told = {"Content-Disposition": 'attachment; filename="usage-lines.csv"'}
    parts = _parts(visit, asked, first)
    return StreamingResponse(parts, headers=told, media_type=first.media_type)


async def _parts(visit: Visit, asked: Mapping[str, str], saved: Reply) -> AsyncIterator[bytes]:
    """Yield page after page; the heading is the first one's."""
    yield saved.body
    for _ in range(MOST_LINES // 100):
        if "Link" not in saved.headers:
            return
        address = saved.headers["Link"].partition("<")[2].partition(">")[0]
        after = parse_qs(urlsplit(address).query)["starting_after"][0]
        query = {**asked, "starting_after": after}
        saved = await visit.file(ENTRIES, accept=CSV, query=query)
        yield saved.body.partition(b"\n")[2]
    yield MORE


PAGE = Page("usage", "Usage", show, files={"sums.csv": sums_file, "lines.csv": lines_file})
