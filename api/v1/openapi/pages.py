"""The document and the reasons as pages: plain HTML of ours, without scripts or other servers."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

Json = dict[str, Any]
PAGES = Path(__file__).resolve().parents[3] / "templates" / "pages"
HTML = "text/html"
MEDIA_TYPE = f"{HTML}; charset=utf-8"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept",
}


def reference(document: Json) -> bytes:
    """Return the page of a document."""
    operations = [
        {"method": method.upper(), "path": path, **operation}
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    facts = {"operations": operations, **{name: document[name] for name in ("info", "components")}}
    return _render("reference.html.j2", facts)


def reasons(told: list[Json]) -> bytes:
    """Return the page of some reasons."""
    return _render("reasons.html.j2", {"reasons": told})


def _render(name: str, facts: Json) -> bytes:
    return _templates().get_template(name).render(facts).encode()


def _written(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


@cache
def _templates() -> Environment:
    pages = Environment(
        loader=FileSystemLoader(PAGES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters["json"] = _written
    return pages
