"""Edits of what was published, told with the line that holds them and with the two ways out."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass

from catalogs.document.faults import Place
from catalogs.reader import PriceList
from domain.credits import format_credits
from domain.errors import InvalidInput
from domain.money import Ratio, format_money
from domain.periods import Interval
from domain.pricing.catalog import Catalog
from domain.pricing.published import Difference, Edit, Item, Kind, rate_item

WAYS_OUT = """What was published stays as it is. Put it back, or take one of two ways:
  a new version: the next `version` of the plan or of the list, or a rate whose `from` lies ahead
  a re-rate: `python cli.py catalog rerate FILE --by NAME --reason TEXT`; with `--preview` it says
    who is affected and changes nothing"""

Path = tuple[str | int, ...]

_PACK = re.compile(r"packs\[\d+\]\.id")

# How a price list spells what a value is named in code; what is none of its keys has no spelling.
_KEYS: dict[str, tuple[str, ...]] = {
    "adjustment_limit_micro": ("adjustment_limit",),
    "amount_micro": ("amount", "credits"),
    "amount_minor": ("amount",),
    "anchor_rule": ("anchor",),
    "approval_above_micro": ("approval_above",),
    "cap_micro": ("cap",),
    "credit_type": ("type", "with"),
    "credits_micro": ("cost",),
    "from_micro": ("from",),
    "limit_micro": ("limit",),
    "most_minor": ("most",),
    "per_credit_micro": ("per_credit",),
    "per_micro": ("per",),
    "periods": ("duration",),
    "price_minor": ("price",),
    "quantity_micro": ("quantity",),
    "rate": (),
    "rearms": ("rearm_on_purchase",),
    "renewal_dunning_days": ("renewal_dunning",),
    "dunning_days": ("dunning",),
    "share": ("share_percent", "share"),
    "takes": ("payment_methods",),
    "unit_micro": ("unit",),
    "ways": ("pay",),
}


def refusal(faults: Iterable[str]) -> InvalidInput:
    """Return what a price list is refused with that changes what was published."""
    return InvalidInput("already_published", "\n".join((*faults, WAYS_OUT)))


def told(read: PriceList, refused: Iterable[Difference]) -> tuple[str, ...]:
    """Return each refused edit with its file and line."""
    lines = []
    for one in refused:
        place = place_of(read, one)
        at = f"{read.file}:{place.line}: {place.path}: " if place.path else f"{read.file}:1: "
        lines.append(at + words(one, read.catalog.currency))
    return tuple(lines)


def words(one: Difference, currency: str) -> str:
    """Return what was done to what, money in the list's currency, or the item's own."""
    currency = one.item.currency or currency
    match one.edit, one.item.kind:
        case Edit.CHANGED, _:
            was, now = (shown(one.path, value, currency) for value in (one.published, one.read))
            return f"{one.item} was published with {was}, not with {now}"
        case Edit.ADDED, _:
            return f"{one.item} is new, and its time is over: what happened was priced without it"
        case _, Kind.PLAN:
            return f"{one.item} is missing: subscriptions are on it"
        case _, Kind.RATE:
            return f"{one.item} is missing: what happened was priced by it"
        case _:
            return f"{one.item} is missing: it was published"


def shown(path: Path, value: object, currency: str) -> str:
    """Return a value as people read it, its unit taken from its name."""
    name = next((step for step in reversed(path) if isinstance(step, str)), "")
    if isinstance(value, tuple):
        return f"[{', '.join(shown((name,), one, currency) for one in value)}]"
    if isinstance(value, int) and name.endswith("_micro"):
        return format_credits(value)
    if isinstance(value, int) and name.endswith("_minor"):
        return format_money(value, currency)
    if isinstance(value, Ratio) and name == "unit_price":
        price, credits_text = format_money(value.num, currency), format_credits(value.den)
        return f"{price} per {credits_text} credits"
    if is_dataclass(value) and not isinstance(value, Ratio | Interval):
        parts = {one.name: getattr(value, one.name) for one in fields(value)}
        said = (f"{key}: {shown((key,), part, currency)}" for key, part in parts.items())
        return f"{{{', '.join(said)}}}"
    return _single(value)


def place_of(read: PriceList, one: Difference) -> Place:
    """Return where an edit stands, or what it is missing from; the nearest key that there is."""
    found, reached = Place(1, ""), ""
    for step in _way(read, one):
        keys = (step,) if isinstance(step, int) else _KEYS.get(step, (step,))
        paths = [_join(reached, key) for key in keys]
        following = next((read.places[path] for path in paths if path in read.places), None)
        if following is not None:
            found, reached = following, following.path
        elif keys:
            break
    return found


def _way(read: PriceList, one: Difference) -> Path:
    """Return the way from the top of the list; a price may be written for each currency."""
    path = _to_value(read, one)
    if path and path[-1] in ("price_minor", "unit_price", "amount_minor", "most_minor"):
        return (*path, one.item.currency or read.catalog.currency)
    return path


def _to_value(read: PriceList, one: Difference) -> Path:
    """Return the way to a value. A pack stands beside the plans that name it."""
    match one.path:
        case ("packs", int(place), *rest):
            plan = read.catalog.plan(one.item.name, one.item.number)
            return (*_pack(read, plan.packs[place].pack_id), *rest)
        case ("tax", key):
            return (*_item(read.catalog, one.item), f"tax_{key}")
        case ("late_usage", key):
            return (*_item(read.catalog, one.item), "late_usage" if key == "kind" else key)
        case _:
            return (*_item(read.catalog, one.item), *one.path)


def _item(catalog: Catalog, item: Item) -> Path:
    """Return where an item stands, or the list that it is missing from."""
    match item.kind:
        case Kind.LIST:
            return ()
        case Kind.PLAN:
            plans = [(plan.plan_id, plan.version) for plan in catalog.plans]
            return _among("plans", plans, (item.name, item.number))
        case Kind.BONUS:
            return _among("bonuses", [bonus.bonus_id for bonus in catalog.bonuses], item.name)
        case Kind.COUPON:
            return _among("coupons", [coupon.code for coupon in catalog.coupons], item.name)
        case Kind.ACTION | Kind.RATE:
            known = [action.action_id for action in catalog.actions]
            action = _among("actions", known, item.name)
            if item.kind is Kind.ACTION or item.name not in known:
                return action
            owner = catalog.action(item.name)
            rates = [rate_item(owner, rate) for rate in owner.rates]
            return (*action, *_among("rates", rates, item))


def _among(key: str, known: Sequence[object], wanted: object) -> Path:
    return (key, known.index(wanted)) if wanted in known else (key,)


def _pack(read: PriceList, pack_id: str) -> Path:
    ids = [place.text for path, place in read.places.items() if _PACK.fullmatch(path)]
    return _among("packs", ids, pack_id)


def _join(reached: str, step: str | int) -> str:
    if isinstance(step, int):
        return f"{reached}[{step}]"
    return f"{reached}.{step}" if reached else step


def _single(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case Ratio():
            return str(value.num) if value.den == 1 else f"{value.num}/{value.den}"
        case Interval():
            return f"{value.count} {value.unit}"
        case _:
            return str(value)
