"""What a new OpenAPI document takes away from those who built on the old one, by name.

Of requests: what was accepted and no longer is. Of answers: what was there and no longer is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]

LOWER = ("minimum", "minLength", "minItems")
UPPER = ("maximum", "maxLength", "maxItems", "maxProperties")
ALTERNATIVES = ("oneOf", "anyOf", "allOf")


@dataclass(frozen=True, slots=True)
class _Side:
    """One document, and where in it; `$ref`s are followed."""

    document: Json

    def resolved(self, value: Any) -> Json:
        """Return what a value refers to, or the value."""
        if not isinstance(value, Mapping):
            return {}
        if "$ref" not in value:
            return value
        found: Any = self.document
        for name in value["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        return self.resolved(found)


def breaking(old: Json, new: Json) -> list[str]:
    """Return the name of each thing that was removed or narrowed, such as `POST /usage 202`."""
    before, now = _Side(old), _Side(new)
    return list(dict.fromkeys(_Comparison(before, now).documents()))


@dataclass(frozen=True, slots=True)
class _Comparison:
    before: _Side
    now: _Side

    def documents(self) -> Iterator[str]:
        for path, methods in self.before.document["paths"].items():
            for method, was in methods.items():
                name = f"{method.upper()} {path}"
                found = self.now.document["paths"].get(path, {}).get(method)
                if found is None:
                    yield name
                else:
                    yield from self._operations(name, was, found)

    def _operations(self, name: str, was: Json, found: Json) -> Iterator[str]:
        if was["operationId"] != found["operationId"]:
            yield f"{name} operationId"
        if found.get("security", "key") != was.get("security", "key") == []:
            yield f"{name} open to all"
        yield from self._parameters(name, was, found)
        sent = self.before.resolved(was.get("requestBody")).get("content", {})
        taken = self.now.resolved(found.get("requestBody")).get("content", {})
        if taken and not sent:
            yield f"{name} without a body"
        yield from self._contents(f"{name} request", sent, taken, request=True)
        for status, answer in was["responses"].items():
            yield from self._answers(f"{name} {status}", answer, found["responses"].get(status))

    def _parameters(self, name: str, was: Json, found: Json) -> Iterator[str]:
        before = self._by_name(self.before, was)
        now = self._by_name(self.now, found)
        yield from (f"{name} parameter {one}" for one in before if one not in now)
        for one, parameter in now.items():
            old = before.get(one, {})
            if parameter.get("required") and not old.get("required"):
                yield f"{name} parameter {one} required"
            if old:
                place = f"{name} parameter {one}"
                yield from self._schemas(place, old["schema"], parameter["schema"], request=True)

    @staticmethod
    def _by_name(side: _Side, operation: Json) -> dict[str, Json]:
        parameters = map(side.resolved, operation.get("parameters", []))
        return {f"{one['in']} {one['name']}": one for one in parameters}

    def _answers(self, name: str, was: Json, found: Json | None) -> Iterator[str]:
        if found is None:
            yield name
            return
        headers = self.now.resolved(found).get("headers", {})
        yield from (f"{name} header {one}" for one in was.get("headers", {}) if one not in headers)
        yield from self._contents(
            name, was.get("content", {}), found.get("content", {}), request=False
        )

    def _contents(self, name: str, was: Json, found: Json, *, request: bool) -> Iterator[str]:
        for kind, content in was.items():
            if kind not in found:
                yield f"{name} {kind}"
            else:
                yield from self._schemas(
                    name, content["schema"], found[kind]["schema"], request=request
                )

    def _schemas(self, name: str, was: Any, found: Any, *, request: bool) -> Iterator[str]:
        old, new = self.before.resolved(was), self.now.resolved(found)
        if old == new and self.before.document is self.now.document:
            return
        yield from _values(name, old, new, request=request)
        yield from self._properties(name, old, new, request=request)
        for part in ("items", "additionalProperties", "propertyNames"):
            if isinstance(old.get(part), Mapping) and isinstance(new.get(part), Mapping):
                yield from self._schemas(f"{name} {part}", old[part], new[part], request=request)
        for part in ALTERNATIVES:
            yield from self._alternatives(name, old.get(part, []), new.get(part, []), request)

    def _properties(self, name: str, old: Json, new: Json, *, request: bool) -> Iterator[str]:
        before, now = old.get("properties", {}), new.get("properties", {})
        for one, schema in before.items():
            if one not in now:
                yield f"{name} {one}"
            else:
                yield from self._schemas(f"{name} {one}", schema, now[one], request=request)
        needed, given = set(old.get("required", [])), set(new.get("required", []))
        changed = given - needed if request else needed - given
        word = "required" if request else "not always"
        yield from (f"{name} {one} {word}" for one in sorted(changed))

    def _alternatives(self, name: str, old: Any, new: Any, request: bool) -> Iterator[str]:  # noqa: FBT001
        known = {_called(k, one): one for k, one in enumerate(new)}
        for k, one in enumerate(old):
            called = _called(k, one)
            if called not in known:
                yield f"{name} {called}"
            else:
                yield from self._schemas(f"{name} {called}", one, known[called], request=request)


def _called(place: int, schema: Json) -> str:
    """Return what an alternative is called: its component, or its place."""
    return str(schema["$ref"]).rpartition("/")[2] if "$ref" in schema else f"alternative {place}"


def _values(name: str, old: Json, new: Json, *, request: bool) -> Iterator[str]:
    """Yield what one value may no longer be."""
    gone = [one for one in old.get("enum", []) if one not in new.get("enum", old["enum"])]
    yield from (f"{name} {one!a}" for one in gone)
    before, now = _types(old), _types(new)
    if before != now and (not now >= before if request else not now <= before):
        yield f"{name} type"
    if not request:
        return
    if "enum" in new and "enum" not in old:
        yield f"{name} enum"
    if old.get("additionalProperties", True) is not False is new.get("additionalProperties", True):
        yield f"{name} closed"
    for word in ("pattern", "format", "const"):
        if word in new and new[word] != old.get(word):
            yield f"{name} {word}"
    yield from (f"{name} {word}" for word in LOWER if new.get(word, 0) > old.get(word, 0))
    yield from (
        f"{name} {word}" for word in UPPER if word in new and new[word] < old.get(word, 10**30)
    )


def _types(schema: Json) -> frozenset[str]:
    found = schema.get("type", ANY)
    return frozenset([found] if isinstance(found, str) else found)


ANY = ("array", "boolean", "integer", "null", "number", "object", "string")
