"""The web side: a list and a view for people, JSON for tests, switches for faults."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from fastapi import FastAPI, HTTPException
from fastapi.responses import HTMLResponse, PlainTextResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from local.mail_catcher.faults import Fault, Faults
from local.mail_catcher.store import CaughtMail, MailStore

PAGES = Path(__file__).parent / "pages"
# A caught mail is a stranger's HTML: it may be looked at and its links followed, nothing else.
MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "
    "style-src 'unsafe-inline'; img-src data:"
)


class Page(Protocol):
    """A template with its name filled in."""

    def __call__(self, **facts: Any) -> HTMLResponse:
        """Return the page for some facts."""
        ...


def application(store: MailStore, faults: Faults) -> FastAPI:
    """Return the web application over a store of mails and its faults."""
    app = FastAPI(title="Mail catcher", docs_url=None, redoc_url=None)
    _add_api(app, store, faults)
    _add_pages(app, store)
    return app


def _add_api(app: FastAPI, store: MailStore, faults: Faults) -> None:
    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/api/mails")
    def mails(to: str | None = None) -> list[dict[str, Any]]:
        return [_as_json(mail) for mail in store.all(to)]

    @app.delete("/api/mails")
    def clear() -> dict[str, int]:
        return {"deleted": store.clear()}

    @app.post("/_fault", status_code=201)
    def add_fault(fault: Fault) -> Fault:
        faults.add(fault)
        return fault

    @app.delete("/_fault")
    def clear_faults() -> dict[str, str]:
        faults.clear()
        return {"status": "ok"}


def _add_pages(app: FastAPI, store: MailStore) -> None:
    page = _pages()

    @app.get("/")
    def inbox(to: str | None = None) -> HTMLResponse:
        return page("inbox")(mails=store.all(to), to=to)

    @app.get("/mails/{mail_id}")
    def mail(mail_id: str, view: str = "html") -> HTMLResponse:
        caught = _found(store, mail_id)
        return page("mail")(mail=caught, view=view if caught.html else "text")

    @app.get("/mails/{mail_id}/html")
    def html(mail_id: str) -> HTMLResponse:
        content = _found(store, mail_id).html.replace("<head>", '<head><base target="_blank">', 1)
        return HTMLResponse(content, headers={"Content-Security-Policy": MAIL_POLICY})

    @app.get("/mails/{mail_id}/text")
    def text(mail_id: str) -> PlainTextResponse:
        return PlainTextResponse(_found(store, mail_id).text)


def _pages() -> Callable[[str], Page]:
    templates = Environment(
        loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined
    )

    def page(name: str) -> Page:
        template = templates.get_template(f"{name}.html.j2")
        return lambda **facts: HTMLResponse(template.render(facts))

    return page


def _found(store: MailStore, mail_id: str) -> CaughtMail:
    mail = store.get(mail_id)
    if mail is None:
        raise HTTPException(404, f"no mail {mail_id}: open / for the list")
    return mail


def _as_json(mail: CaughtMail) -> dict[str, Any]:
    return {
        "id": mail.mail_id,
        "received_at": mail.received_at.isoformat(),
        "to": ", ".join(mail.to),
        "from": mail.sender,
        "subject": mail.subject,
        "message_id": mail.message_id,
        "headers": dict(mail.headers),
        "text": mail.text,
        "html": mail.html,
    }
