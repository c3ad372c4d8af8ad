"""CloudEvents 1.0 as usage: who reports usage may send what other meters take.

`id` is the key, `subject` the customer, `type` the action, `time` the event's time; `data` has the
quantity and the tags. An event is known by its `id` alone, whatever its `source`: senders that
share customers must not share ids.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from domain.errors import InvalidInput
from domain.messages import fields

VERSION = "1.0"
REQUIRED = ("specversion", "source", "id", "type", "subject", "time", "data")
OPTIONAL = ("datacontenttype", "dataschema")
PREFIX = "ce-"  # of the attributes that are headers

_EXTENSION = re.compile(r"[a-z0-9]{1,20}", re.ASCII)  # such as `traceparent`


def usage_of(raw: Any) -> dict[str, Any]:
    """Return the usage event that a CloudEvent means, not yet parsed; extensions are ignored.

    Raises `InvalidInput`: `malformed`, `missing_field`, `unknown_field`.
    """
    if not isinstance(raw, dict):
        raise InvalidInput("malformed", "an event is a JSON object")
    extensions = tuple(name for name in raw if _EXTENSION.fullmatch(name))
    fields.only(raw, *REQUIRED, optional=(*OPTIONAL, *extensions))
    if raw["specversion"] != VERSION:
        raise InvalidInput("malformed", f"`specversion` must be {VERSION!r}")
    data = raw["data"]
    if not isinstance(data, dict):
        raise InvalidInput("malformed", "`data` must be an object with a `quantity`")
    fields.only(data, "quantity", optional=("tags", "confirmed"))
    return {
        **data,
        "customer_id": raw["subject"],
        "key": raw["id"],
        "action": raw["type"],
        "event_at": raw["time"],
    }


def from_headers(headers: Mapping[str, str], data: Any) -> dict[str, Any]:
    """Return the CloudEvent of binary mode: attributes in headers, percent-encoded; body `data`."""
    named = {
        name.removeprefix(PREFIX): unquote(value)
        for name, value in headers.items()
        if name.startswith(PREFIX)
    }
    return {**named, "data": data}
