"""Messages about packs and bonuses, parsed with a reason for every refusal."""

from dataclasses import dataclass

from domain.credits import parse_quantity
from domain.errors import InvalidInput
from domain.messages import fields
from domain.pricing.purchase_price import MOST_PACKS


@dataclass(frozen=True, slots=True)
class BuyCredits:
    """Buy extra credits by hand."""

    key: str
    quantity_micro: int


@dataclass(frozen=True, slots=True)
class SetAutoPurchase:
    """Switch auto-purchase."""

    on: bool
    key: str = ""  # empty: the sender gave none


@dataclass(frozen=True, slots=True)
class BuyPack:
    """Buy `count` packs of one kind."""

    key: str
    pack_id: str
    count: int


@dataclass(frozen=True, slots=True)
class GiveBonus:
    """Give the bonus that the catalog promises for someone who signed up by the customer's link."""

    bonus_id: str
    invitee: str


def parse_buy_credits(data: bytes) -> BuyCredits:
    """Read `{"key": …, "credits": "3000"}`."""
    raw = fields.only(fields.parse_object(data), "key", "credits")
    return BuyCredits(fields.key(raw), parse_quantity(raw["credits"]))


def parse_set_auto_purchase(data: bytes) -> SetAutoPurchase:
    """Read `{"on": true, "key": …}`; the key is optional."""
    raw = fields.only(fields.parse_object(data), "on", optional=("key",))
    return SetAutoPurchase(fields.flag(raw, "on"), fields.key(raw) if "key" in raw else "")


def parse_buy_pack(data: bytes) -> BuyPack:
    """Read `{"key": …, "pack": …, "count": 1}`; `count` is optional."""
    raw = {"count": 1} | fields.only(fields.parse_object(data), "key", "pack", optional=("count",))
    count = raw["count"]
    if type(count) is not int or not 1 <= count <= MOST_PACKS:
        raise InvalidInput("invalid_count", f"`count` must be an integer from 1 to {MOST_PACKS}")
    return BuyPack(fields.key(raw), fields.text(raw, "pack", "malformed"), count)


def parse_give_bonus(data: bytes) -> GiveBonus:
    """Read `{"bonus": …, "invitee": …}`."""
    raw = fields.only(fields.parse_object(data), "bonus", "invitee")
    return GiveBonus(
        fields.text(raw, "bonus", "unknown_bonus"), fields.identifier(raw["invitee"], "invalid_id")
    )
