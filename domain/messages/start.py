"""How a subscription starts, parsed from JSON text with a reason for every refusal."""

import dataclasses
import re
from typing import Any

from domain.errors import InvalidInput
from domain.messages import fields
from domain.payments.taxes import Address
from domain.subscription import Start
from domain.subscription_state import SubscriptionState

_STATE = tuple(field.name for field in dataclasses.fields(SubscriptionState))
_PARTS = tuple(field.name for field in dataclasses.fields(Address))
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
INVALID_ADDRESS = "invalid_address"


def parse_start(data: bytes) -> Start:
    """Read `{"start": {…}}`; SDKs may send the other fields of the state, which are ignored."""
    raw = fields.only(fields.parse_object(data), "start", optional=_STATE)["start"]
    if not isinstance(raw, dict):
        raise InvalidInput("malformed", "`start` must be a JSON object")
    required = ("subscription_id", "customer_id", "name", "email", "catalog", "plan_id")
    optional = (
        *("locale", "time_zone", "payment_method", "begins_at", "currency", "address"),
        *(fields.COUPON, fields.EXPECTED),
    )
    fields.only(raw, *required, optional=optional)
    given = {name: raw[name] for name in optional if raw.get(name) is not None}
    begins_at, method = given.get("begins_at"), given.get("payment_method")
    subscription_id = fields.identifier(raw["subscription_id"], "invalid_id")
    if ":" in subscription_id:
        # Ids of charges, requests and mails are this id, a colon and the sender's text: with a
        # colon in it, one customer's keys could name another's.
        raise InvalidInput("invalid_id", "a subscription's id must not contain a colon")
    return Start(
        subscription_id=subscription_id,
        customer_id=fields.identifier(raw["customer_id"], "invalid_id"),
        name=fields.text(raw, "name", "malformed"),
        email=fields.email(raw),
        catalog=fields.identifier(raw["catalog"], "unknown_catalog"),
        plan_id=fields.identifier(raw["plan_id"], "unknown_plan"),
        locale=fields.text({"locale": "en_US"} | given, "locale", "unknown_locale"),
        time_zone=fields.text(given, "time_zone", "unknown_time_zone")
        if "time_zone" in given
        else None,
        payment_method=None
        if method is None
        else fields.identifier(method, "unknown_payment_method"),
        begins_at=None if begins_at is None else fields.parse_instant(begins_at),
        currency=fields.text(given, "currency", "unknown_currency")
        if "currency" in given
        else None,
        coupon=fields.coupon(given) or None,
        address=_address(given["address"]) if "address" in given else None,
        expected_minor=fields.expected_minor(given, least=0),  # a trial costs nothing at once
    )


def _address(raw: Any) -> Address:
    """Read a billing address. Raises `InvalidInput`: `invalid_address`, `unknown_field`."""
    if not isinstance(raw, dict) or "country" not in raw:
        raise InvalidInput(INVALID_ADDRESS, "`address` must be an object with a `country`")
    fields.only(raw, "country", optional=_PARTS)
    parts = {name: fields.text(raw, name, INVALID_ADDRESS) for name in raw}
    if _COUNTRY.fullmatch(parts["country"]) is None:
        raise InvalidInput(INVALID_ADDRESS, f"{parts['country']!a:.60} is no country's two letters")
    return Address(**parts)
