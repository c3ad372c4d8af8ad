"""The fields of messages, read from JSON, with a reason for every refusal.

JSON numbers with a fraction arrive as exact decimals; NaN and infinities are refused.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from domain.errors import InvalidInput

MAX_TAGS = 20
MAX_TEXT = 200
# Ids become keys at the processor and, in Temporal, fairness keys and search attributes.
MAX_ID = 64
DEEPEST = 8  # levels of nesting; no message needs more than five
TOO_DEEP = f"it nests deeper than {DEEPEST} levels"
EXPECTED = "expected_minor"
COUPON = "coupon"
MOST_MINOR = 10**12  # more than any charge in any currency
OWN_KEYS = "ledger:"  # prefix of the ledger's own keys, which a sender could otherwise claim

_ID = re.compile(r"[!-~]+", re.ASCII)
# What every mail server accepts (RFC 5321): plain ASCII, no quotes, no address literals.
MAX_MAILBOX = 64
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@{_LABEL}(?:\.{_LABEL})*", re.ASCII)


def _no_constant(text: str) -> Any:
    raise InvalidInput("malformed", f"{text} is not a JSON number")


def once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object without repeated keys, of which parsers keep either value.

    Raises `InvalidInput` (`malformed`) for a key that occurs twice.
    """
    made = dict(pairs)
    if len(made) < len(pairs):
        [(twice, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise InvalidInput("malformed", f"{twice!a:.60} occurs twice in one object")
    return made


def parse_object(data: bytes) -> dict[str, Any]:
    """Read one JSON object. Raises `InvalidInput` (`malformed`)."""
    value = shallow_object(data)
    if is_deep(value):
        raise InvalidInput("malformed", TOO_DEEP)
    return value


def shallow_object(data: bytes) -> dict[str, Any]:
    """Read one JSON object without checking its depth. Raises `InvalidInput` (`malformed`)."""
    value = shallow(data)
    if not isinstance(value, dict):
        raise InvalidInput("malformed", "the payload is not a JSON object")
    return value


def shallow(data: bytes) -> Any:
    """Read one JSON value without checking its depth. Raises `InvalidInput` (`malformed`)."""
    try:
        return json.loads(
            data,
            parse_float=Decimal,
            parse_constant=_no_constant,
            object_pairs_hook=once_each,
        )
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise InvalidInput("malformed", "the payload is not JSON") from error


def parse_instant(value: Any) -> datetime:
    """Read an RFC 3339 instant. Raises `InvalidInput` (`invalid_time`)."""
    try:
        at = datetime.fromisoformat(value)
        if at.tzinfo is None:
            raise InvalidInput("invalid_time", f"{value!r:.60} has no offset")
        return at.astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidInput("invalid_time", f"{str(value)!a:.60} is not an instant") from error


def only(raw: dict[str, Any], *required: str, optional: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return an object that has all required fields and no unknown ones.

    Raises `InvalidInput`: `missing_field`, `unknown_field`.
    """
    for name in required:
        if name not in raw:
            raise InvalidInput("missing_field", f"`{name}` is missing")
    for name in raw:
        if name not in required and name not in optional:
            raise InvalidInput("unknown_field", f"{name!a:.60} is not a field of this message")
    return raw


def text(raw: Mapping[str, Any], name: str, reason: str) -> str:
    """Return a text of 1 to 200 characters that PostgreSQL can store. Raises `InvalidInput`."""
    value = raw[name]
    if not is_text(value):
        raise InvalidInput(reason, f"`{name}` must be a text of 1 to {MAX_TEXT} characters")
    return str(value)


def key(raw: Mapping[str, Any]) -> str:
    """Return the sender's key of a request. Raises `InvalidInput` (`invalid_key`)."""
    named = text(raw, "key", "invalid_key")
    if named.startswith(OWN_KEYS):
        raise InvalidInput("invalid_key", f"keys that begin with {OWN_KEYS} belong to the ledger")
    return named


def identifier(value: Any, reason: str) -> str:
    """Return an id of 1 to 64 visible ASCII characters. Raises `InvalidInput`."""
    if not isinstance(value, str) or len(value) > MAX_ID or _ID.fullmatch(value) is None:
        message = f"an id is 1 to {MAX_ID} visible ASCII characters, without spaces"
        raise InvalidInput(reason, message)
    return value


def taken(raw: dict[str, Any], name: str) -> str:
    """Take an id out of a message. Raises `InvalidInput`: `missing_field`, `invalid_id`."""
    if name not in raw:
        raise InvalidInput("missing_field", f"`{name}` is missing")
    return identifier(raw.pop(name), "invalid_id")


def written(raw: dict[str, Any]) -> bytes:
    """Return a message as JSON text again, exact and as odd as it came: parsers judge it."""
    return json.dumps(raw, default=str).encode()


def email(raw: Mapping[str, Any]) -> str:
    """Return one mail address. Raises `InvalidInput` (`invalid_email`)."""
    address = text(raw, "email", "invalid_email")
    found = _EMAIL.fullmatch(address)
    if found is None or len(found[1]) > MAX_MAILBOX:
        told = f"{address!a:.60} is not a mail address in plain ASCII"
        raise InvalidInput("invalid_email", told)
    return address


def flag(raw: Mapping[str, Any], name: str) -> bool:
    """Return true or false. Raises `InvalidInput` (`malformed`)."""
    value = raw[name]
    if not isinstance(value, bool):
        raise InvalidInput("malformed", f"`{name}` must be true or false")
    return value


def expected_minor(raw: Mapping[str, Any], least: int = 1) -> int | None:
    """Return the total that the buyer was shown, in minor units; None: it was not named.

    Raises `InvalidInput` (`invalid_amount`).
    """
    if EXPECTED not in raw:
        return None
    value = raw[EXPECTED]
    if type(value) is not int or not least <= value <= MOST_MINOR:
        raise InvalidInput("invalid_amount", f"`{EXPECTED}` must be a whole number of minor units")
    return value


def coupon(raw: Mapping[str, Any]) -> str:
    """Return a coupon's code as price lists write it, however it was typed; "": none was sent.

    Raises `InvalidInput` (`unknown_coupon`).
    """
    if COUPON not in raw:
        return ""
    code = text(raw, COUPON, "unknown_coupon").strip().upper()
    if not code:
        raise InvalidInput("unknown_coupon", f"`{COUPON}` is blank")
    return code


def tags(raw: Any) -> tuple[tuple[str, str], ...]:
    """Return tags sorted by name. Raises `InvalidInput` (`invalid_tags`)."""
    if not isinstance(raw, dict) or len(raw) > MAX_TAGS:
        raise InvalidInput("invalid_tags", f"`tags` must be an object of at most {MAX_TAGS} texts")
    return tuple(sorted((_tag(name), _tag(value)) for name, value in raw.items()))


def _tag(value: Any) -> str:
    if not is_text(value):
        raise InvalidInput("invalid_tags", f"tags are texts of 1 to {MAX_TEXT} characters")
    return str(value)


def is_text(value: Any) -> bool:
    """Return whether a value is a text of 1 to 200 characters that PostgreSQL can store."""
    # PostgreSQL stores neither NUL nor the lone surrogates that JSON can escape.
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT or "\x00" in value:
        return False
    return value.isascii() or not any("\ud800" <= c <= "\udfff" for c in value)


def is_deep(value: Any, level: int = 1) -> bool:
    """Return whether a value nests deeper than any message needs."""
    if level > DEEPEST:
        return True
    inner: Iterable[Any] = ()
    if isinstance(value, dict):
        inner = value.values()
    elif isinstance(value, list):
        inner = value
    return any(is_deep(one, level + 1) for one in inner)
