"""One request of a webhook: to public addresses alone, once, within its time."""

import socket
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest

from gateways.webhooks.addresses import is_public
from gateways.webhooks.sending import Sender
from tests.receiver import receiving

NOW = datetime(2027, 1, 1, tzinfo=UTC)
BODY = b'{"a":1}'


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.8.8.8", "169.254.169.254"),
        *("172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.0.170", "192.0.2.1", "192.88.99.1"),
        *("192.168.1.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.1.1.1"),
        *("240.0.0.1", "255.255.255.255"),
        *("::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1"),
        *("64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1", "2001:db8::1"),
        *("2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001::1", "100::1", "fc00::1", "fd12::1"),
        *("fe80::1", "fe80::1%lo", "fec0::1", "ff02::1", "3fff::1", "5f00::1", "localhost", ""),
    ],
)
def test_an_address_inside_is_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("93.184.216.34", "1.1.1.1", "172.32.0.1", "2606:4700:4700::1111"),
        *("::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::1"),
    ],
)
def test_an_address_of_everybody_is_public(address):
    assert is_public(address)


def resolving(*addresses):
    """Return a resolver of one answer, and what it was asked."""
    asked = []

    def resolve(host, port, **_):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in addresses]

    return resolve, asked


def send(url, *, body=BODY, **sender):
    return Sender(**sender).send(url, {"webhook-id": "evt_1_1"}, body, NOW)


@pytest.mark.parametrize(
    "url",
    [
        "https://localhost:8443/",
        "https://127.0.0.1:8443/",
        "https://[::1]:8443/",
        "https://[::ffff:127.0.0.1]:8443/",
        "https://[64:ff9b::7f00:1]:8443/",
        "https://2130706433:8443/",
        "https://0x7f.1:8443/",
    ],
)
def test_nothing_inside_is_asked(url):
    answer = send(url)
    assert (answer.status, answer.failure) == (None, "address_not_allowed")


def test_a_name_whose_address_is_inside_is_not_asked():
    with receiving() as inside:
        port = int(inside.url.split(":")[2].split("/")[0])
        resolve, _ = resolving("127.0.0.1")

        def here(host, _, **named):
            return resolve(host, port, **named)

        answer = send("https://hooks.example.com/", resolve=here)

    assert (answer.failure, inside.received) == ("address_not_allowed", [])


def test_one_address_inside_refuses_all_of_a_name():
    resolve, _ = resolving("93.184.216.34", "10.0.0.1")
    assert send("https://hooks.example.com/", resolve=resolve).failure == "address_not_allowed"


def test_the_address_that_was_checked_is_the_one_connected_to():
    with receiving(204) as receiver:
        resolve, asked = resolving("127.0.0.1")
        url = receiver.url.replace("127.0.0.1", "hooks.example.com")
        answer = send(url, anywhere=True, resolve=resolve)

    assert (answer.status, answer.is_accepted) == (204, True)
    assert asked == ["hooks.example.com"]
    (came,) = receiver.received
    assert came.path == "/hooks?token=hidden"
    assert came.headers["host"].startswith("hooks.example.com:")
    assert came.body == BODY


def test_a_redirect_is_a_failure_and_not_followed():
    with receiving() as inside, receiving(302, location=inside.url) as receiver:
        answer = send(receiver.url, anywhere=True)

    assert (answer.status, answer.is_accepted, answer.failure) == (302, False, "status")
    assert inside.received == []


@pytest.mark.parametrize("status", [400, 404, 410, 429, 500, 503])
def test_what_is_not_2xx_is_a_failure(status):
    with receiving(status) as receiver:
        answer = send(receiver.url, anywhere=True)
    assert (answer.status, answer.is_accepted, answer.is_gone) == (status, False, status == 410)


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("120", timedelta(minutes=2)),
        ("Fri, 01 Jan 2027 01:00:00 GMT", timedelta(hours=1)),
        ("Thu, 31 Dec 2026 23:00:00 GMT", None),
        ("soon", None),
        ("99999999999999999999", None),
    ],
)
def test_a_retry_after_is_read_in_both_forms(text, rest):
    with receiving(503, Retry_After=text) as receiver:
        assert send(receiver.url, anywhere=True).retry_after == rest


@contextmanager
def a_server(act):
    """Accept one connection and do with it what a test says."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept():
            connection, _ = listening.accept()
            with connection:
                act(connection)

        thread = Thread(target=accept)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        thread.join()


def endless(connection):
    """Answer without end, so that no single read takes long."""
    with suppress(OSError):
        while True:
            connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")


def silent(connection):
    while connection.recv(4_096):
        pass


@pytest.mark.parametrize("act", [endless, silent])
def test_an_answer_that_takes_too_long_is_none(act):
    with a_server(act) as url:
        began = time.monotonic()
        answer = send(url, anywhere=True, seconds=0.5)

    assert (answer.status, answer.failure) == (None, "timeout")
    assert time.monotonic() - began >= 0.5


@pytest.mark.parametrize(
    ("says", "failure"),
    [(b"", "no_answer"), (b"hello\r\n\r\n", "no_answer"), (b"x" * 99_999, None)],
)
def test_what_is_no_answer_is_none(says, failure):
    def act(connection):
        connection.recv(65_536)
        with suppress(OSError):
            connection.sendall(says)

    with a_server(act) as url:
        answer = send(url, anywhere=True)
    assert answer.status is None
    assert answer.failure == (failure or "no_answer")


def test_an_informational_answer_is_not_the_answer():
    def act(connection):
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")

    with a_server(act) as url:
        assert send(url, anywhere=True).status == 200


def test_tls_is_spoken_where_the_address_says_so():
    def act(connection):
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

    with a_server(act) as url:
        assert send(url.replace("http:", "https:"), anywhere=True).failure == "tls_failed"


def test_what_nobody_listens_on_or_knows_is_named():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    assert send(f"http://127.0.0.1:{port}/", anywhere=True).failure == "not_reachable"

    def nobody(*_, **__):
        raise socket.gaierror

    failure = send("https://hooks.example.com/", resolve=nobody).failure
    assert failure == "name_not_found"
    assert send("http://hooks.example.com/").failure == "address_not_allowed"
