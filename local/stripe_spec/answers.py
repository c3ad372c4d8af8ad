"""Check an answer against the published description, and make objects that satisfy it."""

from collections.abc import Callable
from typing import Any

Schema = dict[str, Any]
Check = Callable[[Any, str, list[str]], None]  # value, where it stands, violations found so far

TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


class Answers:
    """The schemas of answers, compiled once to functions."""

    def __init__(self, schemas: dict[str, Schema]) -> None:
        self._schemas = schemas
        self._compiled: dict[str, Check] = {}

    def violations(self, schema: Schema, value: Any) -> list[str]:
        """List every place where `value` breaks `schema`; empty when it is right."""
        found: list[str] = []
        self._check(schema)(value, "", found)
        return found

    def named(self, name: str) -> Schema:
        """Return the reference to a schema by its name, such as `invoice`."""
        if name not in self._schemas:
            raise KeyError(name)
        return {"$ref": f"#/components/schemas/{name}"}

    def blank(self, name: str) -> dict[str, Any]:
        """Make the emptiest valid object: required fields filled, nullable ones null."""
        value = self._blank(self.named(name))
        if not isinstance(value, dict):
            raise TypeError(f"{name} is not an object")
        return value

    def _blank(self, schema: Schema) -> Any:
        schema = self._resolve(schema)
        if schema.get("nullable"):
            return None
        if "anyOf" in schema:
            return self._blank(schema["anyOf"][0])
        kind = schema.get("type")
        if kind == "object":
            required = schema.get("required", ())
            return {
                name: self._blank(field)
                for name, field in schema.get("properties", {}).items()
                if name in required or field.get("nullable")
            }
        if kind == "string":
            return schema.get("enum", ["0" if schema.get("format") == "decimal" else ""])[0]
        return {"integer": 0, "number": 0, "boolean": False}.get(str(kind), [])

    def _resolve(self, schema: Schema) -> Schema:
        name = schema.get("$ref")
        return self._schemas[name.rsplit("/", 1)[1]] if name else schema

    def _check(self, schema: Schema) -> Check:
        name = schema.get("$ref")
        if name is None:
            return self._compile(schema)
        short = name.rsplit("/", 1)[1]

        def later(value: Any, at: str, out: list[str]) -> None:
            if short not in self._compiled:
                self._compiled[short] = self._compile(self._schemas[short])
            self._compiled[short](value, at, out)

        return later

    def _compile(self, schema: Schema) -> Check:
        inner = self._any_of(schema) if "anyOf" in schema else self._typed(schema)
        if not schema.get("nullable"):
            return inner

        def nullable(value: Any, at: str, out: list[str]) -> None:
            if value is not None:
                inner(value, at, out)

        return nullable

    def _any_of(self, schema: Schema) -> Check:
        options = [self._check(option) for option in schema["anyOf"]]

        def check(value: Any, at: str, out: list[str]) -> None:
            best: list[str] | None = None
            for option in options:
                found: list[str] = []
                option(value, at, found)
                if not found:
                    return
                best = found if best is None or len(found) < len(best) else best
            out += best or []

        return check

    def _typed(self, schema: Schema) -> Check:
        kind = schema.get("type", "object")
        if kind == "object":
            return self._object(schema)
        if kind == "array":
            return self._array(schema)
        allowed = schema.get("enum")
        types = TYPES[kind]

        def scalar(value: Any, at: str, out: list[str]) -> None:
            if not isinstance(value, types) or (isinstance(value, bool) and kind != "boolean"):
                out.append(f"{at}: {value!r} is not of type {kind}")
            elif allowed is not None and value not in allowed:
                out.append(f"{at}: {value!r} is not one of {allowed}")

        return scalar

    def _array(self, schema: Schema) -> Check:
        item = self._check(schema["items"])

        def array(value: Any, at: str, out: list[str]) -> None:
            if not isinstance(value, list):
                out.append(f"{at}: {value!r} is not a list")
                return
            for index, child in enumerate(value):
                item(child, f"{at}[{index}]", out)

        return array

    def _object(self, schema: Schema) -> Check:
        fields = {n: self._check(field) for n, field in schema.get("properties", {}).items()}
        extra = schema.get("additionalProperties", not fields)
        other = self._check(extra) if isinstance(extra, dict) and extra else None
        required = schema.get("required", ())

        def check(value: Any, at: str, out: list[str]) -> None:
            if not isinstance(value, dict):
                out.append(f"{at}: {value!r} is not an object")
                return
            out += [f"{at}.{name}: missing" for name in required if name not in value]
            for name, child in value.items():
                field = fields.get(name) or other
                if field is not None:
                    field(child, f"{at}.{name}", out)
                elif not extra:
                    out.append(f"{at}.{name}: unknown")

        return check
