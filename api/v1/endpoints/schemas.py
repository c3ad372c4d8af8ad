"""JSON schemas of what the hot path takes and answers, for the OpenAPI document."""

from typing import Any

from api.v1.endpoint import Parameter

Schema = dict[str, Any]

CREDITS: Schema = {
    "type": "string",
    "description": "A decimal text with at most 6 decimals.",
    "pattern": r"^-?[0-9]{1,13}(\.[0-9]{1,6})?$",
}
QUANTITY: Schema = {
    "description": "Above zero, up to 10^12, at most 6 decimals; best as a text.",
    "oneOf": [
        {"type": "string", "pattern": r"^(?=.*[1-9])[0-9]{1,12}(\.[0-9]{1,6})?$"},
        {"type": "integer", "minimum": 1, "maximum": 10**12},
    ],
}
SIGNED: Schema = {
    "type": "string",
    "description": "A decimal text with at most 6 decimals, not zero; below zero it takes.",
    "pattern": r"^-?(?=.*[1-9])[0-9]{1,12}(\.[0-9]{1,6})?$",
}
NOTHING_OR_QUANTITY: Schema = {
    "description": 'As the event\'s own; `"0"` undoes it.',
    "oneOf": [{"const": "0"}, *QUANTITY["oneOf"]],
}
INSTANT: Schema = {"type": "string", "format": "date-time"}
CUSTOMER: Schema = {"type": "string", "pattern": "^[!-~]{1,64}$"}
KEY: Schema = {
    "type": "string",
    "pattern": "^(?!ledger:)[^\\u0000]{1,200}$",
    "description": "Your own name of this request, for ever: a repeat gets the first answer.",
}
BY_TYPE: Schema = {"type": "object", "additionalProperties": CREDITS}
TAGS: Schema = {
    "type": "object",
    "maxProperties": 20,
    "propertyNames": {"pattern": "^[^\\u0000]{1,200}$"},
    "additionalProperties": {"type": "string", "pattern": "^[^\\u0000]{1,200}$"},
}
TEXT: Schema = {"type": "string", "pattern": "^[^\\u0000]{1,200}$"}
EMAIL: Schema = {"type": "string", "format": "email", "maxLength": 200}


def closed(required: dict[str, Schema], **optional: Schema) -> Schema:
    """Return the schema of an object with these fields and no others."""
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **optional},
        "additionalProperties": False,
    }


def titled(title: str, schema: Schema, description: str = "") -> Schema:
    """Return a schema with a name, by which clients' types are called."""
    about = {"description": description} if description else {}
    return {"title": title, **about, **schema}


def page(title: str, item: Schema) -> Schema:
    """Return the schema of a page of a list."""
    members = {"data": {"type": "array", "items": item}, "has_more": {"type": "boolean"}}
    return titled(title, {"type": "object", "required": [*members], "properties": members})


