"""The reference of the HTTP interface as Markdown: all of it comes from the OpenAPI document.

The guide, `docs/http.md`, is prose of ours around tables of the document's operations.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from local.openapi.shapes import Field, Shapes

Json = Mapping[str, Any]

TEMPLATES = Path(__file__).parent / "templates"
GUIDE, FOLDER = "docs/http.md", "docs/http"
KEY = "Idempotency-Key"
PENDING = 202  # the guide tells of it
SHORT = 100  # characters of a body that stays on one line
FIRST_REFUSAL = 400
REFUSED = re.compile(r"^- `([^`]+)`: (.*)$", re.MULTILINE)
GAP = re.compile(r"\n{3,}")
SLUG = re.compile(r"[^\w\s-]")


@dataclass(frozen=True, slots=True)
class Shown:
    """An example: the request as it is sent, and its answer if one is shown."""

    name: str
    request: str
    answer: str


@dataclass(frozen=True)
class Operation:
    """One operation of a document."""

    method: str
    path: str
    told: Json
    shapes: Shapes

    @property
    def title(self) -> str:
        """Return its heading."""
        return f"{self.method} {self.path}"

    @property
    def link(self) -> str:
        """Return where it is told of, seen from `docs`."""
        slug = SLUG.sub("", self.title).strip().lower().replace(" ", "-")
        return f"http/{self.told['tags'][0]}.md#{slug}"

    @cached_property
    def parameters(self) -> list[Json]:
        """Its parameters, without the one that all have."""
        return [one for one in self.told["parameters"] if "name" in one]

    @property
    def keyed(self) -> bool:
        """Return whether it takes an `Idempotency-Key`."""
        return any(one["name"] == KEY for one in self.parameters)

    @property
    def rows(self) -> list[Field]:
        """Return its parameters as fields are told."""
        return [
            Field(
                f"{one['name']}",
                one.get("required", False),
                self.shapes.kind({**one["schema"], "description": ""}),
                _default(one),
            )
            for one in self.parameters
        ]

    @property
    def contents(self) -> dict[str, Json]:
        """Return what its body may be, by media type."""
        found: dict[str, Json] = self.told.get("requestBody", {}).get("content", {})
        return found

    @cached_property
    def refusals(self) -> dict[str, tuple[int, str]]:
        """Status and cure of each reason it refuses by."""
        return {
            reason: (int(status), cure)
            for status, answer in self.told["responses"].items()
            if int(status) >= FIRST_REFUSAL
            for reason, cure in REFUSED.findall(answer["description"])
        }

    @property
    def answers(self) -> Iterator[tuple[str, str, str, list[tuple[str, list[Field]]]]]:
        """Yield status, meaning, media types and forms of each answer that is no problem."""
        for status, answer in self.told["responses"].items():
            if int(status) < FIRST_REFUSAL:
                content = answer["content"]
                kinds = ", ".join(f"`{kind}`" for kind in content)
                schema = content.get("application/json", {}).get("schema", {})
                forms = [] if int(status) == PENDING else self.shapes.bodies(schema)
                yield status, answer["description"], kinds, forms

    @property
    def examples(self) -> Iterator[Shown]:
        """Yield what is shown of it."""
        bodies = {
            name: (kind, one["value"])
            for kind, content in self.contents.items()
            for name, one in content.get("examples", {}).items()
        }
        given = [name for one in self.parameters for name in one.get("examples", {})]
        for name in dict.fromkeys([*bodies, *given, *self._answered]):
            kind, body = bodies.get(name, ("", None))
            yield Shown(name, self._request(name, kind, body), self._answered.get(name, ""))

    @cached_property
    def _answered(self) -> dict[str, str]:
        return {
            name: f"{status} {HTTPStatus(int(status)).phrase}\n\n{_written(one['value'])}"
            for status, answer in self.told["responses"].items()
            for name, one in answer["content"]
            .get("application/json", {})
            .get("examples", {})
            .items()
        }

    def _request(self, name: str, kind: str, body: Any) -> str:
        path, query, headers = f"/v1{self.path}", [], []
        moves = not (isinstance(body, dict) and body.get("preview"))  # which needs the key
        for one in self.parameters:
            value = one.get("examples", {}).get(name, {}).get("value")
            match one["in"]:
                case "path" if value is not None:
                    path = path.replace(f"{{{one['name']}}}", value)
                case "query" if value is not None:
                    query.append(f"{one['name']}={value}")
                case "header" if value is not None or (one["name"] == KEY and moves):
                    headers.append(f"{one['name']}: {value or 'your-own-key'}")
        if kind:
            headers.append(f"Content-Type: {kind}")
        line = f"{self.method} {path}{'?' if query else ''}{'&'.join(query)}"
        return "\n".join([line, *headers, *(["", _written(body)] if kind else [])])


def _default(parameter: Json) -> str:
    told = parameter.get("description") or parameter["schema"].get("description", "")
    default = parameter["schema"].get("default")
    return told if default is None else f"{told} {default} if left out."


def _written(value: Any) -> str:
    line = json.dumps(value, ensure_ascii=False)
    return line if len(line) <= SHORT else json.dumps(value, indent=2, ensure_ascii=False)


class Reference:
    """The pages of one document."""

    def __init__(self, document: Json) -> None:
        self.document = document
        shapes = Shapes(document)
        self.operations = [
            Operation(method.upper(), path, told, shapes)
            for path, methods in document["paths"].items()
            for method, told in methods.items()
        ]

    def pages(self) -> dict[str, str]:
        """Return the text of each page, by its path in the repository."""
        found = {GUIDE: self._rendered("guide.md.j2", table=self.table, common=self.common)}
        for tag in self.document["tags"]:
            facts = {"tag": tag, "operations": self._of(tag["name"]), "own": self.own}
            found[f"{FOLDER}/{tag['name']}.md"] = self._rendered("theme.md.j2", **facts)
        found[f"{FOLDER}/refusals.md"] = self._rendered("refusals.md.j2", refusals=self.refusals)
        return found

    def _of(self, tag: str) -> list[Operation]:
        return [one for one in self.operations if one.told["tags"] == [tag]]

    def table(self, tag: str) -> str:
        """Return a table of a theme's operations, each with a link."""
        lines = [
            f"| [`{one.title}`]({one.link}) | {one.told['summary']} |" for one in self._of(tag)
        ]
        return "\n".join(["| request | what it does |", "| --- | --- |", *lines])

    @cached_property
    def common(self) -> dict[str, list[str]]:
        """Reasons that all requests of a kind share, by the kind; each only once."""
        found: dict[str, list[str]] = {}
        for kind, members in self._kinds().items():
            shared = set.intersection(*(set(one.refusals) for one in members))
            known = {reason for reasons in found.values() for reason in reasons}
            found[kind] = sorted(shared - known)
        return found

    def _kinds(self) -> dict[str, list[Operation]]:
        every = self.operations
        return {
            "every request": every,
            "a request with a key": [one for one in every if one.told.get("security") != []],
            "one with a body": [one for one in every if one.contents],
            "one with an `Idempotency-Key`": [one for one in every if one.keyed],
            "a `GET`": [one for one in every if one.method == "GET"],
        }

    def own(self, operation: Operation) -> dict[int, list[str]]:
        """Return the reasons of an operation beside those of its kinds, by status."""
        kinds = self._kinds()
        shared = {r for k, reasons in self.common.items() if operation in kinds[k] for r in reasons}
        found: dict[int, list[str]] = {}
        for reason, (status, _) in sorted(operation.refusals.items()):
            if reason not in shared:
                found.setdefault(status, []).append(reason)
        return dict(sorted(found.items()))

    @property
    def refusals(self) -> list[tuple[int, str, str]]:
        """Return status, reason and cure of everything that is refused, in this order."""
        told = {(s, r, cure) for one in self.operations for r, (s, cure) in one.refusals.items()}
        return sorted(told)

    @staticmethod
    def _rendered(name: str, **facts: Any) -> str:
        templates = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=False,  # noqa: S701 - Markdown of ours
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        return GAP.sub("\n\n", templates.get_template(name).render(facts)).rstrip("\n") + "\n"
