"""Whatever does not answer, who opens a page reads a page: what to do, and nothing about us."""

from datetime import UTC, datetime

import httpx
import pytest

from domain.access.badges import Badge, badge_token
from domain.access.invitations import Inviter, invitation_token
from domain.access.prompts import Prompt, sealed_prompt
from domain.mails.links import account_link, approval_link, invoices_link
from tests.api.arrangements import NOWHERE, api
from tests.deployment import LINK_SECRET
from tests.doors import PRODUCT
from tests.pages.forms import forms_of
from tests.screenless import screenless

SECRETS = (LINK_SECRET,)
SIGN_IN = "/operator/sign_in"
PROMPT = Prompt(
    account_id=1,
    customer_id="acme",
    action="lookup",
    quantity_micro=1,
    tags=(),
    window_start=datetime(2027, 1, 1, tzinfo=UTC),
    expires_at=datetime(9999, 1, 1, tzinfo=UTC),
)


def is_told(answer):
    assert answer.status_code == 503
    assert answer.headers["content-type"].startswith("text/html")
    assert int(answer.headers["retry-after"]) > 0
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "in a minute" in answer.text
    assert "127.0.0.1" not in answer.text


@pytest.fixture(scope="module")
def without_ledger(door_variables, servers_folder):
    """A door whose database is away."""
    away = {"DATABASE_URL": f"postgresql://nobody@{NOWHERE}/nothing"}
    with api(door_variables | away, servers_folder) as url:
        yield url


async def test_pages_outside_the_consoles_say_that_the_ledger_is_away(without_ledger):
    badge = badge_token(SECRETS, Badge(1, "", "", datetime.now(UTC)))
    embedded = {f"/prompts/{sealed_prompt(SECRETS, PROMPT)}", f"/embed/{badge}"}
    async with screenless(base_url=without_ledger) as web:
        for path in (
            *("/console/open/a-token", *sorted(embedded)),
            f"/invite/{invitation_token(SECRETS, Inviter(1, 'acme', 'referral'))}",
            account_link("", SECRETS, "sub", datetime.now(UTC)),
            invoices_link("", SECRETS, "sub", datetime.now(UTC)),
            approval_link("", SECRETS, "sub", "key", "ada"),
        ):
            answer = await web.get(path)
            is_told(answer)
            ancestors = PRODUCT if path in embedded else "'none'"
            assert f"frame-ancestors {ancestors}" in answer.headers["content-security-policy"], path
        (fields,) = forms_of(await web.get(SIGN_IN), SIGN_IN)
        is_told(await web.post(SIGN_IN, data={**fields, "email": "a@b.example", "password": "x"}))
        assert (await web.get(f"/embed/{badge}/live")).status_code == 503


async def test_a_decision_is_not_lost_silently_while_temporal_is_away(
    door_variables, servers_folder
):
    sent = dict(
        httpx.QueryParams(approval_link("", SECRETS, "sub", "key", "ada").partition("?")[2])
    )
    with api(door_variables | {"TEMPORAL_ADDRESS": NOWHERE}, servers_folder) as url:
        async with screenless(base_url=url) as web:
            is_told(await web.post("/approvals", data={**sent, "decision": "approve"}))


async def test_an_address_without_its_parts_is_a_page_too(web):
    answer = await web.get("/approvals", params={"subscription": "sub"})
    assert answer.status_code in (400, 404, 422)
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/console/no/such/page", {}),
        ("GET", "/operator/no_such_page", {}),
        ("POST", "/operator/customers", {}),
        ("GET", "/operator/charge/refund", {}),  # where only a form is sent to
        ("GET", "/links/fresh", {"Accept": "text/html,*/*;q=0.8"}),
        ("GET", "/acount/sub/token", {"Accept": "text/html,*/*;q=0.8"}),
    ],
)
async def test_people_read_a_page_where_there_is_none(web, method, path, headers):
    answer = await web.request(method, path, headers=headers)
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "There is no such page" in answer.text
    assert "OpenAPI" not in answer.text
