"""The reference of every key of a price list: docs/catalog.md, made from the reader itself."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import yaml

from catalogs import values
from catalogs.document.faults import Asked, Form
from catalogs.keys import KEYS
from catalogs.reader import keys_asked
from domain.credits import format_credits

EXAMPLE = Path(__file__).parent / "examples" / "every_key.yaml"
_LONGEST = 100  # characters of an example beside its key; longer ones stand in the whole list
_TITLE = "Keys of a price list"
_HEAD = """\
`python cli.py catalog reference` prints this page; it is made from the reader, which refuses every
key that is not here. `python cli.py catalog check FILE` says every fault of a list with its line,
and every change of what was published, which stays as it is: see "A worker does not start" in
[operations](operations.md). `python cli.py catalog list` says what the lists sell.

A price list is one YAML file in `catalogs/`. A path such as `plans[].price` is the key `price` of
each item of `plans`. A figure that its seller does not publish may be written as
`{value: "12.00", assumed: true}`, wherever one value stands. Numbers are taken as they are
written, never as floats: quote those with decimals. `null` is the same as leaving a key out, and
in a plan it also takes away what `defaults` would give."""
_COLUMNS = ("key", "takes", "left out", "meaning", "example")


def reference() -> str:
    """Return the page as Markdown."""
    text = EXAMPLE.read_text(encoding="utf-8")
    asked = merged(keys_asked(text))
    shown = examples(text)
    parts = [f"# {_TITLE}", _HEAD]
    for place, paths in _places():
        parts += _part(place, [_row(asked[path], shown.get(path, "")) for path in paths])
    parts += ["## Retired keys", "\n".join(_retired(asked))]
    parts += ["## A whole price list", f"Every key once (`catalogs/examples/{EXAMPLE.name}`):"]
    return "\n\n".join([*parts, f"```yaml\n{text.strip()}\n```"]) + "\n"


def merged(asked: Sequence[Asked]) -> dict[str, Asked]:
    """Return one entry for each path; a key that any part of the reader requires is required."""
    found: dict[str, Asked] = {}
    for one in asked:
        if one.path not in found or one.is_required:
            found[one.path] = one
    return found


def left_out(asked: Asked) -> str:
    """Return what holds without a key, or that it cannot be left out."""
    if asked.is_required:
        return "required"
    return KEYS[asked.path].without or f"`{spelled(asked)}`"


def spelled(asked: Asked) -> str:
    """Return a default as a price list would write it."""
    match asked.default:
        case bool(flag):
            return str(flag).lower()
        case int(micro) if asked.parse is values.credit_quantity:
            return format_credits(micro)
        case datetime() as at:
            return at.isoformat()
        case other:
            return str(other)


def examples(text: str) -> dict[str, str]:
    """Return how each key of a list is first written in it, by its path."""
    found: dict[str, str] = {}
    for path, value in _written(yaml.compose(text, Loader=yaml.SafeLoader), ""):
        source = text[value.start_mark.index : value.end_mark.index].strip()
        found.setdefault(path, source)
    return found


def _written(node: yaml.Node | None, path: str) -> Iterator[tuple[str, yaml.Node]]:
    """Yield every key and its value; one of `defaults` is also one of a plan."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _written(item, f"{path}[]")
    elif isinstance(node, yaml.MappingNode) and not _is_assumed(node):
        for key, value in node.value:
            inside = f"{path}.{key.value}" if path else str(key.value)
            yield inside, value
            yield from _written(value, "plans[]" if inside == "defaults" else inside)


def _is_assumed(node: yaml.MappingNode) -> bool:
    return any(key.value == "assumed" for key, _ in node.value)


def _places() -> Iterator[tuple[str, list[str]]]:
    """Yield each mapping's path with its keys, in the order of `KEYS`; the whole list is ""."""
    by_place: dict[str, list[str]] = {}
    for path in KEYS:
        by_place.setdefault(path.rpartition(".")[0], []).append(path)
    yield from by_place.items()


def _part(place: str, rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a mapping's heading, what it means, and the table of its keys."""
    if not place:
        return ["## The list itself", _table(rows)]
    meaning = KEYS[place.removesuffix("[]")].meaning
    return [f"## `{place}`", f"{meaning[0].upper()}{meaning[1:]}.", _table(rows)]


def _table(rows: Sequence[Sequence[str]]) -> str:
    lines = [_COLUMNS, ["---"] * len(_COLUMNS), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _row(asked: Asked, example: str) -> tuple[str, ...]:
    fits = example and len(example) <= _LONGEST and "\n" not in example
    shown = f"`{example}`" if fits else "[below](#a-whole-price-list)"
    return f"`{asked.path}`", _takes(asked), left_out(asked), KEYS[asked.path].meaning, shown


def _takes(asked: Asked) -> str:
    if asked.parse is None:
        return f"a {asked.form}"
    said = values.said(asked.parse)
    return f"a list, each {said}" if asked.form is Form.LIST else said


def _retired(asked: dict[str, Asked]) -> Iterator[str]:
    for path, one in asked.items():
        if one.form is Form.RETIRED:
            yield f"- `{path}` {one.cure}."
