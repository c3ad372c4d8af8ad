"""Operators who have signed in, for tests of their console."""

import re
from datetime import UTC, datetime
from itertools import count

import httpx

from domain.access.operators import Operator, OperatorRole
from ledger.access import operators
from tests.fleet import RunningFleet

PASSWORD = "correct horse battery"
_numbers = count(1)


def an_operator(fleet: RunningFleet, role: OperatorRole) -> Operator:
    """Make an account."""
    made = Operator(f"{role}-{next(_numbers)}@seller.example", "Olga", role, 0)
    with fleet.engine.begin() as connection:
        operators.create(connection, made, PASSWORD, by="tests", at=datetime.now(UTC))
    return made


async def entered(
    fleet: RunningFleet, web: httpx.AsyncClient, role: OperatorRole = OperatorRole.ADMIN
) -> Operator:
    """Sign in as somebody new of a role."""
    made = an_operator(fleet, role)
    asked = await web.get("/operator/sign_in")
    (token,) = re.findall(r'name="csrf" value="([^"]+)"', asked.text)
    fields = {"csrf": token, "email": made.email, "password": PASSWORD}
    assert (await web.post("/operator/sign_in", data=fields)).status_code == 303
    return made
