"""Our payload converter beside the SDK's: what either writes, both read as the same."""

import dataclasses
import importlib
import inspect
import json
import pkgutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from functools import cache
from random import Random
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue
from temporalio.converter import DefaultPayloadConverter

from domain.subscription import Status
from domain.subscription_state import SubscriptionState
from workflows import converter
from workflows.converter import PayloadConverter

MARKS = ("__temporal_activity_definition", "__temporal_workflow_definition")
INTEGERS = (1, 7, 1_000_000, 2**63, 2**70)
TEXTS = ("a", "", 'ß "quoted" \\ \x00 \u2028', "2027-01-31", "\U0001f600")
BEGIN = datetime(2027, 1, 31, 10, tzinfo=UTC)
ZONES = (UTC, timezone(timedelta(hours=2)))


def payload_types() -> list[Any]:
    """Return every type that an activity or a workflow of ours takes or returns."""
    found = {SubscriptionState: None}
    for package in map(importlib.import_module, ("activities", "workflows")):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            for _, one in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
                found |= dict.fromkeys(declared(one))
    return [one for one in found if one not in (None, type(None), RawValue)]


def declared(one: type) -> Iterator[Any]:
    """Yield the types of arguments and results that a class declares to Temporal."""
    for each in (one, *vars(one).values()):
        for mark in MARKS:
            definition = getattr(each, "__dict__", {}).get(mark)
            if definition is not None:
                yield from definition.arg_types or []
                yield definition.ret_type


def sample(type_: Any, chance: Random) -> Any:
    """Return any value of a type; integers are above 0, as the domain wants most of them."""
    origin, inner = get_origin(type_), get_args(type_)
    if origin in (Union, UnionType):
        return sample(chance.choice(inner), chance)
    if origin is Literal:
        return chance.choice(inner)
    if origin in (tuple, list):
        many = inner[:1] * chance.randrange(3) if Ellipsis in inner or origin is list else inner
        return origin(sample(one, chance) for one in many)
    if origin in (dict, Mapping):
        return {str(n): sample(inner[1], chance) for n in range(chance.randrange(3))}
    if dataclasses.is_dataclass(type_):
        return type_(**{name: sample(one, chance) for name, one in hints(type_).items()})
    return scalar(type_, chance)


@cache
def hints(type_: Any) -> dict[str, Any]:
    return get_type_hints(type_)


def scalar(type_: Any, chance: Random) -> Any:
    """Return any value of a type that has no parts."""
    if isinstance(type_, type) and issubclass(type_, Enum):
        return chance.choice(list(type_))
    seconds = timedelta(microseconds=chance.randrange(10**14))
    return {
        type(None): None,
        bool: chance.random() < 0.5,
        int: chance.choice(INTEGERS),
        str: chance.choice(TEXTS),
        bytes: chance.randbytes(5),
        datetime: (BEGIN + seconds).astimezone(chance.choice(ZONES)),
        Any: "anything",
    }[type_]


each_type = pytest.mark.parametrize("type_", payload_types(), ids=str)


def alike(written: Payload) -> Any:
    """Return what JSON says, instants as instants: UTC is spelled `Z` or `+00:00`."""

    def read(value: Any) -> Any:
        if isinstance(value, dict):
            return [(name, read(one)) for name, one in value.items()]  # in order
        if isinstance(value, list):
            return [read(one) for one in value]
        if isinstance(value, str) and value[4:5] == "-" and value[10:11] == "T":
            return datetime.fromisoformat(value)
        return value

    return read(json.loads(written.data))


@each_type
@settings(max_examples=10)
@given(chance=st.randoms(use_true_random=True))
def test_either_converter_reads_what_either_writes(type_: Any, chance: Random) -> None:
    value = sample(type_, chance)
    ours, sdks = PayloadConverter(), DefaultPayloadConverter()
    written = [one.to_payloads([value])[0] for one in (ours, sdks)]

    assert written[0].metadata == written[1].metadata
    if written[0].metadata["encoding"] == b"json/plain":
        assert alike(written[0]) == alike(written[1])
    for one in (ours, sdks):
        assert [one.from_payloads([payload], [type_])[0] for payload in written] == [value] * 2


@each_type
def test_no_payload_of_ours_is_read_slowly(type_: Any) -> None:
    assert converter._decoder(type_) is not None


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"\x00raw",
        "half a pair \ud800",
        "NUL \x00",
        {"nested": [1, "two", None, {"three": 3.5}]},
        2**70,
        {1: "a", 2: "b"},
        Status.ACTIVE,
    ],
    ids=ascii,
)
def test_what_is_no_dataclass_reads_the_same(value: Any) -> None:
    ours, sdks = PayloadConverter(), DefaultPayloadConverter()
    written = ours.to_payloads([value])
    assert ours.from_payloads(written) == sdks.from_payloads(sdks.to_payloads([value]))
    assert sdks.from_payloads(written) == sdks.from_payloads(sdks.to_payloads([value]))


def test_a_raw_value_passes_untouched() -> None:
    raw = RawValue(Payload(metadata={"encoding": b"json/plain"}, data=b'{"a":1.50,"a":NaN}'))
    ours = PayloadConverter()
    (written,) = ours.to_payloads([raw])
    (read,) = ours.from_payloads([written], [RawValue])
    assert written == raw.payload
    assert read.payload == raw.payload


def test_a_number_with_a_fraction_is_no_integer() -> None:
    payload = Payload(metadata={"encoding": b"json/plain"}, data=b"1.5")
    with pytest.raises(msgspec.ValidationError):
        PayloadConverter().from_payload(payload, int)
