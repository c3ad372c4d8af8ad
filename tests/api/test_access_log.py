"""uvicorn's log of requests tells which page was asked for, but not with which token."""

import logging

import pytest

from api import access_log
from api.access_log import without_tokens

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

    assert caplog.messages == ['127.0.0.1:9 - "GET /account/sub-1/… HTTP/1.1" 200']
