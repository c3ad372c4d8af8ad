"""One request of a webhook: the address is checked, and the one checked is connected to.

No redirect is followed, no proxy asked, no answer read beyond its head. Nothing here is logged.
"""

import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import h11

from domain.errors import InvalidInput
from domain.webhooks.targets import Target, parsed_url
from gateways.webhooks.addresses import is_public

SECONDS = 20.0  # for all of it: name, connection, request, head of the answer
AT_ONCE = 4_096  # bytes
GONE = 410
Resolve = Callable[..., Sequence[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request. `status` None: there was no answer, `failure` says why.

    `failure` is one of our words, never the other side's: it must not tell what is inside.
    """

    status: int | None
    failure: str | None = None
    retry_after: timedelta | None = None

    @property
    def is_accepted(self) -> bool:
        """Whether the receiver took the event: 2xx alone; a redirect is none."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 - of HTTP

    @property
    def is_gone(self) -> bool:
        """Whether the receiver asks never to be called again."""
        return self.status == GONE


class NotSentError(Exception):
    """No answer came; the text is the word for it."""


class Sender:
    """Sends to public addresses, or with `anywhere` to any, for local use."""

    def __init__(
        self,
        *,
        anywhere: bool = False,
        seconds: float = SECONDS,
        resolve: Resolve = socket.getaddrinfo,
    ) -> None:
        self._anywhere = anywhere
        self._seconds = seconds
        self._resolve = resolve
        self._tls = ssl.create_default_context()

    def send(self, url: str, headers: Mapping[str, str], body: bytes, at: datetime) -> Answer:
        """Post a body; `at` is now, to read a Retry-After by. Never raises."""
        deadline = time.monotonic() + self._seconds
        try:
            target = parsed_url(url, anywhere=self._anywhere)
            with self._connect(target, deadline) as connection:
                response = _exchange(connection, target, headers, body, deadline=deadline)
        except InvalidInput:
            return Answer(None, "address_not_allowed")
        except NotSentError as error:
            return Answer(None, str(error))
        except TimeoutError:
            return Answer(None, "timeout")
        except ssl.SSLError:
            return Answer(None, "tls_failed")
        except (OSError, h11.ProtocolError):
            return Answer(None, "no_answer")
        return _read(response, at)

    def _connect(self, target: Target, deadline: float) -> socket.socket:
        for address in self._addresses(target):
            try:
                made = socket.create_connection((address, target.port), _left(deadline))
            except OSError:  # the next address may answer
                continue
            return self._secured(made, target, deadline) if target.is_secure else made
        _left(deadline)
        raise NotSentError("not_reachable")

    def _addresses(self, target: Target) -> list[str]:
        """Return the addresses of a host, all of them allowed: one that is not refuses all."""
        try:
            found = self._resolve(target.host, target.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise NotSentError("name_not_found") from None
        addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
        if not self._anywhere and not all(is_public(one) for one in addresses):
            raise NotSentError("address_not_allowed")
        return addresses

    def _secured(self, made: socket.socket, target: Target, deadline: float) -> socket.socket:
        try:
            made.settimeout(_left(deadline))
            return self._tls.wrap_socket(made, server_hostname=target.host)
        except BaseException:
            made.close()
            raise


def _exchange(
    connection: socket.socket,
    target: Target,
    headers: Mapping[str, str],
    body: bytes,
    *,
    deadline: float,
) -> h11.Response:
    talk = h11.Connection(h11.CLIENT)
    fixed = {
        "host": target.named,
        "user-agent": "Drawdown",
        "accept": "*/*",
        "content-length": str(len(body)),
        "connection": "close",
    }
    request = h11.Request(
        method="POST", target=target.path, headers=list((fixed | dict(headers)).items())
    )
    parts = (request, h11.Data(data=body), h11.EndOfMessage())
    connection.settimeout(_left(deadline))
    connection.sendall(b"".join(talk.send(part) or b"" for part in parts))
    while True:
        event = talk.next_event()
        if isinstance(event, h11.Response):
            return event
        if event is h11.NEED_DATA:
            connection.settimeout(_left(deadline))
            talk.receive_data(connection.recv(AT_ONCE))


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _read(response: h11.Response, at: datetime) -> Answer:
    asked = next((value for name, value in response.headers if name == b"retry-after"), b"")
    status = int(response.status_code)
    answer = Answer(status, None, _rest(asked.decode("ascii", "replace").strip(), at))
    return answer if answer.is_accepted else Answer(status, "status", answer.retry_after)


def _rest(text: str, at: datetime) -> timedelta | None:
    """Return what a Retry-After asks for: seconds or a date; what cannot be read asks nothing."""
    if text.isdecimal() and len(text) < 10:  # noqa: PLR2004 - thirty years are enough
        return timedelta(seconds=int(text))
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    rest = (until if until.tzinfo else until.replace(tzinfo=UTC)) - at
    return rest if rest > timedelta(0) else None
