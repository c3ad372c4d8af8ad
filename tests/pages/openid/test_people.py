"""Signing in by an identity provider: who it names gets in, with that address and role."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from api.pages.operator import openid, sessions
from domain.access.identities import Identity, SignInRefused
from domain.access.operators import Operator, OperatorRole
from domain.access.sealed import Seal, seal, unseal
from ledger.access import operators
from models.tables import OperatorRow
from tests.api.arrangements import api
from tests.deployment import LINK_SECRET
from tests.pages.openid.signing_in import CALLBACK, SIGN_IN, another, is_in, nobody_is_in, signed_in
from tests.pages.operators import PASSWORD, an_operator
from tests.screenless import screenless


async def test_who_the_provider_names_acts_under_that_address_and_role(fleet, web, ann):
    answer = await signed_in(web)
    assert answer.status_code == 200
    assert 'content="0;url=/operator/customers"' in answer.text
    assert await is_in(web)
    shown = await web.get("/operator/customers")
    assert "Ann<br><small>support" in shown.text
    assert openid.COOKIE.name not in web.cookies
    with fleet.engine.connect() as connection:
        listed = {one.operator.email: one for one in operators.listed(connection)}
    found = listed[ann["email"].lower()]
    assert (found.operator.role, found.is_of_provider) == (OperatorRole.SUPPORT, True)
    assert (await web.get("/operator/sign_out")).headers["location"] == SIGN_IN
    assert not await is_in(web)


async def test_a_password_signs_nobody_in_where_a_provider_does(fleet, web):
    account = an_operator(fleet, OperatorRole.ADMIN)
    shown = await web.get(SIGN_IN)
    assert f'href="{SIGN_IN}/begin"' in shown.text
    assert 'type="password"' not in shown.text
    token = seal((LINK_SECRET,), Seal.FORM, "sign-in")
    fields = {"csrf": token, "email": account.email, "password": PASSWORD}
    assert (await web.post(SIGN_IN, data=fields)).status_code == 404
    at = datetime.now(UTC).isoformat()
    # As it was written before there was a provider.
    facts = {"id": "x", "email": account.email, "epoch": account.epoch, "begun": at, "used": at}
    kept = json.dumps(facts)
    web.cookies.set(sessions.COOKIE.name, seal((LINK_SECRET,), Seal.OPERATOR, kept))
    assert not await is_in(web)


async def test_passwords_break_the_glass_where_a_setting_says_so(
    fleet, ann, door_variables, settings_of, servers_folder
):
    account = an_operator(fleet, OperatorRole.ADMIN)
    variables = door_variables | settings_of | {"OIDC_BREAK_GLASS": "on"}
    with api(variables, servers_folder) as url:
        async with screenless(base_url=url) as web:
            shown = await web.get(SIGN_IN)
            (token,) = re.findall(r'name="csrf" value="([^"]+)"', shown.text)
            fields = {"csrf": token, "email": account.email, "password": PASSWORD}
            assert (await web.post(SIGN_IN, data=fields)).status_code == 303
            assert await is_in(web)


async def test_nobody_is_led_to_another_site(openid_url, provider, web, ann):
    evil = "https://evil.example"
    spoofed = {"host": "evil.example", "x-forwarded-host": "evil.example"}
    more = {"next": evil, "return_to": evil, "redirect_uri": evil, "to": evil}
    shown = await web.get(SIGN_IN, params=more)
    assert evil not in shown.text
    begun_at = await web.get(f"{SIGN_IN}/begin", params=more, headers=spoofed)
    where = begun_at.headers["location"]
    assert where.startswith(f"{provider.issuer}/authorize?")
    assert parse_qs(urlsplit(where).query)["redirect_uri"] == [f"{openid_url}{CALLBACK}"]
    async with screenless() as elsewhere:
        back = (await elsewhere.get(where)).headers["location"]
    answer = await web.get(f"{back}&next={evil}&return_to={evil}")
    assert answer.status_code == 200
    assert "evil.example" not in answer.text


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"groups": ["staff"]}, "You have no role here"),
        ({"groups": None}, "You have no role here"),
        ({"groups": "helper"}, "You have no role here"),
        ({"email": None}, "does not tell your address"),
        ({"email": "no address"}, "does not tell your address"),
        ({"email_verified": False}, "does not tell your address"),
        ({"email_verified": "true"}, "does not tell your address"),
    ],
)
async def test_who_has_no_role_or_no_address_reads_what_to_do(provider, web, ann, change, told):
    provider.person = ann | change
    await nobody_is_in(web, await signed_in(web), told)


async def test_a_role_follows_the_provider_and_one_that_is_taken_ends_sessions(
    provider, web, ann, openid_url
):
    provider.person = ann | {"groups": ["helpers", "books, eu"]}
    await signed_in(web)
    assert "<small>finance" in (await web.get("/operator/customers")).text
    async with screenless(base_url=openid_url) as phone:
        provider.person = ann | {"groups": "root"}
        await signed_in(phone)
        assert "<small>admin" in (await web.get("/operator/customers")).text
        phone.cookies.clear()
        provider.person = ann | {"groups": []}
        await nobody_is_in(phone, await signed_in(phone), "You have no role here")
    assert not await is_in(web)


async def test_a_person_keeps_the_first_address_and_nobody_takes_anothers(provider, web, ann):
    await signed_in(web)
    first = ann["email"].lower()
    web.cookies.clear()
    # Under a second address somebody could confirm what the same person proposed.
    provider.person = ann | {"email": f"second-{ann['email']}", "name": "Ann Other"}
    await signed_in(web)
    shown = await web.get("/operator/customers")
    assert "Ann Other" in shown.text
    kept = unseal((LINK_SECRET,), Seal.OPERATOR, web.cookies[sessions.COOKIE.name])
    assert json.loads(kept)["email"] == first
    web.cookies.clear()
    provider.person = ann | {"sub": "somebody else"}
    await nobody_is_in(web, await signed_in(web), "belongs to somebody else")


async def test_who_was_disabled_stays_out_until_released(fleet, provider, web, ann):
    await signed_in(web)
    email = ann["email"].lower()
    with fleet.engine.begin() as connection:
        operators.disable(connection, email, datetime.now(UTC))
    assert not await is_in(web)
    web.cookies.clear()
    await nobody_is_in(web, await signed_in(web), "may not sign in here any more")
    with fleet.engine.begin() as connection:
        operators.release(connection, email)
    provider.person = ann | {"sub": "the same person at another employer"}
    assert (await signed_in(web)).status_code == 200


def test_an_account_that_was_made_by_hand_is_taken_up_once(fleet):
    made = an_operator(fleet, OperatorRole.FINANCE)
    person = Identity("https://issuer.example", made.email, made.email, "Olga B.")
    at = datetime.now(UTC)
    with fleet.engine.begin() as connection:
        taken = operators.enter(connection, person, OperatorRole.SUPPORT, at)
        assert taken == Operator(made.email, "Olga B.", OperatorRole.SUPPORT, made.epoch)
        with pytest.raises(SignInRefused, match="another"):
            operators.enter(connection, replace(person, subject="b"), OperatorRole.ADMIN, at)
        other = replace(person, issuer="https://other.example")
        with pytest.raises(SignInRefused, match="another"):
            operators.enter(connection, other, OperatorRole.ADMIN, at)


def test_the_table_itself_keeps_each_person_one_address(fleet):
    def row(issuer):
        number = another()
        return insert(OperatorRow).values(
            email=f"row-{number}@seller.example",
            name="Row",
            role="support",
            issuer=issuer,
            subject="one",
            created_by="tests",
            created_at=datetime.now(UTC),
        )

    with fleet.engine.connect() as connection:
        with pytest.raises(IntegrityError, match="operators_identity"):
            connection.execute(row(None))
        connection.rollback()
        connection.execute(row("https://twice.example"))
        with pytest.raises(IntegrityError, match="operators_subject"):
            connection.execute(row("https://twice.example"))
        connection.rollback()
