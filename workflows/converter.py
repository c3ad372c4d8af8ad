"""Payloads as JSON by msgspec: with the SDK's converter a replay spent two thirds of its time here.

The wire format stays the SDK's (`json/plain`, sorted keys), so stored histories, the UI, the
`temporal` CLI and clients in other languages keep working. Only UTC is written `Z`.
"""

import logging
from dataclasses import replace
from functools import lru_cache
from typing import Any

import msgspec
from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultPayloadConverter,
    EncodingPayloadConverter,
    JSONPlainPayloadConverter,
)

written = msgspec.json.Encoder(order="sorted").encode  # a value as the JSON of a payload
_log = logging.getLogger("drawdown.converter")


class _Json(EncodingPayloadConverter):
    """JSON by msgspec; types it does not know fall back to the SDK's converter, which is slow."""

    def __init__(self) -> None:
        self._slow = JSONPlainPayloadConverter()

    @property
    def encoding(self) -> str:
        """Return the payload encoding's name."""
        return self._slow.encoding

    def to_payload(self, value: Any) -> Payload | None:
        """Return a value as JSON. Raises as the SDK's own converter does."""
        try:
            data = written(value)
        except (TypeError, ValueError, OverflowError):  # an odd type, half a surrogate pair
            return self._slow.to_payload(value)
        return Payload(metadata={"encoding": self.encoding.encode()}, data=data)

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:
        """Read JSON as a type. Raises `msgspec.ValidationError` if the value has another type."""
        decoder = _decoder(type_hint)
        if decoder is None:
            return self._slow.from_payload(payload, type_hint)
        try:
            return decoder.decode(payload.data)
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError:  # JSON that only Python's parser accepts, as in old payloads
            return self._slow.from_payload(payload, type_hint)


class PayloadConverter(CompositePayloadConverter):
    """The SDK's converters, with its JSON replaced."""

    def __init__(self) -> None:
        usual = DefaultPayloadConverter.default_encoding_payload_converters
        super().__init__(
            *(_Json() if isinstance(one, JSONPlainPayloadConverter) else one for one in usual)
        )


@lru_cache(maxsize=512)
def _decoder(type_hint: Any) -> msgspec.json.Decoder[Any] | None:
    """Return a type's decoder; None if msgspec cannot tell its alternatives apart."""
    try:
        return msgspec.json.Decoder(Any if type_hint is None else type_hint)
    except TypeError as error:
        _log.warning("payloads of %s are read slowly: %s", type_hint, error)
        return None


# All our clients use it; a worker inherits its client's.
DATA_CONVERTER = replace(DataConverter.default, payload_converter_class=PayloadConverter)
