"""Operators who have signed in, for tests of their console."""

import re
from datetime import UTC, datetime
from itertools import count

import httpx
from argon2 import PasswordHasher
from sqlalchemy import insert

from domain.access.operators import Operator, OperatorRole
from models.operators import OperatorRow
from tests.fleet import RunningFleet

PASSWORD = "correct horse battery"
# A hash says what it takes to check it. This one is checked like any other, at no cost: what ours
# cost on purpose is paid where signing in is what is tested (tests/pages/test_sign_in.py).
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
_numbers = count(1)


def an_operator(fleet: RunningFleet, role: OperatorRole) -> Operator:
    """Make an account."""
    made = Operator(f"{role}-{next(_numbers)}@seller.example", "Olga", role, 0)
    with fleet.engine.begin() as connection:
        row = {"email": made.email, "name": made.name, "role": made.role, "password": CHEAP}
        at = datetime.now(UTC)
        connection.execute(insert(OperatorRow).values(**row, created_by="tests", created_at=at))
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
