"""Check requests and answers of Stripe's API against its published description."""

import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.stripe_spec.answers import Answers
from local.stripe_spec.forms import Schema, Violation, nest, typed

SPEC = Path(__file__).with_name("spec.json.gz")
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path of the description, e.g. `post /v1/invoices/{invoice}/pay`."""

    name: str
    parameters: Schema  # of the form for POST, of the query otherwise
    answers: dict[str, Schema]


class Spec:
    """The description, ready for use."""

    def __init__(self, source: Path = SPEC) -> None:
        document = json.loads(gzip.decompress(source.read_bytes()))
        self.version: str = document["info"]["version"]
        self.answers = Answers(document["components"]["schemas"])
        self._routes: dict[tuple[str, int], list[tuple[list[str], Operation]]] = {}
        for path, methods in document["paths"].items():
            for method, node in methods.items():
                self._add(method, path, node)

    def _add(self, method: str, path: str, node: dict[str, Any]) -> None:
        parts = path.split("/")
        form = node.get("requestBody", {}).get("content", {}).get(FORM, {}).get("schema", {})
        query = {
            "type": "object",
            "properties": {
                p["name"]: p["schema"] for p in node.get("parameters", ()) if p["in"] == "query"
            },
        }
        answers = {
            status: answer["content"][JSON]["schema"]
            for status, answer in node["responses"].items()
        }
        operation = Operation(f"{method} {path}", form if method == "post" else query, answers)
        self._routes.setdefault((method, len(parts)), []).append((parts, operation))

    def operation(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        """Find what a request asks for, with the ids in its path; None when there is no such."""
        given = path.split("/")
        for parts, operation in self._routes.get((method.lower(), len(given)), ()):
            pairs = list(zip(parts, given, strict=True))
            if all(p == g or (p.startswith("{") and g) for p, g in pairs):
                return operation, {p[1:-1]: g for p, g in pairs if p.startswith("{")}
        return None

    def read(self, operation: Operation, encoded: str) -> tuple[dict[str, Any], list[Violation]]:
        """Decode a form or query; return typed parameters and every violation."""
        value, violations = typed({"type": "object"} | operation.parameters, nest(encoded), "")
        return value, violations

    def answer_violations(self, operation: Operation, status: int, body: Any) -> list[str]:
        """List where an answer breaks the description."""
        schema = operation.answers.get(str(status), operation.answers["default"])
        return self.answers.violations(schema, body)

    def event_violations(self, event: dict[str, Any]) -> list[str]:
        """List where an event or the object inside it breaks the description."""
        inside = event["data"]["object"]
        found = self.answers.violations(self.answers.named("event"), event)
        return found + self.answers.violations(self.answers.named(inside["object"]), inside)
