"""A free port that another process takes before the API does: it starts on another."""

import socket

import httpx

from local.processes import free_port
from tests.api import arrangements


def test_the_api_starts_on_another(variables, servers_folder, monkeypatch):
    with socket.socket() as taker:
        taker.bind(("127.0.0.1", 0))
        seized = taker.getsockname()[1]
        given = iter([seized])
        monkeypatch.setattr(arrangements, "free_port", lambda: next(given, None) or free_port())
        with arrangements.api(variables, servers_folder) as url:
            assert httpx.get(f"{url}/health", timeout=None).is_success
