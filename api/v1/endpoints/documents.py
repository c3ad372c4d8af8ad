"""What the door says about itself, to anybody: the OpenAPI document, its page, every reason."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import msgspec

from api.v1.call import Call, Reply, reply
from api.v1.endpoint import JSON, Endpoint, Theme
from api.v1.endpoints import schemas
from api.v1.openapi import pages
from api.v1.openapi.document import document
from api.v1.problems import OWN, Problem, cure_of, status_of, title_of
from domain.reasons import CURES


class Documents:
    """The operations that describe all others, and themselves."""

    def __init__(self, others: Sequence[Theme]) -> None:
        self._themes = (*others, Theme("documents", "Documents and reasons", self._own()))
        self.endpoints = tuple(one for theme in self._themes for one in theme.told())

    @cached_property
    def json(self) -> bytes:
        """The document, as it is served and kept in the repository."""
        written = msgspec.json.encode(self._told(), order=None)
        return msgspec.json.format(written, indent=1) + b"\n"

    @cached_property
    def page(self) -> bytes:
        """The document as a page."""
        return pages.reference(self._told())

    def _told(self) -> dict[str, Any]:
        return document(self.endpoints, self._themes)

    async def _json(self, call: Call) -> Reply:
        call.known()
        return Reply(self.json)

    async def _page(self, call: Call) -> Reply:
        call.known()
        return Reply(self.page, headers=pages.HEADERS, media_type=pages.MEDIA_TYPE)

    def _own(self) -> tuple[Endpoint, ...]:
        return (
            Endpoint("GET", "/openapi.json", None, summary="This document.", handle=self._json),
            Endpoint(
                "GET",
                "/docs",
                None,
                summary="This document as a page.",
                handle=self._page,
                answers_as=(pages.HTML,),
            ),
            Endpoint(
                "GET",
                "/reasons",
                None,
                summary="Every reason for a refusal.",
                handle=_all,
                answer=REASONS,
                answers_as=(JSON, pages.HTML),
            ),
            Endpoint(
                "GET",
                "/reasons/{reason}",
                None,
                summary="One reason, and what cures it; the `type` of problems leads here.",
                handle=_one,
                answer=REASON,
                answers_as=(JSON, pages.HTML),
                reasons=("not_found",),
            ),
        )


REASON = schemas.titled(
    "Reason",
    {
        "type": "object",
        "required": ["reason", "status", "title", "cure"],
        "properties": {
            "reason": {"type": "string"},
            "status": {"type": "integer"},
            "title": {"type": "string"},
            "cure": {"type": "string"},
        },
    },
)
REASONS: schemas.Schema = {
    "type": "object",
    "required": ["reasons"],
    "properties": {"reasons": {"type": "array", "items": REASON}},
}


async def _all(call: Call) -> Reply:
    call.known()
    told = [_told(reason) for reason in sorted({*OWN, *CURES})]
    if _wants_page(call):
        return Reply(pages.reasons(told), headers=pages.HEADERS, media_type=pages.MEDIA_TYPE)
    return reply({"reasons": told}, Vary="Accept")


async def _one(call: Call) -> Reply:
    call.known()
    reason = call.path["reason"]
    if reason not in CURES and reason not in OWN:
        raise Problem("not_found", f"there is no reason {reason!a:.100}")
    told = _told(reason)
    if _wants_page(call):
        return Reply(pages.reasons([told]), headers=pages.HEADERS, media_type=pages.MEDIA_TYPE)
    return reply(told, Vary="Accept")


def _told(reason: str) -> dict[str, Any]:
    return {
        "reason": reason,
        "status": status_of(reason),
        "title": title_of(reason),
        "cure": cure_of(reason),
    }


def _wants_page(call: Call) -> bool:
    """Return whether a browser asks; programs get JSON, whatever else they accept."""
    return pages.HTML in call.headers.get("accept", "")
