"""Messages about alerts and notices, parsed from JSON text."""

from dataclasses import dataclass
from typing import Any

from domain.credits import format_credits, parse_quantity
from domain.errors import InvalidInput
from domain.messages import fields
from domain.pricing.policies import Alert, Channel

MOST_THRESHOLDS = 10
MOST_READ = 100
WHOLE = 100


@dataclass(frozen=True, slots=True)
class SetAlerts:
    """Replace the customer's thresholds (empty: no alerts); None restores the plan's."""

    thresholds: tuple[Alert, ...] | None


@dataclass(frozen=True, slots=True)
class ReadNotices:
    """Mark notices as read."""

    notice_ids: tuple[str, ...]


def parse_set_alerts(data: bytes) -> SetAlerts:
    """Read `{"alerts": [{"percent": 20, "channel": "email"}, {"credits": "50", …}]}`, or null.

    A threshold may have `"rearm_on_purchase": true`.
    Raises `InvalidInput`, with `invalid_threshold` for a threshold.
    """
    raw = fields.only(fields.parse_object(data), "alerts")["alerts"]
    if raw is None:
        return SetAlerts(None)
    if not isinstance(raw, list) or len(raw) > MOST_THRESHOLDS:
        raise _invalid(f"`alerts` must be null or a list of at most {MOST_THRESHOLDS}")
    found = tuple(_threshold(one) for one in raw)
    if len({one.threshold_id for one in found}) < len(found):
        raise _invalid("each threshold can be set once")
    return SetAlerts(found)


def parse_list_notices(data: bytes) -> bool:
    """Read `{"unread": true}`, which may be left out; return whether to list only unread ones."""
    raw = fields.only(fields.parse_object(data), optional=("unread",))
    return fields.flag(raw, "unread") if "unread" in raw else False


def parse_read_notices(data: bytes) -> ReadNotices:
    """Read `{"notices": ["…"]}`, at most a hundred ids."""
    raw = fields.only(fields.parse_object(data), "notices")["notices"]
    if not isinstance(raw, list) or len(raw) > MOST_READ or not all(map(fields.is_text, raw)):
        raise InvalidInput("malformed", f"`notices` must be a list of at most {MOST_READ} ids")
    return ReadNotices(tuple(raw))


def _threshold(raw: Any) -> Alert:
    if not isinstance(raw, dict):
        raise _invalid("a threshold must be an object")
    fields.only(raw, "channel", optional=("percent", "credits", "rearm_on_purchase"))
    rearms = fields.flag({"rearm_on_purchase": False} | raw, "rearm_on_purchase")
    if ("percent" in raw) == ("credits" in raw):
        raise _invalid("a threshold must have either `percent` or `credits`")
    if raw["channel"] not in tuple(Channel):
        raise _invalid(f"`channel` must be one of {', '.join(Channel)}")
    channel = Channel(raw["channel"])
    if "credits" in raw:
        amount = parse_quantity(raw["credits"])
        return Alert(
            threshold_id=f"{format_credits(amount)}_credits",
            percent=None,
            amount_micro=amount,
            channel=channel,
            rearms=rearms,
        )
    percent = raw["percent"]
    if type(percent) is not int or not 0 < percent < WHOLE:
        raise _invalid("`percent` must be a whole number from 1 to 99")
    return Alert(
        threshold_id=f"{percent}_percent",
        percent=percent,
        amount_micro=None,
        channel=channel,
        rearms=rearms,
    )


def _invalid(fault: str) -> InvalidInput:
    return InvalidInput("invalid_threshold", fault)
