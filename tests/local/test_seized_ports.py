"""A free port that another process takes before our server does: the server starts on another."""

import shutil
import socket
import tempfile
from pathlib import Path

import pytest

from local import postgres, temporal
from local.mail_catcher import process as mail_catcher
from local.mail_catcher.process import MailCatcher
from local.postgres import Postgres
from local.processes import StackError, free_port, on_free_ports
from local.stripe_standin import process as standin
from local.stripe_standin.process import StandIn
from local.temporal import TemporalServer

LOOPBACK = "127.0.0.1"


@pytest.fixture
def seized():
    """A port that is taken, though nobody who asks is told so."""
    with socket.socket() as taker:
        taker.bind((LOOPBACK, 0))
        yield taker.getsockname()[1]


@pytest.fixture
def folder(servers_folder: Path):
    path = Path(tempfile.mkdtemp(dir=servers_folder))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.mark.parametrize(
    ("server", "where", "nth"),
    [
        (Postgres, postgres, 1),
        (TemporalServer, temporal, 1),
        (TemporalServer, temporal, 2),
        (StandIn, standin, 1),
        (MailCatcher, mail_catcher, 1),
        (MailCatcher, mail_catcher, 2),
    ],
)
def test_a_server_whose_port_is_seized_starts_on_another(
    server, where, nth, seized, folder, monkeypatch
):
    left = seize(monkeypatch, where, nth, seized)
    running = server.start(folder)
    try:
        assert left == []  # it tried the taken one
        with socket.socket() as visitor:
            assert visitor.connect_ex((LOOPBACK, seized)) != 0
    finally:
        running.stop()


def seize(monkeypatch, where, nth, port):
    """Let the nth port that is given out be one that has just been taken; return what is left."""
    left = [*(free_port() for _ in range(nth - 1)), port]
    monkeypatch.setattr(where, "free_port", lambda: left.pop(0) if left else free_port())
    return left


def test_a_port_that_is_always_seized_is_given_up(seized, tmp_path, monkeypatch):
    monkeypatch.setattr(standin, "free_port", lambda: seized)
    with pytest.raises(StackError) as raised:
        StandIn.start(tmp_path)
    assert raised.value.reason == "port_taken"


def test_what_fails_for_another_reason_is_not_begun_again():
    begun = []

    def start():
        begun.append(1)
        raise StackError("not_ready", "it hangs")

    with pytest.raises(StackError):
        on_free_ports(start)
    assert len(begun) == 1
