"""Schemas in words, for the reference: what a field is called, takes and means."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]

DEEPEST = 3  # levels of fields within fields
ALTERNATIVES = ("oneOf", "anyOf")
# What patterns say, in words.
WORDS = {
    "^[!-~]{1,64}$": "text, 1 to 64 visible ASCII characters",
    "^[!-9;-~]{1,64}$": "text, 1 to 64 visible ASCII characters, no colon",
    "^[^\\u0000]{1,200}$": "text, 1 to 200 characters",
    "^(?!ledger:)[^\\u0000]{1,200}$": "text, 1 to 200 characters, not `ledger:…`",
}
DECIMAL = "(\\.[0-9]{1,6})?$"
LONG = 40  # characters: the document has what is longer


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a body: `name` with those it lies in (`data.quantity`, `items[].id`)."""

    name: str
    needed: bool
    kind: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Shapes:
    """The schemas of one document, with their references followed."""

    document: Json

    def resolved(self, schema: Json) -> Json:
        """Return the schema that a reference leads to, or the schema."""
        if "$ref" not in schema:
            return schema
        found: Any = self.document
        for name in schema["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        return self.resolved(found)

    def bodies(self, schema: Json) -> list[tuple[str, list[Field]]]:
        """Return each form that a body may have: what it is called, and its fields."""
        forms = self.resolved(schema).get("oneOf", [schema])
        told: list[tuple[str, list[Field]]] = []
        for form in forms:
            whole = self.resolved(form)
            # A list of what was told of is not told again.
            deep = DEEPEST if self._list_of(whole) in forms and len(forms) > 1 else 1
            told.append((_head(whole), list(self.fields(whole, depth=deep))))
        return told

    @staticmethod
    def _list_of(whole: Json) -> Any:
        """Return what is in the one list of an object that holds nothing else."""
        parts = list(whole.get("properties", {}).values())
        return parts[0].get("items") if len(parts) == 1 else None

    def fields(self, schema: Json, prefix: str = "", depth: int = 1) -> Iterator[Field]:
        """Yield the fields of an object, each followed by those within it."""
        whole = self.resolved(schema)
        needed = whole.get("required", ())
        told = whole.get("properties", {})
        for name in [*told, *(one for one in needed if one not in told)]:
            part = told.get(name, {})
            called = f"{prefix}{name}"
            yield Field(called, name in needed, self.kind(part), self._meaning(part))
            if depth < DEEPEST:
                inner, mark = self._inside(part)
                yield from self.fields(inner, f"{called}{mark}.", depth + 1)

    def _inside(self, schema: Json) -> tuple[Json, str]:
        """Return the object that a field holds, alone, in a list or by name."""
        whole = self._alone(schema)
        if "items" in whole:
            return self._alone(whole["items"]), "[]"
        if isinstance(whole.get("additionalProperties"), Mapping):
            return self._alone(whole["additionalProperties"]), ".*"
        return whole, ""

    def _alone(self, schema: Json) -> Json:
        """Return a schema, or the one alternative of it that is not null."""
        whole = self.resolved(schema)
        rest = [one for one in whole.get("anyOf", ()) if one != {"type": "null"}]
        return self.resolved(rest[0]) if len(rest) == 1 else whole

    def _meaning(self, schema: Json) -> str:
        whole = self.resolved(schema)
        return str(whole.get("description") or self._alone(whole).get("description", ""))

    def kind(self, schema: Json) -> str:
        """Return what a value is: `text`, `list of texts`, `` `email` or `in_app` ``."""
        whole = self.resolved(schema)
        for word in ALTERNATIVES:
            if word in whole:
                kinds = dict.fromkeys(map(self.kind, whole[word]))
                return " or ".join(kinds)
        if "enum" in whole:
            return ", ".join(f"`{_plain(one)}`" for one in whole["enum"])
        if "const" in whole:
            return f"`{_plain(whole['const'])}`"
        types = whole.get("type", "any")
        if isinstance(types, list):
            return " or ".join(self.kind({**whole, "type": one}) for one in types)
        return self._simple(types, whole)

    def _simple(self, name: str, whole: Json) -> str:
        match name:
            case "string":
                return _text(whole)
            case "integer":
                return f"integer{_bounds(whole)}"
            case "boolean":
                return "true or false"
            case "array":
                return f"list of {self._each(whole.get('items', {}))}{_many(whole)}"
            case "object" if isinstance(whole.get("additionalProperties"), Mapping):
                return f"by name: {self._each(whole['additionalProperties'])}"
        return name

    def _each(self, schema: Json) -> str:
        """Return what a list holds, in the plural."""
        kind = self.kind(schema)
        first, mark, rest = kind.partition(",")
        plural = kind if kind.startswith("`") or kind == "any" else f"{first}s{mark}{rest}"
        return f"`{schema['$ref'].rpartition('/')[2]}`" if "$ref" in schema else plural


def _head(whole: Json) -> str:
    """Return what a body is called, and what it is."""
    title = f"`{whole['title']}`. " if " " not in whole.get("title", " ") else ""
    return f"{title}{whole.get('description', '')}".strip()


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _text(whole: Json) -> str:
    known = {"date-time": "instant", "date": "day", "uri-reference": "address"}
    if whole.get("format") in known:
        return known[whole["format"]]
    pattern = str(whole.get("pattern", ""))
    if pattern in WORDS:
        return WORDS[pattern]
    if DECIMAL in pattern:
        return "decimal text"
    return f"text `{pattern}`" if 0 < len(pattern) <= LONG and "|" not in pattern else "text"


def _bounds(whole: Json) -> str:
    low, high = whole.get("minimum"), whole.get("maximum")
    if low is None and high is None:
        return ""
    words = (f"{low:,}" if high is not None else f"from {low:,}") if low is not None else "up"
    return f" {words}" + (f" to {high:,}" if high is not None else "")


def _many(whole: Json) -> str:
    low, high = whole.get("minItems"), whole.get("maxItems")
    return f", {low or 0} to {high:,}" if high is not None else ""
