"""JSON schemas of what the hot path takes and answers, for the OpenAPI document."""

from typing import Any

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


def closed(required: dict[str, Schema], **optional: Schema) -> Schema:
    """Return the schema of an object with these fields and no others."""
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **optional},
        "additionalProperties": False,
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
    confirmed={"type": "boolean"},
)
USAGE: Schema = {
    "oneOf": [
        EVENT,
        closed(
            {
                "events": {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": 1000,
                    "items": {"type": "object"},
                }
            }
        ),
    ]
}
ASKED: Schema = {"type": "object"}
OUTCOME: Schema = {
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
CHECK_ANSWER: Schema = {
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
HOLD["required"] = [*EVENT["required"], "lapses_at"]
HOLD_ANSWER: Schema = {
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
CAPTURE = closed({"customer_id": CUSTOMER, "quantity": QUANTITY}, confirmed={"type": "boolean"})
EXTEND = closed({"customer_id": CUSTOMER, "lapses_at": INSTANT})
RELEASE = closed({"customer_id": CUSTOMER})

DEBIT_REASONS = (
    "unknown_customer",
    "unknown_action",
    "insufficient_credits",
    "cap_reached",
    "user_limit",
    "confirmation_required",
    "approval_required",
    "paused:payment_failed",
    "idempotency_conflict",
    "subscription_ended",
    "period_closed",
)
SETTLE_REASONS = (
    "unknown_customer",
    "unknown_hold",
    "hold_captured",
    "hold_released",
    "hold_lapsed",
    "idempotency_conflict",
)
