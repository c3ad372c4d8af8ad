"""One mapping of a document, read key by key: every fault in it is collected.

Any value may also be written as `{value: "12.00", assumed: true}`: it was invented, because the
seller does not publish it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

import yaml

from catalogs.document.faults import Asked, Faults, Form, Place
from catalogs.document.nodes import items_of, line_of, parts_of, text_of
from domain.errors import BillingError

T = TypeVar("T")
F = TypeVar("F")
_NULL = "tag:yaml.org,2002:null"


class Section:
    """One mapping. Reading marks a key as known; `close` refuses the keys that nobody read."""

    def __init__(
        self,
        node: yaml.MappingNode,
        path: str,
        faults: Faults,
        defaults: "Section | None" = None,
        kind: str = "",
    ) -> None:
        self.faults = faults
        self._node = node
        self._path = path
        self._kind = kind  # its path with `[]` for each index, the same for what is inherited
        self._defaults = defaults
        self._values: dict[str, yaml.Node] = {}
        self._read: set[str] = set()
        for key, value in node.value:
            if str(key.value) in self._values:
                faults.add(line_of(key), path, f"{key.value!r} is given twice")
            self._values[str(key.value)] = value

    def close(self) -> None:
        """Refuse every key that was not read."""
        for key, _ in self._node.value:
            if str(key.value) not in self._read:
                known = ", ".join(sorted(self._read))
                reason = f"unknown key {str(key.value)!r:.60}; known are: {known}"
                self.faults.add(line_of(key), self._path, reason)

    def fault(self, key: str, reason: str) -> None:
        """Note a fault about the value of a key, or about its absence."""
        self.faults.add(line_of(self._find(key) or self._node), self._place(key), reason)

    def warning(self, key: str, reason: str) -> None:
        """Note a warning about the value of a key."""
        self.faults.add(line_of(self._node_of(key)), self._place(key), reason, allowed=True)

    def has(self, key: str) -> bool:
        """Return whether a key has a value, here or among the defaults; null is none."""
        self._read.add(key)
        if self._defaults is not None:
            self._defaults.has(key)
        node = self._find(key)
        if node is not None:
            text = str(node.value) if isinstance(node, yaml.ScalarNode) else ""
            self.faults.places[self._own(key)] = Place(line_of(node), self._place(key), text)
        return node is not None and node.tag != _NULL

    def required(self, key: str, parse: Callable[[str], T], fallback: F) -> T | F:
        """Return a parsed value; missing or wrong is a fault, and `fallback` lets reading go on."""
        self._note(key, Form.VALUE, parse, is_required=True)
        if self.has(key):
            return self._parsed(key, parse, fallback)
        self.fault(key, "is missing")
        return fallback

    def optional(self, key: str, parse: Callable[[str], T], default: T) -> T:
        """Return a parsed value, or `default` when there is none."""
        self._note(key, Form.VALUE, parse, default=default)
        return self._parsed(key, parse, default) if self.has(key) else default

    def several(self, key: str, parse: Callable[[str], T], fallback: T) -> tuple[T, ...]:
        """Return one parsed value, or those of a list; required, and each once."""
        self._note(key, Form.VALUE, parse, is_required=True)
        if not self.has(key):
            self.fault(key, "is missing")
            return (fallback,)
        node = self._node_of(key)
        try:
            items = items_of(node) if isinstance(node, yaml.SequenceNode) else [node]
            found = tuple(parse(text_of(item)) for item in items)
        except BillingError as error:
            self.fault(key, str(error))
            return (fallback,)
        if not found or len(set(found)) < len(found):
            self.fault(key, "name each once, and at least one")
        return tuple(dict.fromkeys(found)) or (fallback,)

    def of_each(
        self, key: str, parse: Callable[[str], T], fallback: F, *, one: str, among: Sequence[str]
    ) -> T | F:
        """Return the required value of `one` in a mapping such as `{USD: "9.00", EUR: "8.50"}`.

        What is written once is for all, but a value that is not zero only if there is one name.
        """
        self._note(key, Form.VALUE, parse, is_required=True)
        if not self.has(key):
            self.fault(key, "is missing")
            return fallback
        parts = self._parts_among(key, among)
        if parts and one not in parts:
            self.fault(key, f"is missing in {one}")
            return fallback
        value = self._part(key, parse, parts, one=one, fallback=fallback)
        if value and not parts and len(among) > 1:
            self.fault(key, f"write one for each currency: {', '.join(among)}")
        return value

    def of_some(
        self, key: str, parse: Callable[[str], T], *, one: str, among: Sequence[str]
    ) -> T | None:
        """Return the optional value of `one` in such a mapping, None where it has none.

        What is written once is of the first name, which a mapping must have.
        """
        self._note(key, Form.VALUE, parse)
        if not self.has(key):
            return None
        parts = self._parts_among(key, among)
        if parts and among[0] not in parts:
            self.fault(key, f"is missing in {among[0]}")
        if one not in (parts or among[:1]):
            return None
        return self._part(key, parse, parts, one=one, fallback=None)

    def _parts_among(self, key: str, among: Sequence[str]) -> "dict[str, yaml.Node]":
        """Return the values of a key by their names, nothing where it has one value."""
        parts = parts_of(self._node_of(key))
        for name in parts.keys() - set(among):
            self.fault(key, f"{name!r:.60} is not among the currencies: {', '.join(among)}")
        return parts

    def _part(
        self,
        key: str,
        parse: Callable[[str], T],
        parts: "Mapping[str, yaml.Node]",
        *,
        one: str,
        fallback: F,
    ) -> T | F:
        """Return the parsed value of `one`, or the key's own where that has no parts."""
        node = parts.get(one, self._node_of(key))
        place = Place(line_of(node), f"{self._place(key)}.{one}")
        if parts:
            self.faults.places[f"{self._own(key)}.{one}"] = place
        try:
            return parse(text_of(node))
        except BillingError as error:
            self.faults.add(place.line, place.path if parts else self._place(key), str(error))
            return fallback

    def listed(
        self, key: str, parse: Callable[[str], T], default: tuple[T, ...] | None = None
    ) -> tuple[T, ...]:
        """Return the parsed values of a list of single values, required if it has no default."""
        self._note(key, Form.LIST, parse, is_required=default is None, default=default)
        if not self.has(key):
            if default is None:
                self.fault(key, "is missing; write [] for none")
            return default or ()
        try:
            return tuple(parse(text_of(item)) for item in items_of(self._node_of(key)))
        except BillingError as error:
            self.fault(key, str(error))
            return ()

    def section(self, key: str, defaults: "Section | None" = None) -> "Section | None":
        """Return the mapping of a key, or None when it is absent or null."""
        self._note(key, Form.SECTION)
        if not self.has(key):
            return None
        return self._inner(self._node_of(key), self._place(key), defaults, self._inside(key))

    def sections(
        self, key: str, defaults: "Section | None" = None, missing: str = ""
    ) -> Iterator["Section"]:
        """Yield the mappings of a list; nothing when it is absent or null.

        With `missing` the key is required, and its absence a fault with these words.
        """
        self._note(key, Form.SECTIONS, is_required=bool(missing))
        if not self.has(key):
            if missing:
                self.fault(key, missing)
            return
        try:
            items = items_of(self._node_of(key))
        except BillingError as error:
            self.fault(key, str(error))
            return
        for index, item in enumerate(items):
            place = f"{self._place(key)}[{index}]"
            inner = self._inner(item, place, defaults, f"{self._inside(key)}[]")
            if inner is not None:
                yield inner

    def retired(self, key: str, cure: str) -> None:
        """Refuse a key that once was read, with what replaces it."""
        self._note(key, Form.RETIRED, cure=cure)
        if self._find(key) is not None:
            self.has(key)  # told once, and not as an unknown key too
            self.fault(key, cure)

    def _parsed(self, key: str, parse: Callable[[str], T], fallback: F) -> T | F:
        try:
            return parse(text_of(self._node_of(key)))
        except BillingError as error:
            self.fault(key, str(error))
            return fallback

    def _note(
        self,
        key: str,
        form: Form,
        parse: Callable[[str], object] | None = None,
        *,
        is_required: bool = False,
        default: object = None,
        cure: str = "",
    ) -> None:
        asked = Asked(
            path=self._inside(key),
            form=form,
            parse=parse,
            is_required=is_required,
            default=default,
            cure=cure,
        )
        self.faults.asked.append(asked)

    def _inner(
        self, node: yaml.Node, path: str, defaults: "Section | None", kind: str
    ) -> "Section | None":
        if isinstance(node, yaml.MappingNode):
            self.faults.places[path] = Place(line_of(node), path)
            return Section(node=node, path=path, faults=self.faults, defaults=defaults, kind=kind)
        self.faults.add(line_of(node), path, "must be a mapping of keys to values")
        return None

    def _inside(self, key: str) -> str:
        return f"{self._kind}.{key}" if self._kind else key

    def _find(self, key: str) -> yaml.Node | None:
        if key in self._values or self._defaults is None:
            return self._values.get(key)
        return self._defaults._find(key)  # noqa: SLF001 - another Section

    def _node_of(self, key: str) -> yaml.Node:
        return self._find(key) or self._node

    def _place(self, key: str) -> str:
        inherited = self._defaults is not None and key not in self._values
        if inherited and self._defaults is not None and self._defaults._find(key):  # noqa: SLF001
            return self._defaults._place(key)  # noqa: SLF001
        return self._own(key)

    def _own(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key


def open_document(text: str, faults: Faults) -> Section | None:
    """Return the top mapping of a YAML text, or None with a fault noted."""
    try:
        node: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        faults.add(line, "", f"is not YAML: {error.problem}")
        return None
    except yaml.YAMLError as error:
        faults.add(1, "", f"is not YAML: {error}".replace("\n", " "))
        return None
    except RecursionError:
        faults.add(1, "", "nests too deep")
        return None
    if not isinstance(node, yaml.MappingNode):
        faults.add(1, "", "must be a mapping of keys to values")
        return None
    return Section(node, "", faults)
