"""Usage and checks: the hot path, through the group commit."""

from collections.abc import Callable, Sequence
from typing import Any

from activities.direct.usage import CustomersEvent
from api import cloud_events
from api.v1.call import Call, Reply, reply
from api.v1.endpoint import JSON, Endpoint, Example
from api.v1.endpoints import schemas
from api.v1.hot import reading
from api.v1.preferences import wait_of
from api.v1.problems import Problem
from domain.api_keys import Scope
from domain.errors import InvalidInput
from domain.messages import fields
from domain.messages.answers import Answer, answer_to, customers_answer
from domain.messages.usage import MAX_EVENTS, usage_event
from domain.outcomes import UNDECIDED, Outcome
from domain.usage import DECIDED, DebitOutcome

PATIENCE = 5.0  # seconds that callers of a shortfall are parked, unless they prefer another time
CLOUD = "application/cloudevents"
CLOUD_ONE, CLOUD_BATCH = f"{CLOUD}+json", f"{CLOUD}-batch+json"
BINARY_MODE = "ce-specversion"
Meant = Callable[[Any], Any]  # from what was sent to our own event
# Where an event that cannot be read has the names of its outcome.
IN_EVENTS = {"customer_id": "customer_id", "key": "key"}
IN_CLOUD_EVENTS = {"customer_id": "subject", "key": "id"}


def _shallow(part: Any) -> Any:
    if fields.is_deep(part):
        raise InvalidInput("malformed", fields.TOO_DEEP)
    return part


async def report(call: Call) -> Reply:
    """Debit one event, or many, each with its outcome."""
    kind = call.headers.get("content-type", JSON)
    if kind != JSON and kind.lower().startswith(CLOUD):
        return await _report_cloud_events(call, kind.partition(";")[0].strip().lower())
    if BINARY_MODE in call.headers:
        data = fields.shallow_object(call.body)
        return await _report_cloud_event(call, cloud_events.from_headers(call.headers, data))
    one = reading.one_event(call.body)
    if one is not None:
        return await _decide_one(call, one)
    usual = reading.many_events(call.body)
    if usual is not None:
        return await _decide(call, usual)
    raw = fields.shallow_object(call.body)
    if "events" in raw:
        return await _report_many(call, fields.only(raw, "events")["events"])
    return await _decide_one(call, customers_event(_shallow(raw)))


async def _report_cloud_events(call: Call, kind: str) -> Reply:
    parts = fields.shallow(call.body)
    if kind != CLOUD_BATCH:
        return await _report_cloud_event(call, parts)
    if parts == []:  # which its specification allows
        return reply({"outcomes": []})
    return await _report_many(call, parts, cloud_events.usage_of)


async def _report_cloud_event(call: Call, raw: Any) -> Reply:
    return await _decide_one(call, customers_event(cloud_events.usage_of(_shallow(raw))))


async def _decide_one(call: Call, one: CustomersEvent) -> Reply:
    (outcome,) = await call.services.usage.use(
        [one],
        catalog=call.key.catalog,
        patience=patience_of(call),
        request_id=call.named,
        decided=call.decided,
    )
    return answer_alone(one.customer_id, outcome)


async def _report_many(call: Call, parts: Any, meant: Meant = _shallow) -> Reply:
    """Decide events in order; what can't be read is refused alone."""
    if not isinstance(parts, list) or not parts:
        raise InvalidInput("malformed", "send a list with at least one event")
    if len(parts) > MAX_EVENTS:
        raise InvalidInput("too_many_events", f"{len(parts)} events in one request")
    return await _decide(call, [_read(part, meant) for part in parts])


async def _decide(call: Call, read: Sequence[CustomersEvent | Answer]) -> Reply:
    usable = [one for one in read if isinstance(one, CustomersEvent)]
    decided = iter(
        await call.services.usage.use(
            usable, catalog=call.key.catalog, patience=patience_of(call), request_id=call.named
        )
    )
    answers = [
        customers_answer(one.customer_id, next(decided)) if isinstance(one, CustomersEvent) else one
        for one in read
    ]
    if call.named is not None:
        for one in answers:
            if one["status"] == "refused":
                call.services.refusals.tell(call.named, one["reason"], one)
    return reply({"outcomes": answers})