ACME = {"customer_id": "acme"}  # whom the document's examples are about
AT = "2027-01-01T00:00:00Z"
PENDING: Schema = titled(
    "Pending",
    {
        "type": "object",
        "required": ["status"],
        "properties": {
            "customer_id": CUSTOMER,
            "key": KEY,
            "status": {"enum": ["pending", "processing", "waiting"]},
        },
    },
    "A purchase, a payment or a decision is under way: send the same again, with the same key.",
)
KEY_HEADER: Schema = {
    "type": "string",
    "pattern": "^(?!ledger:)[!#-~]([ !#-~]{0,198}[!#-~])?$",
    "description": "It may be quoted, and other characters be written in UTF-8.",
}
EVENT = closed(
    {
        "customer_id": CUSTOMER,
        "key": KEY,
        "action": TEXT,
        "quantity": QUANTITY,
        "event_at": INSTANT,
    },
    tags=TAGS,
    confirmed={"type": "boolean", "description": "A person agreed to what it costs."},
)
NAMED_EVENT = titled("Event", EVENT, "Usage of one customer.")
EVENTS = titled(
    "Events",
    closed(
        {"events": {"type": "array", "minItems": 1, "maxItems": 1000, "items": NAMED_EVENT}},
    ),
    "Events of any customers, in order. One that cannot be read is refused alone.",
)
USAGE: Schema = {"oneOf": [NAMED_EVENT, EVENTS]}
ASKED: Schema = titled(
    "Asked",
    {
        "type": "object",
        "properties": {
            "credits": BY_TYPE,
            "purchase": {
                "type": "object",
                "properties": {
                    "credits": CREDITS,
                    "amount_minor": {"type": "integer"},
                    "surcharge_minor": {"type": "integer"},
                    "currency": {"type": "string"},
                },
            },
        },
    },
    "What a person is asked to agree to: credits to draw, or a purchase to make.",
)
OUTCOME: Schema = {
    "title": "Outcome",
    "type": "object",
    "required": ["customer_id", "key", "status"],
    "properties": {
        "customer_id": {"type": ["string", "null"]},
        "key": {"type": ["string", "null"]},
        "status": {
            "enum": ["debited", "repeated", "already_unlocked", "pending", "refused"],
        },
        "seq": {"type": ["integer", "null"]},
        "available": {"anyOf": [CREDITS, {"type": "null"}]},
        "charged": BY_TYPE,
        "served_as": {"type": "string"},
        "reason": {"type": "string"},
        "cure": {"type": "string"},
        "detail": {"type": "string"},
        "missing": {"anyOf": [CREDITS, {"type": "null"}]},
        "asked": ASKED,
    },
}
USAGE_ANSWER: Schema = {
    "oneOf": [
        OUTCOME,
        {
            "title": "Outcomes",
            "type": "object",
            "required": ["outcomes"],
            "properties": {"outcomes": {"type": "array", "items": OUTCOME}},
        },
    ]
}
CHECK = closed(
    {"customer_id": CUSTOMER, "action": TEXT, "quantity": QUANTITY},
    key=KEY,
    event_at=INSTANT,
    tags=TAGS,
    confirmed={"type": "boolean"},
    use={"type": "boolean", "description": "Debit it as well; needs `key` and `event_at`."},
    hold_seconds={"type": "integer", "minimum": 1, "maximum": 31 * 86_400},
)
_DONE = ["key", "event_at"]  # what is done needs them, to be repeated by
CHECK.update(
    title="Check",
    allOf=[
        {
            "if": {"required": ["use"], "properties": {"use": {"const": True}}},
            "then": {"required": _DONE, "not": {"required": ["hold_seconds"]}},
        },
        {"if": {"required": ["hold_seconds"]}, "then": {"required": _DONE}},
    ],
)
CHECK_ANSWER: Schema = {
    "title": "Allowed",
    "type": "object",
    "required": ["customer_id", "allowed"],
    "properties": {
        "customer_id": CUSTOMER,
        "allowed": {"type": "boolean"},
        "pending": {"type": "boolean", "description": "A purchase or renewal comes first."},
        **{name: OUTCOME["properties"][name] for name in ("seq", "available", "charged")},
        **{name: OUTCOME["properties"][name] for name in ("served_as", "reason", "cure")},
        **{name: OUTCOME["properties"][name] for name in ("missing", "asked")},
        "status": {"type": "string"},
    },
}
HOLD = closed({**EVENT["properties"], "lapses_at": INSTANT})
HOLD.update(title="Hold", required=[*EVENT["required"], "lapses_at"])
HOLD_ANSWER: Schema = {
    "title": "HoldAnswer",
    "type": "object",
    "required": ["customer_id", "key", "status"],
    "properties": {
        "customer_id": CUSTOMER,
        "key": KEY,
        "status": {"type": "string"},
        "state": {"enum": ["open", "captured", "released", "lapsed", None]},
        "seq": {"type": ["integer", "null"]},
        "held": BY_TYPE,
        "taken": BY_TYPE,
        "uncollected": BY_TYPE,
        "available": {"anyOf": [CREDITS, {"type": "null"}]},
        "lapses_at": INSTANT,
        "served_as": {"type": "string"},
    },
}
CAPTURE = titled(
    "Capture",
    closed({"customer_id": CUSTOMER, "quantity": QUANTITY}, confirmed={"type": "boolean"}),
)
EXTEND = titled("Extend", closed({"customer_id": CUSTOMER, "lapses_at": INSTANT}))
RELEASE = titled("Release", closed({"customer_id": CUSTOMER}))
CLOUD_EVENT = titled(
    "CloudEvent",
    {
        "type": "object",
        "required": ["specversion", "source", "id", "type", "subject", "time", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "source": {"description": "Not part of the key: `id` alone counts."},
            "id": {**KEY, "description": "The event's key."},
            "type": {**TEXT, "description": "The action."},
            "subject": {**CUSTOMER, "description": "The customer."},
            "time": {**INSTANT, "description": "The event's time."},
            "datacontenttype": {},
            "dataschema": {},
            "data": closed({"quantity": QUANTITY}, tags=TAGS, confirmed={"type": "boolean"}),
        },
        "patternProperties": {"^[a-z0-9]{1,20}$": {"description": "Extensions are ignored."}},
        "additionalProperties": False,
    },
    "CloudEvents 1.0 as usage. Binary mode (`ce-…` headers, the body is `data`) is taken as well.",
)
# What a body of another type than JSON looks like.
BY_MEDIA_TYPE: dict[str, Schema] = {
    "application/cloudevents+json": CLOUD_EVENT,
    "application/cloudevents-batch+json": {
        "type": "array",
        "maxItems": 1000,
        "items": CLOUD_EVENT,
        "description": "In order; one that cannot be read is refused alone.",
    },
}

PREFER = Parameter(
    "Prefer",
    {"type": "string"},
    "`wait=n`: seconds, up to 30, to wait for a purchase that is needed; without it 5.",
    "header",
)
ACTS_PREFER = Parameter(
    "Prefer",
    {"type": "string"},
    "`wait=n`: seconds, up to 30, to wait for the outcome; then 202, and the same key asks again.",
    "header",
)
# What an event is refused for as such, before any wallet is looked at.
EVENT_REASONS = (
    "invalid_id",
    "invalid_key",
    "invalid_quantity",
    "invalid_time",
    "invalid_tags",
    "unknown_customer",
    "unknown_action",
    "no_rate",
    "missing_object",
    "quantity_not_one",
    "event_in_future",
    "other_price_lists",
)
DEBIT_REASONS = (
    *EVENT_REASONS,
    "insufficient_credits",
    "cap_reached",
    "user_limit",
    "member_restricted",
    "member_removed",
    "confirmation_required",
    "approval_required",
    "not_in_plan",
    "paused:payment_failed",
    "paused:by_operator",
    "idempotency_conflict",
    "no_subscription",
    "subscription_ended",
    "period_closed",
    "too_many_waiting",
    "temporal_unavailable",
)
SETTLE_REASONS = (
    "invalid_id",
    "invalid_key",
    "invalid_quantity",
    "invalid_time",
    "unknown_customer",
    "unknown_hold",
    "hold_captured",
    "hold_released",
    "hold_lapsed",
    "idempotency_conflict",
    "confirmation_required",
    "other_price_lists",
)
