"""Who gets into the operators' console, and how guessing is held off."""

import re
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from api.pages.operator import sessions
from domain.access.operators import LOCKED, MOST_FAILURES, Operator, OperatorRole
from domain.access.sealed import Seal, seal, unseal
from domain.errors import InvalidInput
from ledger.access import operators
from tests.deployment import LINK_SECRET
from tests.pages.operators import PASSWORD, an_operator

AT = datetime(2027, 1, 1, tzinfo=UTC)
_numbers = count(1)


@pytest.fixture
def ann(fleet):
    """An operator of support, whose password is cheap to check."""
    return an_operator(fleet, OperatorRole.SUPPORT)


@pytest.fixture
def bea(fleet):
    """An operator of support, whose account was made as people make it."""
    made = Operator(f"bea-{next(_numbers)}@seller.example", "Bea", OperatorRole.SUPPORT, 0)
    with fleet.engine.begin() as connection:
        operators.create(connection, made, PASSWORD, by="tests", at=AT)
    return made


async def signed_in(web, email, password):
    asked = await web.get("/operator/sign_in")
    (token,) = re.findall(r'name="csrf" value="([^"]+)"', asked.text)
    fields = {"csrf": token, "email": email, "password": password}
    return await web.post("/operator/sign_in", data=fields)


async def test_the_right_password_opens_the_console_and_a_wrong_one_tells_nothing(bea, web):
    wrong = await signed_in(web, bea.email, "wrong horse battery")
    nobody = await signed_in(web, "nobody@seller.example", PASSWORD)
    assert (wrong.status_code, nobody.status_code) == (403, 403)
    assert wrong.text == nobody.text
    assert (await web.get("/operator/customers")).headers["location"] == "/operator/sign_in"

    right = await signed_in(web, bea.email.upper(), PASSWORD)
    assert (right.status_code, right.headers["location"]) == (303, "/operator/customers")
    assert "samesite=strict" in right.headers["set-cookie"].lower()
    assert (await web.get("/operator/customers")).status_code == 200


def test_guessing_locks_the_account_for_a_while(ann, fleet):
    def try_with(password, at):
        with fleet.engine.begin() as connection:
            return operators.sign_in(connection, ann.email, password, at)

    for _ in range(MOST_FAILURES - 1):
        assert try_with("guessed", AT) is None
    assert try_with(PASSWORD, AT) == ann  # one more, and the count begins anew
    for _ in range(MOST_FAILURES):
        assert try_with("guessed", AT) is None
    assert try_with(PASSWORD, AT + LOCKED - timedelta(seconds=1)) is None
    assert try_with(PASSWORD, AT + LOCKED) == ann


async def test_another_password_and_the_end_of_an_account_end_its_sessions(ann, fleet, web):
    await signed_in(web, ann.email, PASSWORD)
    with fleet.engine.begin() as connection:
        operators.change_password(connection, ann.email, "another horse battery")
    assert (await web.get("/operator/customers")).status_code == 303
    await signed_in(web, ann.email, "another horse battery")
    assert (await web.get("/operator/customers")).status_code == 200
    with fleet.engine.begin() as connection:
        operators.disable(connection, ann.email, AT)
    assert (await web.get("/operator/customers")).status_code == 303
    assert (await signed_in(web, ann.email, "another horse battery")).status_code == 403


async def test_a_customers_cookie_is_no_operators(ann, web):
    await signed_in(web, ann.email, PASSWORD)
    content = unseal((LINK_SECRET,), Seal.OPERATOR, web.cookies[sessions.COOKIE.name])
    web.cookies.clear()
    forged = seal((LINK_SECRET,), Seal.CUSTOMER, content)
    answer = await web.get(
        "/operator/customers", headers={"Cookie": f"{sessions.COOKIE.name}={forged}"}
    )
    assert answer.headers["location"] == "/operator/sign_in"


@pytest.mark.parametrize("short", ["", "11character"])
def test_a_short_password_is_refused(fleet, short):
    made = Operator("bob@seller.example", "Bob", OperatorRole.SUPPORT, 0)
    with fleet.engine.begin() as connection, pytest.raises(InvalidInput) as refused:
        operators.create(connection, made, short, by="tests", at=AT)
    assert refused.value.reason == "invalid_password"


async def test_a_customer_is_found_by_any_id(ann, fleet, web):
    acme = await fleet.subscribe("core_10k")
    await signed_in(web, ann.email, PASSWORD)
    ((charge,),) = acme.rows("SELECT charge_id FROM charges WHERE account_id = %s")
    subscription = acme.life.handle.id.removeprefix("subscription:")
    email = f"{acme.name}@example.com"
    for wanted in (acme.name, subscription, charge, acme.invoice_of("paid"), email):
        found = await web.get("/operator/customers", params={"find": wanted})
        assert f"id={acme.name}" in found.text, wanted
    for nothing in ("%", "_", "no such thing", "\x00no such thing", "'; DROP TABLE customers; --"):
        found = await web.get("/operator/customers", params={"find": nothing})
        assert found.status_code == 200
        assert f"id={acme.name}" not in found.text, nothing
