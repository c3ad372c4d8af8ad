"""One message of every update, and the ways in which each can be bent out of shape."""

import json
from collections.abc import Iterator
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.client import WorkflowUpdateFailedError
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from tests.fleet import Customer

JSON = b"json/plain"
AT, LATER = "2027-01-01T00:00:00Z", "2027-01-09T00:00:00Z"
NOTE = {"reason": "a check", "by": "ada"}
EVENT = {"key": "bad", "action": "operation", "quantity": "1", "event_at": AT, "tags": {}}

Message = dict[str, Any]
# Each would move something, or answer, if all that it names existed.
SOUND: dict[str, Message] = {
    "consume": EVENT | {"confirmed": False},
    "hold": EVENT | {"lapses_at": LATER},
    "capture": {"key": "bad", "quantity": "1", "confirmed": False},
    "extend": {"key": "bad", "lapses_at": LATER},
    "release": {"key": "bad"},
    "buy_credits": {"key": "bad", "credits": "1000", "expected_minor": 90, "coupon": "NOBODY"},
    "buy_pack": {"key": "bad", "pack": "pack_500", "count": 1, "expected_minor": 2500}
    | {"coupon": "NOBODY"},
    "give_bonus": {"bonus": "referral", "invitee": "grace", "valid_days": 3},
    "set_auto_purchase": {"on": True, "key": "bad"},
    "adjust_credits": {"key": "bad", "credits": "1", **NOTE, "approved_by": "grace"},
    "correct": {"key": "bad", "event": "bad", "quantity": "0.5", **NOTE},
    "refund": {"key": "bad", "charge_id": "bad", "amount_minor": 1, **NOTE}
    | {"preview": False, "exception": False},
    "set_member": {"member": "bad", "name": "Ada", "email": "a@b", "role": "member"}
    | {"restricted": False, "limits": {"credits": "1"}},
    "remove_member": {"member": "bad"},
    "request_approval": EVENT | {"member": "bad", "note": "please", "hold_seconds": 60},
    "request_credits": {"key": "bad", "member": "bad", "credits": "1"}
    | {"credit_type": "credits", "note": "please"},
    "set_alerts": {"alerts": [{"percent": 20, "channel": "email"}]},
    "list_notices": {"unread": True},
    "read_notices": {"notices": ["bad"]},
    "list_invoices": {},
    "mail_invoice": {"key": "bad", "invoice": "in_bad", "email": "a@b"},
    "set_finance_email": {"email": "a@b"},
    "list_payment_methods": {},
    "use_payment_method": {"payment_method": "pm_bad"},
    "change_plan": {"plan": "core_25k", "preview": False, "key": "bad", "expected_minor": 900},
    "migrate_plan": {"version": 0, "when": "now", "preview": False, "key": "bad"},
    "cancel": {"when": "now", "preview": False, "key": "bad"},
    "uncancel": {"preview": False, "key": "bad"},
    "pause": NOTE,
    "resume": NOTE | {"keep_anchor": False},
    "retry_payment": {"key": "bad"},
}
OPTIONAL = {("mail_invoice", "email"), ("migrate_plan", "when"), ("give_bonus", "valid_days")} | {
    (name, "key")
    for name in ("set_auto_purchase", "change_plan", "migrate_plan", "cancel", "uncancel")
}
ALWAYS_OPTIONAL = {
    *("tags", "confirmed", "count", "approved_by", "preview", "exception", "role", "restricted"),
    *("limits", "note", "hold_seconds", "credit_type", "unread", "version", "keep_anchor"),
    *("expected_minor", "coupon"),
}
WRONG: tuple[Any, ...] = (None, True, 0, -1, 10**30, 2.5, 1e-7, [], {}, [{}], "")
WRONG_TEXTS = ("x" * 201, "a\x00b", "\ud800")
WRONG_NUMBERS = ("NaN", "-0", "1e30", "1" * 31, "0.0000001", "1,5", "٣")
# What bending leaves in order: numbers where numbers may be sent, nothing where it says something.
STILL_SOUND = {
    *(("quantity", "2.5"), ("credits", "2.5"), ("tags", "{}"), ("limits", "{}")),
    *(("alerts", "[]"), ("alerts", "null"), ("notices", "[]"), ("email", "null")),
    *((flag, "true") for flag in ("confirmed", "on", "preview", "exception", "restricted")),
    *(
        ("unread", "true"),
        ("keep_anchor", "true"),
        ("version", "0"),
        ("version", str(10**30)),
        ("credit_type", "null"),
    ),
}
SOUND_FOR_ONE = {  # most changes cost nothing at once, nor does all that a coupon takes off
    (name, "expected_minor", "0") for name in ("change_plan", "buy_credits", "buy_pack")
}


def bent(name: str) -> Iterator[tuple[str, str]]:
    """Yield each change and the JSON of the bad message it makes of a valid one."""
    sound = SOUND[name]
    yield "one field too many", json.dumps(sound | {"colour": "red"})
    for field in sound:
        if (name, field) not in OPTIONAL and field not in ALWAYS_OPTIONAL:
            yield f"no {field}", json.dumps({k: v for k, v in sound.items() if k != field})
        numbers = WRONG_NUMBERS if field in ("quantity", "credits") else ()
        for value in (*WRONG, *WRONG_TEXTS, *numbers):
            text = json.dumps(value)
            sound_yet = (field, text) in STILL_SOUND or (name, field, text) in SOUND_FOR_ONE
            if not sound_yet:
                yield f"{field} is {text:.20}", json.dumps(sound | {field: value})
    for text in ("", "not json", "null", "[]", "3", "{", '{"a": NaN}', "[" * 99, '{"a":' * 99):
        yield f"shape {text:.20}", text


def raw(data: bytes, encoding: bytes = JSON) -> RawValue:
    """Return a message's bytes as they are."""
    return RawValue(Payload(metadata={"encoding": encoding}, data=data))


async def send(customer: Customer, name: str, *texts: str) -> str:
    """Send an update; return why it was refused, or its status."""
    arguments = [raw(text.encode()) for text in texts]
    try:
        answer = await customer.life.ask(name, *arguments)
    except WorkflowUpdateFailedError as error:
        return str(error.cause.type) if isinstance(error.cause, ApplicationError) else str(error)
    return str(answer.get("reason", answer["status"]))
