"""Messages about packs and bonuses, parsed with a reason for every refusal."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from domain.credits import parse_quantity
from domain.errors import InvalidInput
from domain.messages import fields
from domain.pricing.purchase_price import MOST_PACKS

MOST_DAYS = 3_660  # that a bonus is valid
_OPTIONAL = (fields.EXPECTED, fields.COUPON)


@dataclass(frozen=True, slots=True)
class BuyCredits:
    """Buy extra credits by hand; `expected_minor` is the total that the buyer was shown, if any."""

    key: str
    quantity_micro: int
    expected_minor: int | None = None
    coupon: str = ""


@dataclass(frozen=True, slots=True)
class SetAutoPurchase:
    """Switch auto-purchase."""

    on: bool
    key: str = ""  # empty: the sender gave none


@dataclass(frozen=True, slots=True)
class BuyPack:
    """Buy `count` packs of one kind; `expected_minor` is the total that the buyer was shown."""

    key: str
    pack_id: str
    count: int
    expected_minor: int | None = None
    coupon: str = ""


@dataclass(frozen=True, slots=True)
class GiveBonus:
    """Give the bonus that the catalog promises for someone who signed up by the customer's link.

    It ends as the catalog says, or at `expires_at`, or `valid_days` times 24 hours after the gift.
    """

    bonus_id: str
    invitee: str
    expires_at: datetime | None = None
    valid_days: int | None = None

    def ends(self, at: datetime, otherwise: datetime | None) -> datetime | None:
        """Return when a bonus given at an instant ends; None: never."""
        if self.valid_days is not None:
            return at + timedelta(days=self.valid_days)
        return self.expires_at or otherwise


def parse_buy_credits(data: bytes) -> BuyCredits:
    """Read `{"key": …, "credits": "3000", "expected_minor": 270, "coupon": "WELCOME"}`.

    `expected_minor` and `coupon` are optional.
    """
    raw = fields.only(fields.parse_object(data), "key", "credits", optional=_OPTIONAL)
    quantity = parse_quantity(raw["credits"])
    coupon = fields.coupon(raw)
    return BuyCredits(fields.key(raw), quantity, _expected(raw, coupon), coupon)


def _expected(raw: Mapping[str, Any], coupon: str) -> int | None:
    """Return the total that the buyer was shown; only a coupon makes it zero."""
    return fields.expected_minor(raw, least=0 if coupon else 1)


def parse_set_auto_purchase(data: bytes) -> SetAutoPurchase:
    """Read `{"on": true, "key": …}`; the key is optional."""
    raw = fields.only(fields.parse_object(data), "on", optional=("key",))
    return SetAutoPurchase(fields.flag(raw, "on"), fields.key(raw) if "key" in raw else "")


def parse_buy_pack(data: bytes) -> BuyPack:
    """Read `{"key": …, "pack": …, "count": 1, "expected_minor": 2500, "coupon": "WELCOME"}`.

    `count`, `expected_minor` and `coupon` are optional.
    """
    sent = fields.parse_object(data)
    raw = {"count": 1} | fields.only(sent, "key", "pack", optional=("count", *_OPTIONAL))
    count = raw["count"]
    if type(count) is not int or not 1 <= count <= MOST_PACKS:
        raise InvalidInput("invalid_count", f"`count` must be an integer from 1 to {MOST_PACKS}")
    coupon = fields.coupon(raw)
    return BuyPack(
        key=fields.key(raw),
        pack_id=fields.text(raw, "pack", "malformed"),
        count=count,
        expected_minor=_expected(raw, coupon),
        coupon=coupon,
    )


def parse_give_bonus(data: bytes) -> GiveBonus:
    """Read `{"bonus": …, "invitee": …}`, optionally with `expires_at` or `valid_days`."""
    raw = fields.only(
        fields.parse_object(data), "bonus", "invitee", optional=("expires_at", "valid_days")
    )
    if "expires_at" in raw and "valid_days" in raw:
        raise InvalidInput("invalid_expiry", "`expires_at` or `valid_days`, not both")
    return GiveBonus(
        fields.text(raw, "bonus", "unknown_bonus"),
        fields.identifier(raw["invitee"], "invalid_id"),
        fields.parse_instant(raw["expires_at"]) if "expires_at" in raw else None,
        _days(raw["valid_days"]) if "valid_days" in raw else None,
    )


def _days(value: Any) -> int:
    if type(value) is not int or not 1 <= value <= MOST_DAYS:
        raise InvalidInput("invalid_expiry", f"`valid_days` must be from 1 to {MOST_DAYS}")
    return value
