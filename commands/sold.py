"""What price lists sell, for people to read: `cli.py catalog list`."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from domain.credits import format_credits
from domain.money import credits_price, format_money
from domain.periods import Interval
from domain.pricing.catalog import AutoPurchase, Catalog, ManualPurchase, Pack, Plan
from domain.pricing.in_currency import currencies_of, every_plan
from domain.pricing.purchase_price import auto_price
from ledger.reports.tables import ABSENT, Sheet, texts


def sheet(catalogs: Sequence[Catalog]) -> Sheet:
    """Return one row for each version of a plan; the lines of a cell are one thing each."""
    return Sheet(
        "What the price lists sell",
        texts("list", "plan", "price", "included", "sold beside it"),
        tuple(_row(catalog, plan) for catalog in catalogs for plan in every_plan(catalog)),
        ("v1 is the version; sold beside: packs by their ids, a unit by hand, by auto-purchase",),
    )


def document(catalogs: Sequence[Catalog]) -> list[dict[str, Any]]:
    """Return the same for programs: credits as exact texts, prices in minor units."""
    return [
        {
            "catalog": catalog.name,
            "version": catalog.version,
            "brand": catalog.brand,
            "currency": catalog.currency,
            "credit_types": [asdict(one) for one in catalog.credit_types],
            "currencies": currencies_of(catalog),
            "plans": [_plan(plan) for plan in every_plan(catalog)],
        }
        for catalog in catalogs
    ]


def _row(catalog: Catalog, plan: Plan) -> tuple[str, ...]:
    return (
        f"{catalog.name} v{catalog.version}",
        f"{plan.plan_id} v{plan.version}",
        _each(format_money(plan.price_minor, plan.currency), plan.interval)
        if plan.paid
        else "free",
        "\n".join(_included(catalog, plan)) or ABSENT,
        "\n".join(_sold(catalog, plan)) or ABSENT,
    )


def _included(catalog: Catalog, plan: Plan) -> Iterator[str]:
    for one in plan.allowances:
        yield _each(_credits(catalog, one.quantity_micro, one.credit_type), plan.window)
    for given in plan.starter:
        yield f"{_credits(catalog, given.quantity_micro, given.credit_type)} once"
    if plan.trial:
        yield f"{plan.trial.days} days of trial"


def _sold(catalog: Catalog, plan: Plan) -> Iterator[str]:
    for pack in plan.packs:
        quantity = _credits(catalog, pack.quantity_micro, pack.credit_type)
        price = format_money(pack.price_minor, plan.currency)
        yield f"{pack.pack_id}: {quantity}, {price}"
    for way, how in ((plan.manual, "by hand"), (plan.auto, "auto")):
        if way:
            quantity = _credits(catalog, way.unit_micro, way.credit_type)
            price = format_money(_unit_minor(way, plan.currency), plan.currency)
            yield f"{how} {quantity}, {price}"


def _unit_minor(way: ManualPurchase | AutoPurchase, currency: str) -> int:
    """Return the price of one unit in minor units, surcharge included."""
    if isinstance(way, AutoPurchase):
        return sum(auto_price(way, way.unit_micro, currency))
    return credits_price(way.unit_micro, way.unit_price, currency)


def _each(what: str, interval: Interval) -> str:
    if interval.count == 1:
        return f"{what} a {interval.unit}"
    return f"{what} every {interval.count} {interval.unit}s"


def _credits(catalog: Catalog, micro: int, credit_type: str) -> str:
    names = {one.credit_type: one.name for one in catalog.credit_types}
    whole, point, part = format_credits(micro).partition(".")
    return f"{int(whole):,}{point}{part} {names[credit_type]}"


def _plan(plan: Plan) -> dict[str, Any]:
    return {
        "plan": plan.plan_id,
        "version": plan.version,
        "name": plan.name,
        "family": plan.family,
        "price_minor": plan.price_minor,
        "currency": plan.currency,
        "interval": _interval(plan.interval),
        "window": _interval(plan.window),
        "allowances": [_quantity(one.credit_type, one.quantity_micro) for one in plan.allowances],
        "starter": [_quantity(one.credit_type, one.quantity_micro) for one in plan.starter],
        "trial_days": plan.trial.days if plan.trial else None,
        "packs": [_pack(pack) for pack in plan.packs],
        "manual": _way(plan.manual, plan.currency),
        "auto": _way(plan.auto, plan.currency),
    }


def _pack(pack: Pack) -> dict[str, Any]:
    quantity = _quantity(pack.credit_type, pack.quantity_micro)
    return {"pack": pack.pack_id, "name": pack.name, "price_minor": pack.price_minor} | quantity


def _way(way: ManualPurchase | AutoPurchase | None, currency: str) -> dict[str, Any] | None:
    if way is None:
        return None
    price = {"price_minor": _unit_minor(way, currency)}
    return _quantity(way.credit_type, way.unit_micro) | price


def _quantity(credit_type: str, micro: int) -> dict[str, Any]:
    return {"credit_type": credit_type, "credits": format_credits(micro)}


def _interval(interval: Interval) -> str:
    return interval.unit if interval.count == 1 else f"{interval.count} {interval.unit}s"
