"""Credits held for work in progress: held, then captured, extended or released."""

from collections.abc import Callable
from functools import partial
from typing import Any

from api.v1.call import Call, Reply, reply
from api.v1.endpoint import Endpoint, Example, Link
from api.v1.endpoints import schemas
from api.v1.endpoints.usage import patience_of
from api.v1.problems import Problem
from domain.api_keys import Scope
from domain.errors import InvalidInput
from domain.holds import HELD, HoldOutcome
from domain.messages import fields
from domain.messages.answers import answer_to
from domain.messages.holds import (
    Capture,
    Extend,
    Release,
    parse_capture,
    parse_extend,
    parse_hold,
    parse_release,
)
from domain.outcomes import UNDECIDED, Outcome

Read = Callable[[bytes], Capture | Extend | Release]


async def hold(call: Call) -> Reply:
    """Set credits aside for work in progress."""
    raw = fields.parse_object(call.body)
    customer = fields.taken(raw, "customer_id")
    wanted = parse_hold(fields.written(raw))
    outcome = await call.services.usage.hold(
        customer,
        wanted,
        catalog=call.key.catalog,
        patience=patience_of(call),
        request_id=call.named,
    )
    return _answer(customer, outcome)


async def settle(read: Read, call: Call) -> Reply:
    """Capture, extend or release the hold that the path names."""
    raw = fields.parse_object(call.body)
    customer = fields.taken(raw, "customer_id")
    if "key" in raw:
        raise InvalidInput("unknown_field", "the path names the hold: leave `key` out")
    wanted = read(fields.written({**raw, "key": call.path["key"]}))
    outcome = await call.services.usage.settle(
        customer, wanted, catalog=call.key.catalog, request_id=call.named
    )
    return _answer(customer, outcome)


def _answer(customer: str, outcome: HoldOutcome) -> Reply:
    names: dict[str, Any] = {"customer_id": customer, "key": outcome.key}
    if outcome.status in UNDECIDED:
        return reply({**names, "status": "pending"}, 202, Retry_After="1")
    if outcome.status not in HELD:
        refused = answer_to(outcome)
        facts = {name: refused.get(name) for name in ("missing", "asked")}
        raise Problem(outcome.status, f"{outcome.key!a:.100} is refused", facts={**names, **facts})
    answer = {**names, **answer_to(outcome)}
    if outcome.status == Outcome.REPEATED:
        return reply(answer, Idempotent_Replayed="true")
    return reply(answer)


def _settling(
    name: str, summary: str, read: Read, request: dict[str, Any], *shown: Example
) -> Endpoint:
    return Endpoint(
        "POST",
        f"/holds/{{key:path}}/{name}",
        Scope.USAGE,
        summary=summary,
        handle=partial(settle, read),
        request=request,
        answer=schemas.HOLD_ANSWER,
        reasons=(*schemas.SETTLE_REASONS, *(("invalid_lapse",) if name == "extend" else ())),
        examples=shown,
    )


JOB = {
    **schemas.ACME,
    "key": "render-1",
    "action": "operation",
    "quantity": "100",
    "event_at": schemas.AT,
    "lapses_at": "2027-01-02T00:00:00Z",
}
HELD_NOW = {
    **schemas.ACME,
    "key": "render-1",
    "status": "held",
    "seq": 6,
    "state": "open",
    "held": {"credits": "100"},
    "available": "9870",
    "lapses_at": "2027-01-02T00:00:00+00:00",
}
LATER = "2027-01-03T00:00:00Z"
OF_JOB = {"key": "$request.body#/key"}
WHOSE = {"customer_id": "$request.body#/customer_id"}
QUANTITY = {"quantity": "$request.body#/quantity"}


SETTLED = {name: value for name, value in HELD_NOW.items() if name != "lapses_at"}


def _example(name: str, key: str, body: dict[str, Any], **answer: Any) -> Example:
    told = {**SETTLED, "key": key, **answer}
    return Example(name, {**schemas.ACME, **body}, told, path={"key": key})


HOLDS = (
    Endpoint(
        "POST",
        "/holds",
        Scope.USAGE,
        summary="Set credits aside for work in progress.",
        handle=hold,
        request=schemas.HOLD,
        answer=schemas.HOLD_ANSWER,
        statuses=(200, 202),
        reasons=(*schemas.DEBIT_REASONS, "invalid_lapse"),
        parameters=(schemas.PREFER,),
        examples=(
            Example("A day's work", JOB, HELD_NOW),
            Example("Work that may fail", {**JOB, "key": "render-2"}, {**HELD_NOW, "seq": 7}),
        ),
        links=(
            Link("capture", "post_holds_key_capture", OF_JOB, {**WHOSE, **QUANTITY}),
            Link("extend", "post_holds_key_extend", OF_JOB, {**WHOSE, "lapses_at": LATER}),
            Link("release", "post_holds_key_release", OF_JOB, WHOSE),
        ),
    ),
    _settling(
        "capture",
        "Charge the work's final quantity.",
        parse_capture,
        schemas.CAPTURE,
        _example(
            "Less than was held",
            "render-1",
            {"quantity": "70"},
            status="captured",
            state="captured",
            seq=8,
            available="9800",
            taken={"credits": "70"},
            uncollected={},
        ),
    ),
    _settling(
        "extend",
        "Keep a hold until a later instant.",
        parse_extend,
        schemas.EXTEND,
        _example(
            "One more day",
            "render-2",
            {"lapses_at": LATER},
            status="extended",
            lapses_at="2027-01-03T00:00:00+00:00",
        ),
    ),
    _settling(
        "release",
        "Give a hold's credits back.",
        parse_release,
        schemas.RELEASE,
        _example(
            "Nothing was done",
            "render-2",
            {},
            status="released",
            state="released",
            held={"credits": "100"},
        ),
    ),
)
