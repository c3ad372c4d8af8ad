"""A price list's YAML text with single values replaced; everything else stays as it stands.

What is changed is read again by the one reader: nothing here knows what a value may be. A plan
takes what it leaves out from `defaults`; changed for one plan, it is copied to that plan first.
"""

import copy
import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import yaml

from domain.errors import InvalidInput

Step = str | int
Path = tuple[Step, ...]
DEFAULTS = "defaults"
_KEPT = 32  # texts, so that each is taken apart once
_WIDE = 1_000_000  # columns: what is copied stays on its line


def check_plain(text: str) -> None:
    """Refuse a text with aliases (`invalid_catalog`): a few lines could stand for any number."""
    try:
        events = yaml.parse(text, Loader=yaml.SafeLoader)
        alias = next((one for one in events if isinstance(one, yaml.AliasEvent)), None)
    except (yaml.YAMLError, RecursionError):
        return  # the reader tells what is wrong with it
    if alias is not None:
        line = alias.start_mark.line + 1 if alias.start_mark else 1
        raise InvalidInput("invalid_catalog", f"draft.yaml:{line}: write it out, without an alias")


def value_of(text: str, item: Path, key: Path) -> str | None:
    """Return the spelling of a value of an item, its own or from `defaults`; None: it has none."""
    root = _root(text)
    own = _found(root, item)
    place = own if _child(own, key[0]) is not None else _child(root, DEFAULTS)
    node = _found(place, key)
    return str(node.value) if isinstance(node, yaml.ScalarNode) else None


def position_of(text: str, key: str, named: str) -> int | None:
    """Return the position in a list of the item with an id; None: there is none."""
    items = _child(_root(text), key)
    if not isinstance(items, yaml.SequenceNode):
        return None
    ids = [_found(one, ("id",)) for one in items.value]
    found = (n for n, one in enumerate(ids) if isinstance(one, yaml.ScalarNode))
    return next((number for number in found if ids[number].value == named), None)  # type: ignore[union-attr]


def with_value(text: str, item: Path, key: Path, value: str) -> str:
    """Return the text with a value of an item replaced. Raises `invalid_value`: there is none."""
    whole = _with_own(text, item, str(key[0]))
    node = _found(_root(whole), (*item, *key))
    if not isinstance(node, yaml.ScalarNode):
        raise InvalidInput("invalid_value", f"{shown((*item, *key))} is no single value")
    begin, end = node.start_mark.index, node.end_mark.index
    return whole[:begin] + json.dumps(value) + whole[end:]


def shown(path: Path) -> str:
    """Return a path as the reader's faults write it.

    >>> shown(("plans", 2, "price"))
    'plans[2].price'
    """
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).removeprefix(".")


def _with_own(text: str, item: Path, key: str) -> str:
    """Return the text with a key copied from `defaults` to an item that has none of its own."""
    root = _root(text)
    place = _found(root, item)
    given = _found(root, (DEFAULTS, key))
    if not isinstance(place, yaml.MappingNode) or not place.value or given is None:
        return text
    if _child(place, key) is not None:
        return text
    at = place.value[0][0].start_mark
    separator = ", " if place.flow_style else "\n" + " " * at.column
    return text[: at.index] + f"{key}: {_on_one_line(given)}{separator}" + text[at.index :]


@lru_cache(maxsize=_KEPT)
def _root(text: str) -> yaml.Node | None:
    try:
        root: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        raise InvalidInput("invalid_catalog", "the price list is not YAML") from error
    return root


def _found(node: yaml.Node | None, path: Sequence[Step]) -> yaml.Node | None:
    """Return the node of a path, looking through a value that is marked as assumed."""
    for step in path:
        node = _child(node, step)
    inner = _child(node, "value")
    return inner if inner is not None and _child(node, "assumed") is not None else node


def _child(node: yaml.Node | None, step: Step) -> yaml.Node | None:
    if isinstance(step, int) and isinstance(node, yaml.SequenceNode):
        return node.value[step] if step < len(node.value) else None
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    return None


def _on_one_line(node: yaml.Node) -> str:
    written: Any = yaml.serialize(
        _flowing(copy.deepcopy(node)), Dumper=yaml.SafeDumper, width=_WIDE
    )
    return str(written).strip().removesuffix("...").strip()


def _flowing(node: yaml.Node) -> yaml.Node:
    """Let a mapping or a list, with all in it, be written on one line."""
    if isinstance(node, yaml.CollectionNode):
        node.flow_style = True
        for one in node.value:
            for inner in one if isinstance(one, tuple) else (one,):
                _flowing(inner)
    return node
