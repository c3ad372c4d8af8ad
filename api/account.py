"""The page behind most mails' buttons: plan and credits as they are now."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import Connection

from api.errors import NotFoundError
from api.services import Services, Shared
from domain.errors import InvalidInput
from domain.mails.facts import Lot
from domain.mails.links import billing_link, is_genuine
from domain.subscription import Status
from gateways.letter_formats import Formats
from ledger import accounts, balances, subscriptions

PAGES = Path(__file__).resolve().parent.parent / "templates" / "pages"
PRIVATE = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
}
STANDS = {
    Status.PENDING: "waits for its first payment",
    Status.TRIALING: "is a free trial",
    Status.ACTIVE: "is active",
    Status.PAST_DUE: "waits for a payment",
    Status.PAUSED: "is paused",
    Status.CANCELED: "is active until it ends",
    Status.ENDED: "has ended",
}

router = APIRouter()


# Names of subscriptions may contain slashes, which arrive decoded.
@router.get("/account/{subscription_id:path}/{token}", response_class=HTMLResponse)
def show(subscription_id: str, token: str, services: Shared) -> HTMLResponse:
    """Show a subscription to the holder of a mailed link; 404 if we did not sign it."""
    if not is_genuine(services.link_secrets, subscription_id, token):
        raise NotFoundError("unknown_link", "this link is not valid")
    with services.engine.connect() as connection:
        try:
            facts = _facts(connection, services, subscription_id)
        except InvalidInput as error:
            raise NotFoundError("unknown_link", "there is no such subscription") from error
    return HTMLResponse(_templates().get_template("account.html.j2").render(facts), 200, PRIVATE)


def _facts(connection: Connection, services: Services, subscription_id: str) -> dict[str, Any]:
    kept = subscriptions.stored(connection, subscription_id)
    customer = accounts.details_of(connection, kept.account_id)
    at = accounts.not_before(connection, kept.account_id, datetime.now(UTC))
    status = Status(subscriptions.status_of(connection, subscription_id))
    price = (kept.next_plan or kept.plan)["price_minor"]
    goes_on = not kept.cancel_at_end and status is not Status.ENDED
    show = Formats.of(customer.locale, customer.time_zone)
    return {
        "show": show,
        "customer": customer,
        "plan": kept.plan["name"],
        "stands": STANDS[status],
        "credits": _credits(connection, show, kept.account_id, at),
        "ends_at": kept.period_end if kept.cancel_at_end and status is not Status.ENDED else None,
        "next_at": kept.period_end if goes_on and price else None,
        "next_plan": kept.next_plan["name"] if kept.next_plan and goes_on else None,
        "price": show.money(price, kept.plan["currency"]),
        "card_link": billing_link(services.public_url, services.link_secrets, subscription_id),
    }


def _credits(
    connection: Connection, show: Formats, account_id: int, at: datetime
) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Return each credit type with its available credits and their expiry."""
    found = []
    for kind, micro in balances.available_of_each(connection, account_id, at).items():
        parts = balances.by_expiry(connection, account_id, kind, at)
        lots = [Lot(credits_micro=one.credits_micro, expires_at=one.expires_at) for one in parts]
        found.append((kind.replace("_", " "), show.number(micro), show.lots(lots)))
    return found


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
