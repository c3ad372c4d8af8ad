"""Coupons and promotion codes: what the processor refuses to make, and what it leaves out."""

import pytest
from stripe import InvalidRequestError


def promotion(coupon):
    return {"type": "coupon", "coupon": coupon.id}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"percent_off": 20, "amount_off": 500, "currency": "usd"},
        {"percent_off": 0},
        {"percent_off": 100.5},
        {"amount_off": 500},
        {"percent_off": 20, "duration": "repeating"},
        {"percent_off": 20, "duration_in_months": 3},
    ],
)
def test_a_coupon_takes_a_percentage_or_an_amount_off(client, fields):
    with pytest.raises(InvalidRequestError):
        client.coupons.create(fields)


def test_a_code_is_unique_while_it_is_in_force(client):
    coupon = client.coupons.create({"percent_off": 20})
    first = client.promotion_codes.create({"code": "ONE-1", "promotion": promotion(coupon)})
    with pytest.raises(InvalidRequestError):
        client.promotion_codes.create({"code": "one-1", "promotion": promotion(coupon)})
    client.promotion_codes.update(first.id, {"active": False})
    client.promotion_codes.create({"code": "one-1", "promotion": promotion(coupon)})
    assert len(client.promotion_codes.list({"code": "One-1"}).data) == 2
    assert len(client.promotion_codes.list({"code": "One-1", "active": True}).data) == 1


@pytest.mark.parametrize(
    "fields", [{"code": "A_B"}, {"max_redemptions": 3}, {"expires_at": 1_900_000_001}]
)
def test_a_code_stays_within_its_coupon(client, fields):
    coupon = client.coupons.create(
        {"percent_off": 20, "max_redemptions": 2, "redeem_by": 1_900_000_000}
    )
    with pytest.raises(InvalidRequestError):
        client.promotion_codes.create({"promotion": promotion(coupon), **fields})


def test_a_deleted_coupon_takes_its_codes_out_of_force(client):
    coupon = client.coupons.create({"percent_off": 20})
    code = client.promotion_codes.create({"code": "GONE-1", "promotion": promotion(coupon)})
    client.coupons.delete(coupon.id)
    assert not client.promotion_codes.retrieve(code.id).active
    with pytest.raises(InvalidRequestError):
        client.promotion_codes.update(code.id, {"active": True})


def test_what_is_expandable_is_shown_on_request_only(client):
    coupon = client.coupons.create({"percent_off": 20, "applies_to": {"products": ["prod_1"]}})
    code = client.promotion_codes.create({"code": "WIDE-1", "promotion": promotion(coupon)})
    assert code.promotion.coupon == coupon.id
    assert "applies_to" not in client.coupons.retrieve(coupon.id)
    asked = {"expand": ["promotion.coupon.applies_to"]}
    wide = client.promotion_codes.retrieve(code.id, asked)
    assert wide.promotion.coupon.applies_to.products == ["prod_1"]
    assert client.coupons.update(coupon.id, {"name": "Summer"}).name == "Summer"
    assert coupon.id in [one.id for one in client.coupons.list().data]
