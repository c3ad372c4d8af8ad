"""Coupons and the promotion codes that customers type for them.

https://docs.stripe.com/api/coupons, https://docs.stripe.com/api/promotion_codes. What is expandable
is left out of an answer unless it is asked for, as there.
"""

import re
import secrets
from typing import Any

from local.stripe_standin.lists import page
from local.stripe_standin.objects.customers import existing, merged
from local.stripe_standin.objects.refusals import invalid, not_modelled
from local.stripe_standin.store import Json
from local.stripe_standin.world import World

HIDDEN = ("applies_to", "currency_options")
OF_COUPON = frozenset(
    {
        *("id", "name", "amount_off", "currency", "percent_off", "duration", "duration_in_months"),
        *("max_redemptions", "redeem_by", "applies_to", "currency_options", "metadata", "expand"),
    }
)
OF_CODE = frozenset(
    {
        *("promotion", "code", "customer", "active", "expires_at", "max_redemptions"),
        *("restrictions", "metadata", "expand"),
    }
)
WHOLE = 100
_CODE = re.compile(r"[A-Za-z0-9-]+", re.ASCII)


def create_coupon(world: World, _: Json, params: Json) -> Json:
    """POST /v1/coupons."""
    _modelled(params, OF_COUPON, "coupons")
    _check_worth(params)
    name = params.get("id") or secrets.token_urlsafe(6)
    if world.store.find("coupon", name):
        raise invalid("Coupon already exists.", code="resource_already_exists", param="id")
    given = {key: value for key, value in params.items() if key != "expand"}
    fields = {"duration": "once", "metadata": {}} | given | {"id": name, "times_redeemed": 0}
    return coupon_shown(world, world.new("coupon", **fields), params)


def _check_worth(params: Json) -> None:
    if ("percent_off" in params) == ("amount_off" in params):
        raise invalid("You must pass either percent_off or amount_off.", param="amount_off")
    if not 0 < params.get("percent_off", 1) <= WHOLE:
        raise invalid("Invalid percent_off: above 0, at most 100.", param="percent_off")
    if "amount_off" in params and ("currency" not in params or params["amount_off"] <= 0):
        raise invalid("A positive amount_off needs a currency.", param="currency")
    repeating = params.get("duration") == "repeating"
    if repeating != ("duration_in_months" in params):
        raise invalid("duration_in_months is for repeating.", param="duration_in_months")


def retrieve_coupon(world: World, ids: Json, params: Json) -> Json:
    """GET /v1/coupons/{coupon}."""
    return coupon_shown(world, world.get("coupon", ids["coupon"]), params)


def coupons_listed(world: World, _: Json, params: Json) -> Json:
    """GET /v1/coupons."""
    shown = [coupon_shown(world, one, {}) for one in _kept(world, "coupon")]
    return page("/v1/coupons", shown, params)


def update_coupon(world: World, ids: Json, params: Json) -> Json:
    """POST /v1/coupons/{coupon}: what it promises cannot be changed."""
    _modelled(params, frozenset({"name", "metadata", "expand"}), "changes of coupons")
    coupon = world.get("coupon", ids["coupon"])
    coupon["metadata"] = merged(coupon["metadata"], params.get("metadata"))
    coupon["name"] = params.get("name", coupon["name"])
    return coupon_shown(world, world.store.put(coupon), params)


def delete_coupon(world: World, ids: Json, _: Json) -> Json:
    """DELETE /v1/coupons/{coupon}: its codes can be redeemed no more."""
    coupon = world.store.put(world.get("coupon", ids["coupon"]) | {"is_deleted": True})
    return {"id": coupon["id"], "object": "coupon", "deleted": True}


def coupon_shown(world: World, coupon: Json, params: Json, path: str = "") -> Json:
    """Return a coupon as it is answered: expanded fields only where `path` asks for them."""
    asked = params.get("expand", ())
    out = {
        name: value
        for name, value in coupon.items()
        if name != "is_deleted" and (name not in HIDDEN or f"{path}{name}" in asked)
    }
    return out | {"valid": _is_valid(world, coupon)}


def create(world: World, _: Json, params: Json) -> Json:
    """POST /v1/promotion_codes."""
    _modelled(params, OF_CODE, "promotion codes")
    coupon = world.get("coupon", params["promotion"].get("coupon", ""), "promotion[coupon]")
    if not _is_valid(world, coupon):
        raise invalid("This coupon is not valid any more.", param="promotion[coupon]")
    _check_limits(params, coupon)
    if "customer" in params:
        existing(world, params["customer"], "customer")
    code = params.get("code") or secrets.token_hex(4).upper()
    if _CODE.fullmatch(code) is None:
        raise invalid("A code has letters, digits and dashes only.", param="code")
    wanted = {key: value for key, value in params.items() if key != "expand"} | {"code": code}
    if _is_taken(world, code, params.get("customer")):
        raise invalid("An active promotion code with this code already exists.", param="code")
    restrictions = {"minimum_amount": None, "minimum_amount_currency": None}
    wanted["restrictions"] = (
        restrictions | {"first_time_transaction": False} | params.get("restrictions", {})
    )
    fields = {"active": True, "metadata": {}} | wanted | {"times_redeemed": 0}
    return shown(world, world.new("promotion_code", **fields), params)


