"""Pages from templates, under headers that let nothing run or be embedded but what is ours."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from api.pages.assets import address_of

PAGES = Path(__file__).resolve().parents[2] / "templates" / "pages"
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self';"
    " img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
)
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def rendered(
    template: str, facts: Mapping[str, Any], status: int = 200, *, ancestors: str = "'none'"
) -> HTMLResponse:
    """Return a page; `ancestors` are the origins that may embed it."""
    page = templates().get_template(template).render(facts)
    headers = {**HEADERS, "Content-Security-Policy": POLICY.format(ancestors=ancestors)}
    if ancestors == "'none'":
        headers["X-Frame-Options"] = "DENY"
    return HTMLResponse(page, status, headers)


@cache
def templates() -> Environment:
    """Return the templates of all pages; every value is escaped, an unknown one is an error."""
    environment = Environment(
        loader=FileSystemLoader(PAGES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["asset"] = address_of
    return environment
