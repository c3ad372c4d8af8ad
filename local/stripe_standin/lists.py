"""Lists, pages and expansion.

https://docs.stripe.com/api/pagination (newest first, 10 unless told, at most 100) and
https://docs.stripe.com/api/expanding_objects (paths of at most four levels).
"""

import json
from collections.abc import Iterable
from typing import Any

from local.stripe_standin.objects.refusals import invalid
from local.stripe_standin.store import Json
from local.stripe_standin.world import PREFIXES, World

PAGE, LARGEST_PAGE, DEEPEST = 10, 100, 4
COMPARISONS = {
    "gt": lambda have, want: have > want,
    "gte": lambda have, want: have >= want,
    "lt": lambda have, want: have < want,
    "lte": lambda have, want: have <= want,
}
NOT_FILTERS = frozenset({"limit", "starting_after", "ending_before", "expand"})
# Of coupons and codes, which hold nothing there where they are not restricted.
MAY_BE_ABSENT = frozenset({"applies_to", "currency_options"})
KINDS = {prefix: kind for kind, prefix in PREFIXES.items()}


def page(url: str, things: Iterable[Json], params: Json) -> Json:
    """Answer one page of `things` (given oldest first), filtered by the other parameters."""
    limit = params.get("limit", PAGE)
    if not 1 <= limit <= LARGEST_PAGE:
        raise invalid(f"Invalid limit: 1 to {LARGEST_PAGE}", param="limit")
    wanted = {name: value for name, value in params.items() if name not in NOT_FILTERS}
    kept = [thing for thing in things if _meets(thing, wanted)][::-1]
    names = [thing["id"] for thing in kept]
    if "starting_after" in params:
        kept = kept[_position(names, params["starting_after"]) + 1 :]
    elif "ending_before" in params:
        kept = kept[: _position(names, params["ending_before"])][-limit:]
    return {"object": "list", "url": url, "has_more": len(kept) > limit, "data": kept[:limit]}


def _position(names: list[str], name: str) -> int:
    if name not in names:
        raise invalid(f"No such object: '{name}'", code="resource_missing")
    return names.index(name)


def _meets(thing: Json, wanted: Json) -> bool:
    for name, value in wanted.items():
        have = thing.get("type" if name == "types" else name)
        if isinstance(value, dict):
            fits = all(COMPARISONS[sign](have, bound) for sign, bound in value.items())
        else:
            fits = have in value if isinstance(value, list) else have == value
        if not fits:
            return False
    return True


def expand(world: World, answer: Json, paths: list[str]) -> Json:
    """Return a copy of `answer` with the objects at `paths` in place of their ids."""
    copy = _copy(answer)
    for path in paths:
        steps = path.split(".")
        if len(steps) > DEEPEST:
            raise invalid(f"You cannot expand more than {DEEPEST} levels of a property: {path}")
        _expand(world, copy, steps)
    return copy


def _expand(world: World, node: Any, steps: list[str]) -> None:
    if isinstance(node, list):
        for item in node:
            _expand(world, item, steps)
        return
    if not steps or not isinstance(node, dict):
        return
    name, rest = steps[0], steps[1:]
    if name == "payments" and node.get("object") == "invoice":
        found = world.store.of_customer("invoice_payment", node["id"])
        url = f"/v1/invoices/{node['id']}/payments"
        node[name] = page(url, (_public(payment) for payment in found), {})
    elif isinstance(node.get(name), str):
        thing = world.store.find(KINDS.get(node[name].split("_standin")[0], ""), node[name])
        node[name] = _copy(thing) if thing else node[name]
    elif name not in node and name in MAY_BE_ABSENT:
        return
    elif name not in node:
        raise invalid(f"This property cannot be expanded ({name}).")
    _expand(world, node[name], rest)


def _public(payment: Json) -> Json:
    """Return an invoice's payment without the index under which the store finds it."""
    return {name: value for name, value in _copy(payment).items() if name != "customer"}


def _copy(thing: Json) -> Json:
    copied: Json = json.loads(json.dumps(thing))
    return copied
