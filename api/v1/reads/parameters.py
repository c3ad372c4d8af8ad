"""Parameters of reads: paging, times and choices, refused by name."""

import json
from collections.abc import Mapping
from datetime import datetime

from api.v1.endpoint import Parameter
from api.v1.endpoints import schemas
from api.v1.problems import Problem
from domain.errors import InvalidInput
from domain.messages import fields

MOST, USUAL = 100, 20
LIMIT = Parameter(
    "limit",
    {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL},
    "How many items at most.",
)
PAGING = (
    LIMIT,
    Parameter("starting_after", schemas.TEXT, "The `id` of the last item of the page before."),
)
LIMITS = frozenset(map(str, range(1, MOST + 1)))
TIMES = (
    Parameter("from", schemas.INSTANT, "What was decided at this instant or later."),
    Parameter("to", schemas.INSTANT, "What was decided before this instant."),
)


def limit_of(query: Mapping[str, str]) -> int:
    """Return how many items are asked for. Raises `Problem` (`invalid_parameter`)."""
    sent = query.get("limit", str(USUAL))
    if sent not in LIMITS:
        raise Problem("invalid_parameter", f"`limit` is a number from 1 to {MOST}")
    return int(sent)


def instant_of(query: Mapping[str, str], name: str) -> datetime | None:
    """Return an instant, None if it is left out. Raises `Problem` (`invalid_parameter`)."""
    if name not in query:
        return None
    try:
        return fields.parse_instant(query[name])
    except InvalidInput as error:
        raise Problem("invalid_parameter", f"`{name}`: {error}") from error


def text_of(query: Mapping[str, str], name: str) -> str | None:
    """Return a text, None if it is left out. Raises `Problem` (`invalid_parameter`)."""
    sent = query.get(name)
    if sent is not None and not fields.is_text(sent):
        raise Problem("invalid_parameter", f"`{name}` is a text of 1 to 200 characters")
    return sent


def tags_of(query: Mapping[str, str]) -> str | None:
    """Return the tags that `member` and `tag=name:value` ask for, as JSON; None: any."""
    chosen: dict[str, str] = {}
    member, tag = text_of(query, "member"), text_of(query, "tag")
    if member is not None:
        chosen["member"] = member
    if tag is not None:
        name, colon, value = tag.partition(":")
        if not (name and colon and value):
            raise Problem("invalid_parameter", "`tag` is written as campaign:spring")
        if chosen.get(name, value) != value:
            raise Problem("invalid_parameter", "`member` and `tag` name two members")
        chosen[name] = value
    return json.dumps(chosen) if chosen else None
