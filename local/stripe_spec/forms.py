"""Read a form or query the way Stripe does: `a[b]=1` nests, and the description gives the types."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

Schema = dict[str, Any]
NUMBERS: dict[Any, Callable[[str], int | float]] = {"integer": int, "number": float}
BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Violation:
    """What is wrong with one parameter, in the words of Stripe's own errors."""

    param: str
    code: str
    message: str


def nest(encoded: str) -> dict[str, Any]:
    """Turn `a[b][0]=x&c=y` into {"a": {"b": {"0": "x"}}, "c": "y"}; leaves stay strings."""
    root: dict[str, Any] = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True):
        *parents, last = name.replace("]", "").split("[")
        node = root
        for parent in parents:
            child = node.setdefault(parent, {})
            node = child if isinstance(child, dict) else {}
        node[last] = value
    return root


def typed(schema: Schema, value: Any, param: str) -> tuple[Any, list[Violation]]:
    """Convert nested strings to what `schema` says; return the value and every violation."""
    if "anyOf" in schema:
        tries = [typed(option, value, param) for option in schema["anyOf"]]
        return next((found for found in tries if not found[1]), tries[0])
    kind = schema.get("type")
    if kind == "object":
        return _object(schema, value, param)
    if kind == "array":
        return _array(schema, value, param)
    if not isinstance(value, str):
        return value, [Violation(param, "parameter_invalid", f"Invalid {kind}: {param}")]
    return _scalar(schema, value, param)


def _object(schema: Schema, value: Any, param: str) -> tuple[Any, list[Violation]]:
    if not isinstance(value, dict):
        return value, [Violation(param, "parameter_invalid", f"Invalid object: {param}")]
    fields = schema.get("properties", {})
    extra = schema.get("additionalProperties")
    result: dict[str, Any] = {}
    wrong = []
    for name, child in value.items():
        path = f"{param}[{name}]" if param else name
        field = fields.get(name) or (extra if isinstance(extra, dict) else None)
        if field is None:
            message = f"Received unknown parameter: {path}"
            wrong.append(Violation(path, "parameter_unknown", message))
            continue
        result[name], faults = typed(field, child, path)
        wrong += faults
    for name in schema.get("required", ()):
        if name not in value:
            path = f"{param}[{name}]" if param else name
            message = f"Missing required param: {path}."
            wrong.append(Violation(path, "parameter_missing", message))
    return result, wrong


def _array(schema: Schema, value: Any, param: str) -> tuple[Any, list[Violation]]:
    if not isinstance(value, dict):
        return value, [Violation(param, "parameter_invalid", f"Invalid array: {param}")]
    items, wrong = [], []
    for index, child in value.items():
        item, faults = typed(schema["items"], child, f"{param}[{index}]")
        items.append(item)
        wrong += faults
    return items, wrong


def _scalar(schema: Schema, value: str, param: str) -> tuple[Any, list[Violation]]:
    kind = schema.get("type")
    if kind in NUMBERS:
        try:
            return NUMBERS[kind](value), []
        except ValueError:
            message = f"Invalid {kind}: {value}"
            return value, [Violation(param, "parameter_invalid_integer", message)]
    if kind == "boolean" and value in BOOLEANS:
        return BOOLEANS[value], []
    fault = f"Invalid boolean: {value}" if kind == "boolean" else _text_fault(schema, value, param)
    return value, [Violation(param, "parameter_invalid", fault)] if fault else []


def _text_fault(schema: Schema, value: str, param: str) -> str:
    allowed = schema.get("enum")
    if allowed is not None and value not in allowed:
        return f"Invalid {param}: must be one of {', '.join(filter(None, allowed))}"
    if len(value) > schema.get("maxLength", len(value)):
        return f"Invalid string: {param} must be at most {schema['maxLength']} characters"
    return ""
