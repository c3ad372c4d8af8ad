"""Accounts of operators: who signs in here, and as what."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection
from starlette.responses import RedirectResponse

from api.pages.operator.page import Page, back_to
from api.pages.operator.running.webhooks import ADMINS
from api.pages.operator.serving import is_open
from api.pages.operator.sessions import Way
from api.pages.operator.sign_in import CHECKS
from api.pages.operator.visits import Visit
from domain.access.operators import SHORTEST_PASSWORD, Operator, OperatorRole, email_of
from domain.errors import InvalidInput
from ledger.access import operators
from ledger.access.operators import ListedOperator

NAME = "operators"
LONGEST_NAME = 200


async def show(visit: Visit) -> Mapping[str, Any]:
    """Show every account."""

    def read() -> tuple[ListedOperator, ...]:
        with visit.services.engine.connect() as connection:
            return operators.listed(connection)

    known = visit.services.identities
    return {
        "accounts": await asyncio.to_thread(read),
        "all_roles": tuple(OperatorRole),
        "shortest": SHORTEST_PASSWORD,
        "provider": known.provider.issuer if known else "",
        "passwords": is_open(visit.services, Way.PASSWORD),
        "done": visit.query.get("done") == "1",
    }


async def add(visit: Visit) -> RedirectResponse:
    """Make an account."""
    form = visit.form
    name = form.get("name", "").strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidInput("invalid_value", f"a name has 1 to {LONGEST_NAME} characters")
    made = Operator(email_of(form.get("email", "")), name, _role(visit), 0)
    password, by = form.get("password", ""), visit.operator.email
    await _change(visit, lambda books: operators.create(books, made, password, by=by, at=visit.at))
    return back_to(NAME, "done=1")


async def role(visit: Visit) -> RedirectResponse:
    """Give somebody else another role."""
    email, wanted = _other(visit), _role(visit)
    await _change(visit, lambda books: operators.change_role(books, email, wanted))
    return back_to(NAME, "done=1")


async def password(visit: Visit) -> RedirectResponse:
    """Set somebody's password: it unlocks the account and ends its sessions."""
    email, wanted = email_of(visit.form.get("email", "")), visit.form.get("password", "")
    await _change(visit, lambda books: operators.change_password(books, email, wanted))
    return back_to(NAME, "done=1")


async def disable(visit: Visit) -> RedirectResponse:
    """Let somebody else sign in no more."""
    email = _other(visit)
    await _change(visit, lambda books: operators.disable(books, email, visit.at))
    return back_to(NAME, "done=1")


async def _change(visit: Visit, change: Callable[[Connection], None]) -> None:
    def run() -> None:
        with visit.services.engine.begin() as connection:
            change(connection)

    async with CHECKS:  # a hash costs as much as signing in
        await asyncio.to_thread(run)


def _other(visit: Visit) -> str:
    """Return whose account is changed: never one's own, so that an admin is always left."""
    email = email_of(visit.form.get("email", ""))
    if email == visit.operator.email:
        raise InvalidInput("invalid_value", "another admin must change your own account")
    return email


def _role(visit: Visit) -> OperatorRole:
    wanted = visit.form.get("role", "")
    if wanted not in tuple(OperatorRole):
        raise InvalidInput("invalid_value", f"a role is one of {', '.join(OperatorRole)}")
    return OperatorRole(wanted)


PAGE = Page(
    NAME,
    "Operators",
    show,
    acts={"add": add, "role": role, "password": password, "disable": disable},
    roles=ADMINS,
    seen_by=ADMINS,
)
