"""May this customer do this now? And at what price. It may be done in the same call."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from activities.direct.usage import CustomersEvent
from api.v1.call import Call, Reply, reply
from api.v1.endpoint import Endpoint, Example
from api.v1.endpoints import schemas
from api.v1.endpoints.usage import customers_event, patience_of
from domain.api_keys import Scope
from domain.errors import InvalidInput
from domain.holds import HELD, HoldOutcome
from domain.messages import fields
from domain.messages.answers import Answer, answer_to
from domain.messages.holds import Hold
from domain.outcomes import UNDECIDED
from domain.usage import DECIDED, DebitOutcome

LONGEST_HOLD = 31 * 86_400  # seconds


async def check(call: Call) -> Reply:
    """Answer whether an event would be debited; with `use` or `hold_seconds` it is done as well."""
    raw = fields.parse_object(call.body)
    use = fields.flag({"use": False} | raw, "use")
    seconds = _seconds(raw["hold_seconds"]) if "hold_seconds" in raw else 0
    if use and seconds:
        raise InvalidInput("malformed", "`use` and `hold_seconds` exclude each other")
    rest = {name: value for name, value in raw.items() if name not in ("use", "hold_seconds")}
    now = datetime.now(UTC).isoformat()
    if not (use or seconds):  # what is done needs its own key and time, to be repeated by
        rest = {"event_at": now, "key": f"check:{uuid4()}"} | rest
    return reply(await _answer(call, customers_event(rest), use=use, seconds=seconds))


async def _answer(call: Call, asked: CustomersEvent, *, use: bool, seconds: int) -> Answer:
    usage, catalog = call.services.usage, call.key.catalog
    outcome: DebitOutcome | HoldOutcome
    if use:
        (outcome,) = await usage.use(
            [asked], catalog=catalog, patience=patience_of(call), request_id=call.named
        )
    elif seconds:
        until = asked.event.event_at + timedelta(seconds=seconds)
        wanted = Hold(asked.event, until)
        outcome = await usage.hold(
            asked.customer_id,
            wanted,
            catalog=catalog,
            patience=patience_of(call),
            request_id=call.named,
        )
    else:
        outcome = await usage.check(asked, catalog=catalog)
    return answered(asked.customer_id, outcome)


def answered(customer_id: str, outcome: DebitOutcome | HoldOutcome) -> Answer:
    """Return what an outcome means for who asks beforehand.

    Where a purchase or a renewal would come first, it is allowed: `pending` says that it waits.
    """
    if outcome.status in UNDECIDED:
        return {"customer_id": customer_id, "allowed": True, "pending": True}
    allowed = outcome.status in (*DECIDED, *HELD)
    answer = answer_to(outcome)
    if not allowed:
        del answer["status"]
    return {"customer_id": customer_id, "allowed": allowed, **answer}


def _seconds(value: Any) -> int:
    """Return for how long to hold. Raises `InvalidInput` (`invalid_lapse`)."""
    number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    if not number or value != int(value) or not 0 < value <= LONGEST_HOLD:  # 60.0 is 60 in JSON
        raise InvalidInput("invalid_lapse", f"`hold_seconds` is from 1 to {LONGEST_HOLD}")
    return int(value)


ASKED = {**schemas.ACME, "action": "operation", "quantity": "5"}
WOULD = {"status": "debited", "seq": None, "available": "9975", "charged": {"credits": "5"}}

CHECKS = (
    Endpoint(
        "POST",
        "/check",
        Scope.USAGE,
        summary="Ask whether a customer may do something now, and what it would cost.",
        handle=check,
        request=schemas.CHECK,
        answer=schemas.CHECK_ANSWER,
        reasons=(*schemas.EVENT_REASONS, "invalid_lapse"),
        parameters=(schemas.PREFER,),
        examples=(
            Example("May they?", ASKED, {**schemas.ACME, "allowed": True, **WOULD}),
            Example(
                "May they, and do it",
                {**ASKED, "key": "export-1", "event_at": schemas.AT, "use": True},
                {**schemas.ACME, "allowed": True, **WOULD, "seq": 4},
            ),
            Example(
                "May they, and hold it for an hour",
                {**ASKED, "key": "export-2", "event_at": schemas.AT, "hold_seconds": 3600},
                {
                    **schemas.ACME,
                    "allowed": True,
                    "status": "held",
                    "seq": 5,
                    "state": "open",
                    "held": {"credits": "5"},
                    "available": "9970",
                    "lapses_at": "2027-01-01T01:00:00+00:00",
                },
            ),
        ),
    ),
)
