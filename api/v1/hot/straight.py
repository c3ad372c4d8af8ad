"""Usual usage and checks answered from the connection itself, without a task for each request.

What is asked is read, priced and given to the group commit as its last byte arrives, and whoever is
told the outcome writes the answer. That is for requests of which nothing is unusual: a known key
and customer, one event, no trace. All others, and all usage that is no success, go the ordinary
way through `serving.py`, which is told what has been done already (`Taken`). Both ways read, price
and answer by the same functions; a test compares them.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from activities.direct.usage import CustomersEvent
from api.keyring import KeyRing
from api.services import Services
from api.v1.call import JSON, Reply, reply
from api.v1.endpoints.checks import answered
from api.v1.endpoints.usage import BINARY_MODE, answer_alone
from api.v1.hot import reading
from api.v1.hot.taken import TAKEN, Taken
from api.v1.request_ids import HEADER, request_id_of
from domain.api_keys import ApiKey, Scope
from domain.usage import DECIDED, DebitOutcome
from gateways.telemetry import tracing
from ledger.direct.plans import STALE
from ledger.usage.debits import Demand
from ledger.usage.queues import Answer, LedgerBusyError

log = logging.getLogger(__name__)

LARGEST = 16_384  # bytes of a usual body
BEARER = b"Bearer "
GoOn = Callable[[], None]
_JSON, _ID, _BINARY = JSON.encode(), HEADER.encode(), BINARY_MODE.encode()


@dataclass(frozen=True, slots=True)
class _Kind:
    """A path: how its body is read, who is asked, and the reply (None: the ordinary way)."""

    endpoint: str
    read: Callable[[bytes], CustomersEvent | None]
    ask: Callable[[Demand, Answer], None]
    reply: Callable[[str, DebitOutcome], Reply | None]
    notes: bool  # whether the ledger notes by what name a request was sent


class Straight:
    """Takes requests for one process."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._heads = _Heads()
        usage = services.usage
        self._kinds = {
            "/v1/usage": _Kind("/usage", reading.one_event, usage.debit, _of_usage, notes=True),
            "/v1/check": _Kind("/check", _question, usage.ask, _of_check, notes=False),
        }

    def wants(self, cycle: RequestResponseCycle) -> bool:
        """Return whether a request is of a kind that is taken, and its body comes unasked."""
        scope = cycle.scope
        usual = scope["path"] in self._kinds and scope["method"] == "POST"
        return usual and not cycle.waiting_for_100_continue

    def takes(self, cycle: RequestResponseCycle, go_on: GoOn) -> bool:
        """Take a wanted request whose body is there; False: it must go the ordinary way.

        `go_on` starts it on that way where it turns out only later that it must go there.
        """
        try:
            return self._takes(cycle, go_on)
        except Exception:
            log.exception("a request could not be taken straight")
            return False

    def _takes(self, cycle: RequestResponseCycle, go_on: GoOn) -> bool:
        kind = self._kinds[cycle.scope["path"]]
        headers = dict(cycle.scope["headers"])
        if not _is_usual(cycle, headers):
            return False
        services, body = self._services, bytes(cycle.body)
        key = _known_key(services.keys, headers.get(b"authorization", b""))
        asked = kind.read(body) if key else None
        if key is None or asked is None:
            return False
        request_id, named = _request_id(headers)
        demand = services.usage.demand(asked, key.catalog, named if kind.notes else None)
        if demand is None or not services.limits.requests.take():
            return False
        allowed, rate = services.limits.rates.count(key.key_id)
        if not allowed:  # and not counted
            services.limits.requests.free()
            return False
        caller = _Caller(self, kind, cycle, go_on)
        caller.customer_id, caller.request_id = asked.customer_id, request_id
        caller.taken = Taken(rate, body)
        try:
            kind.ask(demand, caller)
        except LedgerBusyError as error:
            caller.set_exception(error)
        return True

    def leave(self) -> None:
        """Let go of a request: it is answered, or goes the ordinary way."""
        self._services.limits.requests.free()

    def answer(self, caller: "_Caller", made: Reply) -> None:
        """Write a successful answer, as uvicorn's cycle does; a later failure is not the caller's.

        `answer` is called once for each caller.
        """
        cycle = caller.cycle
        metrics = self._services.metrics
        if metrics is not None:
            seconds = perf_counter() - caller.began
            metrics.answered(caller.kind.endpoint, "POST", made.status, seconds)
        if cycle.disconnected:
            return
        headers = {HEADER: caller.request_id, **made.headers, **caller.taken.rate}
        parts = [self._heads.of(made.status, cycle.default_headers)]
        parts += [
            f"{name.lower()}: {value}\r\n".encode("latin-1") for name, value in headers.items()
        ]
        parts.append(b"content-length: %d\r\n" % len(made.body))
        parts.append(b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n")
        parts.append(made.body)
        cycle.transport.write(b"".join(parts))
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()
        cycle.on_response = _nothing


class _Caller:
    """Who waits for the ledger: told its outcome, it answers or goes on."""

    __slots__ = (
        *("_done", "_go_on", "_straight", "began", "customer_id"),
        *("cycle", "kind", "request_id", "taken"),
    )
    customer_id: str
    request_id: str
    taken: Taken

    def __init__(
        self,
        straight: Straight,
        kind: _Kind,
        cycle: RequestResponseCycle,
        go_on: GoOn,
    ) -> None:
        self._straight, self._go_on, self._done = straight, go_on, False
        self.kind, self.cycle, self.began = kind, cycle, perf_counter()

    def done(self) -> bool:
        return self._done

    def set_result(self, result: DebitOutcome) -> None:
        """Answer; whatever happens, those who were decided together must be answered too."""
        self._done = True
        self._straight.leave()
        try:
            made = self.kind.reply(self.customer_id, result)
        except Exception as error:  # noqa: BLE001 - it becomes an answer on the ordinary way
            self.go_on(error=error)
            return
        if made is None:
            self.go_on(outcome=None if result.status == STALE else result)
            return
        try:
            self._straight.answer(self, made)
        except Exception:
            log.exception("request %s: its answer was not written", self.request_id)

    def set_exception(self, exception: Exception) -> None:
        self._done = True
        self._straight.leave()
        self.go_on(error=exception)

    def go_on(self, *, outcome: DebitOutcome | None = None, error: Exception | None = None) -> None:
        """Go the ordinary way from here."""
        taken = Taken(self.taken.rate, self.taken.body, outcome, error)
        self.cycle.scope["state"][TAKEN] = taken
        self._go_on()


class _Heads:
    """The beginning of each answer: made anew when the server's own headers are, once a second."""

    def __init__(self) -> None:
        self._of: object = None
        self._made: dict[int, bytes] = {}

    def of(self, status: int, default: list[tuple[bytes, bytes]]) -> bytes:
        """Return status line and headers that answers share."""
        if default is not self._of:
            self._of, self._made = default, {}
        made = self._made.get(status)
        if made is None:
            ours = [(b"content-type", _JSON), (b"cache-control", b"no-store")]
            lines = [b"%s: %s\r\n" % header for header in [*default, *ours]]
            made = self._made[status] = b"".join([STATUS_LINE[status], *lines])
        return made


def _is_usual(cycle: RequestResponseCycle, headers: Mapping[bytes, bytes]) -> bool:
    """Return whether a request is one that the ordinary way does nothing more for."""
    return (
        headers.get(b"content-type") == _JSON
        and _BINARY not in headers
        and not cycle.scope["query_string"]
        and len(cycle.body) <= LARGEST
        and not cycle.flow.write_paused  # who does not read waits for room there
        and not tracing.is_on()
    )


def _known_key(keys: KeyRing, sent: bytes) -> ApiKey | None:
    """Return the key of the usual header if it is remembered and may be used for this."""
    if not sent.startswith(BEARER):
        return None
    key = keys.remembered(sent[len(BEARER) :].decode("latin-1"))
    return key if key is not None and key.allows(Scope.USAGE) else None


def _request_id(headers: Mapping[bytes, bytes]) -> tuple[str, str | None]:
    """Return a request's id, and again if its sender gave it."""
    sent = headers.get(_ID)
    if sent is None:
        return request_id_of({}), None
    text = sent.decode("latin-1")
    request_id = request_id_of({HEADER: text})
    return request_id, text if text == request_id else None


def _question(body: bytes) -> CustomersEvent | None:
    return reading.question(body, datetime.now(UTC))


def _of_usage(customer_id: str, outcome: DebitOutcome) -> Reply | None:
    return answer_alone(customer_id, outcome) if outcome.status in DECIDED else None


def _of_check(customer_id: str, outcome: DebitOutcome) -> Reply | None:
    return None if outcome.status == STALE else reply(answered(customer_id, outcome))


def _nothing() -> None:
    """Let the connection's protocol be forgotten with it."""