def _read(part: Any, meant: Meant) -> CustomersEvent | Answer:
    """Return an event, or the outcome that refuses it."""
    try:
        return customers_event(meant(_shallow(part)))
    except InvalidInput as error:
        raw = part if isinstance(part, dict) else {}
        called = IN_CLOUD_EVENTS if meant is cloud_events.usage_of else IN_EVENTS
        names = {name: _text(raw.get(field)) for name, field in called.items()}
        refused = answer_to(DebitOutcome("", error.reason))
        return {**names, **refused, "detail": str(error)}


def _text(value: Any) -> str | None:
    return value if fields.is_text(value) else None


def customers_event(raw: Any, **defaults: Any) -> CustomersEvent:
    """Return the event of an object that names its customer. Raises `InvalidInput`."""
    if not isinstance(raw, dict):
        raise InvalidInput("malformed", "an event is a JSON object")
    event = {**defaults, **raw}
    return CustomersEvent(fields.taken(event, "customer_id"), usage_event(event))


def answer_alone(customer_id: str, outcome: DebitOutcome) -> Reply:
    """Return the reply to who sent one event: its outcome, or the problem that refuses it."""
    answer = customers_answer(customer_id, outcome)
    if outcome.status in UNDECIDED:
        return reply(answer, 202, Retry_After="1")
    if outcome.status not in DECIDED:
        facts = {name: one for name, one in answer.items() if name not in REFUSED}
        raise Problem(outcome.status, f"{outcome.key!a:.100} is refused", facts=facts)
    if outcome.status == Outcome.REPEATED:
        return reply(answer, Idempotent_Replayed="true")
    return reply(answer)


REFUSED = ("status", "reason", "cure")  # a problem says these itself


def patience_of(call: Call) -> float:
    """Return how long the caller waits for a purchase, in seconds: `Prefer: wait=n`."""
    preferred = wait_of(call)
    return PATIENCE if preferred is None else preferred


EVENT = {
    **schemas.ACME,
    "key": "import-17",
    "action": "operation",
    "quantity": "10",
    "event_at": schemas.AT,
}
OUTCOME = {
    **schemas.ACME,
    "key": "import-17",
    "status": "debited",
    "seq": 2,
    "available": "9990",
    "charged": {"credits": "10"},
}
REPEATED = {**OUTCOME, "status": "repeated"}
CLOUD_EVENT = {
    "specversion": "1.0",
    "source": "/importer",
    "id": "meter-1",
    "type": "operation",
    "subject": "acme",
    "time": schemas.AT,
    "data": {"quantity": "3", "tags": {"campaign": "spring"}},
}

USAGE = (
    Endpoint(
        "POST",
        "/usage",
        Scope.USAGE,
        summary="Debit usage: one event, or 1 to 1,000 of any customers.",
        handle=report,
        request=schemas.USAGE,
        media_types=(JSON, CLOUD_ONE, CLOUD_BATCH),
        answer=schemas.USAGE_ANSWER,
        statuses=(200, 202),
        reasons=(*schemas.DEBIT_REASONS, "too_many_events"),
        parameters=(schemas.PREFER,),
        examples=(
            Example("One event", EVENT, {**OUTCOME, "available": "9990"}),
            Example(
                "Many events",
                {"events": [{**EVENT, "key": "import-18"}, {**EVENT, "key": "import-17"}]},
                {"outcomes": [OUTCOME, REPEATED]},
            ),
            Example(
                "A CloudEvent",
                CLOUD_EVENT,
                {**OUTCOME, "key": "meter-1"},
                media_type=CLOUD_ONE,
            ),
            Example(
                "CloudEvents",
                [{**CLOUD_EVENT, "id": "meter-2"}],
                {"outcomes": [{**OUTCOME, "key": "meter-2"}]},
                media_type=CLOUD_BATCH,
            ),
        ),
    ),
)
