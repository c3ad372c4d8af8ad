"""uvicorn's log of requests tells which page was asked for, but not with which token."""

import json
import logging
from pathlib import Path

import pytest
from fastapi import Request

from api import access_log, errors
from api.access_log import without_tokens
from tests.api.arrangements import NOWHERE, api
from tests.screenless import screenless

TOKEN = "382c77a7921629ee7674df81f25c3295"


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (f"/account/sub-1/{TOKEN}", "/account/sub-1/…"),
        (f"/billing/a%2Fb/c/{TOKEN}?x=1", "/billing/a%2Fb/c/…?x=1"),
        (
            f"/approvals?subscription=s&token={TOKEN}&key=k",
            "/approvals?subscription=s&token=…&key=k",
        ),
        (f"/approvals?token={TOKEN}", "/approvals?token=…"),
        ("/billing/back", "/billing/back"),
        ("/v1/customers/acme/balance?limit=3", "/v1/customers/acme/balance?limit=3"),
    ],
)
def test_a_token_is_not_told_and_all_else_is(path, told):
    assert without_tokens(path) == told


def test_what_uvicorn_logs_is_told_without_it(caplog):
    access_log.install()
    access_log.install()
    log = logging.getLogger(access_log.LOGGER)
    assert len([one for one in log.filters if isinstance(one, access_log.WithoutTokens)]) == 1
    with caplog.at_level(logging.INFO, logger=access_log.LOGGER):
        path = f"/account/sub-1/{TOKEN}"
        log.info('%s - "%s %s HTTP/%s" %d', "127.0.0.1:9", "GET", path, "1.1", 200)

    told = [record.getMessage() for record in caplog.records if record.name == log.name]
    assert told == ['127.0.0.1:9 - "GET /account/sub-1/… HTTP/1.1" 200']


async def test_a_client_that_hangs_up_leaves_no_token(caplog):
    path = f"/account/sub-1/{TOKEN}"
    request = Request({"type": "http", "method": "POST", "path": path, "headers": []})
    with caplog.at_level(logging.INFO):
        await errors._gone(request, RuntimeError())

    told = [record.getMessage() for record in caplog.records if record.name == errors.log.name]
    assert told == ["a client hung up on POST /account/sub-1/…"]


async def test_the_answer_and_the_log_carry_the_request_id_of_the_caller(
    variables: dict[str, str], tmp_path: Path, api_key: str
):
    away = {"DATABASE_URL": f"postgresql://nobody@{NOWHERE}/nothing", "LOG_FORMAT": "json"}
    with api(variables | away, tmp_path) as url:
        async with screenless(base_url=url) as http:
            headers = {"Authorization": f"Bearer {api_key}", "X-Request-Id": "order-17"}
            answer = await http.get("/v1/customers/acme/balance", headers=headers)
    assert (answer.status_code, answer.headers["x-request-id"]) == (503, "order-17")

    log = "".join(one.read_text() for one in find(tmp_path))
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    named = [one for one in lines if one.get("request") == "order-17"]
    (warning,) = [one for one in named if one["level"] == "warning"]
    assert "database_unavailable" in warning["message"]
    assert {one["logger"] for one in lines} >= {"api.v1.serving", "uvicorn.error"}
    assert api_key not in log


def find(folder: Path) -> list[Path]:
    return list(folder.glob("api-*.log"))
