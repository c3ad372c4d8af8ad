"""Messages about packs and bonuses are read exactly or refused by name."""

import json

import pytest

from domain.errors import InvalidInput
from domain.messages.operators import parse_adjust_credits
from domain.messages.purchases import (
    BuyCredits,
    BuyPack,
    GiveBonus,
    parse_buy_credits,
    parse_buy_pack,
    parse_give_bonus,
)

PACK = {"key": "k", "pack": "pack_500", "count": 2}
UNTIL = "2027-01-01T00:00:00Z"
BONUS = {"bonus": "referral", "invitee": "user-7"}
FIX = {"key": "k", "credits": "5", "reason": "sorry", "by": "ada"}


def data(message):
    return json.dumps(message).encode()


def test_what_is_wanted_is_read():
    assert parse_buy_pack(data(PACK)) == BuyPack("k", "pack_500", 2)
    assert parse_buy_pack(data({"key": "k", "pack": "p"})) == BuyPack("k", "p", 1)
    shown = parse_buy_pack(data(PACK | {"expected_minor": 5000}))
    assert shown == BuyPack("k", "pack_500", 2, 5000)
    off = parse_buy_pack(data(PACK | {"expected_minor": 0, "coupon": " welcome "}))
    assert off == BuyPack("k", "pack_500", 2, 0, "WELCOME")
    more = parse_buy_credits(data({"key": "k", "credits": "5", "coupon": "Fifth-2"}))
    assert more == BuyCredits("k", 5_000_000, None, "FIFTH-2")
    assert parse_give_bonus(data(BONUS)) == GiveBonus("referral", "user-7")
    assert parse_adjust_credits(data(FIX)).approved_by is None
    assert parse_adjust_credits(data(FIX | {"approved_by": "eve"})).approved_by == "eve"


@pytest.mark.parametrize(
    ("parse", "message", "reason"),
    [
        (parse_buy_pack, PACK | {"count": 0}, "invalid_count"),
        (parse_buy_pack, PACK | {"count": 1_001}, "invalid_count"),
        (parse_buy_pack, PACK | {"count": "2"}, "invalid_count"),
        (parse_buy_pack, PACK | {"count": True}, "invalid_count"),
        (parse_buy_pack, PACK | {"count": 1.0}, "invalid_count"),
        (parse_buy_pack, PACK | {"pack": 7}, "malformed"),
        (parse_buy_pack, PACK | {"expected_minor": "5000"}, "invalid_amount"),
        (parse_buy_pack, PACK | {"expected_minor": True}, "invalid_amount"),
        (parse_buy_pack, PACK | {"expected_minor": 0}, "invalid_amount"),
        (parse_buy_pack, PACK | {"expected_minor": None}, "invalid_amount"),
        (parse_buy_pack, PACK | {"expected_minor": 10**30}, "invalid_amount"),
        (parse_buy_pack, PACK | {"coupon": ""}, "unknown_coupon"),
        (parse_buy_pack, PACK | {"coupon": "  "}, "unknown_coupon"),
        (parse_buy_pack, PACK | {"coupon": 7}, "unknown_coupon"),
        (parse_buy_pack, PACK | {"coupon": None}, "unknown_coupon"),
        (parse_buy_pack, PACK | {"key": "ledger:1"}, "invalid_key"),
        (parse_buy_pack, {"pack": "p"}, "missing_field"),
        (parse_buy_pack, PACK | {"price": 1}, "unknown_field"),
        (parse_give_bonus, BONUS | {"bonus": ""}, "unknown_bonus"),
        (parse_give_bonus, BONUS | {"invitee": "two words"}, "invalid_id"),
        (parse_give_bonus, BONUS | {"invitee": None}, "invalid_id"),
        (parse_give_bonus, {"bonus": "referral"}, "missing_field"),
        (parse_give_bonus, BONUS | {"valid_days": 0}, "invalid_expiry"),
        (parse_give_bonus, BONUS | {"valid_days": 3_661}, "invalid_expiry"),
        (parse_give_bonus, BONUS | {"valid_days": True}, "invalid_expiry"),
        (parse_give_bonus, BONUS | {"valid_days": "3"}, "invalid_expiry"),
        (parse_give_bonus, BONUS | {"valid_days": None}, "invalid_expiry"),
        (parse_give_bonus, BONUS | {"expires_at": None}, "invalid_time"),
        (parse_give_bonus, BONUS | {"expires_at": "2027-01-01"}, "invalid_time"),
        (parse_give_bonus, BONUS | {"expires_at": UNTIL, "valid_days": 3}, "invalid_expiry"),
        (parse_adjust_credits, FIX | {"approved_by": 7}, "malformed"),
        (parse_adjust_credits, FIX | {"approved_by": ""}, "malformed"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(parse, message, reason):
    with pytest.raises(InvalidInput) as refusal:
        parse(data(message))

    assert refusal.value.reason == reason
