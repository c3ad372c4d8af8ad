"""Mails as JSON and back: what outbox rows and workflow payloads hold."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any, Literal, Union, cast

from domain.errors import InvalidInput
from domain.mails.envelope import Envelope, Mail

_KINDS: dict[str, type[Mail]] = {
    typing.get_args(typing.get_type_hints(mail)["kind"])[0]: mail for mail in typing.get_args(Mail)
}


def to_json(mail: Mail) -> dict[str, Any]:
    """Return the mail as JSON values; `kind` tells which mail it is, times are ISO 8601."""
    return cast(dict[str, Any], _encode(mail))


def from_json(value: object) -> Mail:
    """Return the mail that `to_json` was given. Raises `InvalidInput` (`invalid_mail`)."""
    kind = value.get("kind") if isinstance(value, Mapping) else None
    if not isinstance(kind, str) or kind not in _KINDS:
        raise _invalid("kind", f"expected one of {', '.join(_KINDS)}")
    return cast(Mail, _decode_object(value, _KINDS[kind], "mail"))


def envelope_to_json(envelope: Envelope) -> dict[str, Any]:
    """Return the envelope and the mail in it as JSON values."""
    mail = to_json(envelope.mail)
    return {"to": envelope.to, "message_key": envelope.message_key, "mail": mail}


def envelope_from_json(value: object) -> Envelope:
    """Return the envelope that `envelope_to_json` was given, or raise as `from_json` does."""
    if not isinstance(value, Mapping):
        raise _invalid("envelope", "expected an object")
    to = _decode(value.get("to"), str, "to")
    key = _decode(value.get("message_key"), str, "message_key")
    return Envelope(to=to, message_key=key, mail=from_json(value.get("mail", {})))


def _encode(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [_encode(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return value.value if isinstance(value, Enum) else value


def _decode(value: Any, hint: Any, path: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):  # the only unions inside a mail are `X | None`
        present = next(option for option in arguments if option is not types.NoneType)
        return None if value is None else _decode(value, present, path)
    if origin is tuple:
        return _decode_list(value, arguments[0], path)
    if origin is Literal:
        return _one_of(value, arguments, path)
    if dataclasses.is_dataclass(hint):
        return _decode_object(value, cast(type, hint), path)
    return _decode_plain(value, hint, path)


def _decode_plain(value: Any, hint: type, path: str) -> Any:
    if hint is datetime:
        return _decode_time(value, path)
    if issubclass(hint, Enum):
        return hint(_one_of(value, [member.value for member in hint], path))
    if type(value) is not hint:  # exactly: True must not pass for an amount of money
        raise _invalid(path, f"expected {hint.__name__}, got {type(value).__name__}")
    return value


def _decode_object(value: Any, hint: type, path: str) -> Any:
    if not isinstance(value, Mapping):
        raise _invalid(path, "expected an object")
    hints = typing.get_type_hints(hint)
    # Unknown fields are ignored, so a row written by a newer release is still sent.
    known = {
        name: _decode(value[name], hints[name], f"{path}.{name}") for name in hints if name in value
    }
    try:
        return hint(**known)
    except TypeError as error:
        raise _invalid(path, str(error)) from error


def _decode_list(value: Any, hint: Any, path: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise _invalid(path, "expected a list")
    return tuple(_decode(item, hint, f"{path}[{index}]") for index, item in enumerate(value))


def _decode_time(value: Any, path: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise _invalid(path, "expected a time as ISO 8601 text") from error
    if moment.tzinfo is None:
        raise _invalid(path, "expected a time with its offset from UTC")
    return moment


def _one_of(value: Any, allowed: typing.Iterable[Any], path: str) -> Any:
    options = list(allowed)
    if value not in options:
        raise _invalid(path, f"expected one of {', '.join(map(str, options))}")
    return value


def _invalid(path: str, fault: str) -> InvalidInput:
    return InvalidInput("invalid_mail", f"{path}: {fault}")