def _check_limits(params: Json, coupon: Json) -> None:
    for name, bound in (("expires_at", "redeem_by"), ("max_redemptions", "max_redemptions")):
        most = coupon[bound]
        if most is not None and name in params and params[name] > most:
            raise invalid(f"{name} cannot be beyond the coupon's {bound}.", param=name)


def _is_taken(world: World, code: str, customer: str | None) -> bool:
    return any(
        one["code"].lower() == code.lower()
        and is_active(world, one)
        and one["customer"] == customer
        for one in world.store.every("promotion_code")
    )


def retrieve(world: World, ids: Json, params: Json) -> Json:
    """GET /v1/promotion_codes/{promotion_code}."""
    return shown(world, world.get("promotion_code", ids["promotion_code"]), params)


def listed(world: World, _: Json, params: Json) -> Json:
    """GET /v1/promotion_codes."""
    code, coupon = params.get("code", "").lower(), params.get("coupon")
    found = [
        shown(world, one, params, "data.")
        for one in world.store.every("promotion_code")
        if code in ("", one["code"].lower()) and coupon in (None, one["promotion"]["coupon"])
    ]
    rest = {name: value for name, value in params.items() if name not in {"code", "coupon"}}
    return page("/v1/promotion_codes", found, rest)


def update(world: World, ids: Json, params: Json) -> Json:
    """POST /v1/promotion_codes/{promotion_code}."""
    _modelled(params, frozenset({"active", "metadata", "expand"}), "changes of promotion codes")
    code = world.get("promotion_code", ids["promotion_code"])
    if params.get("active") and not _is_valid(world, _coupon_of(world, code)):
        raise invalid("This coupon is not valid any more.", param="active")
    code |= {"active": params.get("active", code["active"])}
    code["metadata"] = merged(code["metadata"], params.get("metadata"))
    return shown(world, world.store.put(code), params)


def redeem(world: World, order: Json) -> Json:
    """POST /_redeem: somebody redeems a code elsewhere, as on a page of the processor's own."""
    code = world.get("promotion_code", order["promotion_code"])
    for one in (code, _coupon_of(world, code)):
        one["times_redeemed"] += order.get("times", 1)
        world.store.put(one)
    return {"times_redeemed": code["times_redeemed"]}


def shown(world: World, code: Json, params: Json, path: str = "") -> Json:
    """Return a promotion code as it is answered, with its coupon where that is asked for."""
    asked: list[str] = params.get("expand", [])
    restrictions = dict(code["restrictions"])
    if f"{path}restrictions.currency_options" not in asked:
        restrictions.pop("currency_options", None)
    promotion: Json = dict(code["promotion"])
    if any(one.startswith(f"{path}promotion.coupon") for one in asked):
        coupon = _coupon_of(world, code)
        promotion["coupon"] = coupon_shown(world, coupon, params, f"{path}promotion.coupon.")
    active = is_active(world, code)
    return code | {"active": active, "restrictions": restrictions, "promotion": promotion}


def is_active(world: World, code: Json) -> bool:
    """Return whether a code can still be redeemed, as far as its own fields say."""
    usable = code["active"] and _is_left(code) and _is_valid(world, _coupon_of(world, code))
    return bool(usable and not _is_over(world, code["expires_at"]))


def _is_valid(world: World, coupon: Json) -> bool:
    return not (
        coupon.get("is_deleted") or _is_over(world, coupon["redeem_by"]) or not _is_left(coupon)
    )


def _is_left(one: Json) -> bool:
    return one["max_redemptions"] is None or bool(one["times_redeemed"] < one["max_redemptions"])


def _is_over(world: World, instant: int | None) -> bool:
    return instant is not None and instant <= world.now()


def _coupon_of(world: World, code: Json) -> Json:
    return world.get("coupon", code["promotion"]["coupon"])


def _kept(world: World, kind: str) -> list[Json]:
    return [one for one in world.store.every(kind) if not one.get("is_deleted")]


def _modelled(params: dict[str, Any], known: frozenset[str], what: str) -> None:
    if unknown := params.keys() - known:
        raise not_modelled(f"{', '.join(sorted(unknown))} of {what}")
