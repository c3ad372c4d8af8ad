"""The contract's messages as requests of the HTTP door: who sends what where."""

import json
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

# Messages that the door has no request for, and why.
WITHOUT_TWIN = {
    "invoice_paid": "internal: the processor's events cause it",
    "money_found": "internal: the reconciliation causes it",
    "balance_changed": "internal: an import causes it",
    "money_returned": "internal: a refund or dispute causes it",
    "payer_changed": "internal: the processor's events cause it",
    "balance_crossed": "internal: usage causes it",
    "findings_changed": "internal: findings cause it",
    "list_invoices": "a list of the door, with a cursor",
    "list_notices": "a list of the door, with a cursor",
    "list_payment_methods": "a list of the door",
}
OF_SUBSCRIPTION = {
    "set_auto_purchase": "auto_purchase",
    "change_plan": "change_plan",
    "migrate_plan": "migrate_plan",
    "cancel": "cancel",
    "uncancel": "uncancel",
}
OF_CUSTOMER = {
    "buy_credits": "purchases",
    "buy_pack": "purchases",
    "give_bonus": "bonuses",
    "retry_payment": "retry_payment",
    "payment_method_updated": "payment_method",
    "use_payment_method": "payment_method",
    "set_finance_email": "finance_email",
    "set_alerts": "alerts",
    "read_notices": "notices/read",
    "request_approval": "approvals",
    "request_credits": "approvals",
    "adjust_credits": "adjustments",
    "correct": "corrections",
    "refund": "refunds",
    "pause": "pause",
    "resume": "resume",
}


@dataclass(frozen=True)
class Said:
    """A line of a shell: a message to a workflow. Ids and customers have one name here."""

    kind: str  # start, signal, update, query
    workflow_id: str
    name: str
    content: Json

    @property
    def customer(self) -> str:
        return self.workflow_id.split(":")[1]


@dataclass(frozen=True)
class Request:
    """What is sent to the door."""

    path: str
    body: Json | None = None
    key: str | None = None
    method: str = "POST"
    left_out: tuple[str, ...] = field(default=("customer_id", "key"))  # names that the door adds


def said(line: str) -> Said:
    """Return what a line of a page says."""
    words = shlex.split(line)
    kind = words[2] if words[2] != "execute" else words[1]
    found = dict(re.findall(r"--(workflow-id|name) (\S+)", line))
    content = json.loads(words[words.index("--input") + 1]) if "--input" in words else {}
    return Said(kind, found["workflow-id"], found.get("name", ""), content)


def twin(one: Said) -> Request | None:
    """Return the request that says the same; None: the door has none."""
    content = dict(one.content)
    if one.kind == "start":
        return Request("/subscriptions", content["start"])
    if one.kind == "query":
        here = one.workflow_id.startswith("subscription:")
        return Request(f"/subscriptions/{one.customer}", method="GET") if here else None
    if one.name in BY_HAND:
        return BY_HAND[one.name](one, content)
    key = content.pop("key", None)
    if one.name in OF_SUBSCRIPTION:
        return Request(f"/subscriptions/{one.customer}/{OF_SUBSCRIPTION[one.name]}", content, key)
    if one.name in OF_CUSTOMER:
        return Request(f"/customers/{one.customer}/{OF_CUSTOMER[one.name]}", content, key)
    return None


def _usage(one: Said, content: Json) -> Request:
    return Request("/usage", {"customer_id": one.customer, **content})


def _usage_of_many(one: Said, content: Json) -> Request:
    events = [{"customer_id": one.customer, **event} for event in content["events"]]
    return Request("/usage", {"events": events})


def _hold(one: Said, content: Json) -> Request:
    return Request("/holds", {"customer_id": one.customer, **content})


def _settling(one: Said, content: Json) -> Request:
    key = content.pop("key")
    return Request(f"/holds/{key}/{one.name}", {"customer_id": one.customer, **content})


def _member(one: Said, content: Json) -> Request:
    path = f"/customers/{one.customer}/members/{content.pop('member')}"
    if one.name == "remove_member":
        return Request(path, method="DELETE")
    return Request(path, content, method="PUT")


def _decision(one: Said, content: Json) -> Request:
    key = one.workflow_id.split(":", 2)[2]
    return Request(f"/customers/{one.customer}/approvals/{key}/{one.name}", content)


def _mail(one: Said, content: Json) -> Request:
    key, invoice = content.pop("key"), content.pop("invoice")
    return Request(f"/customers/{one.customer}/invoices/{invoice}/mail", content, key)


BY_HAND: dict[str, Callable[[Said, Json], Request]] = {
    "consume": _usage,
    "record_usage": _usage_of_many,
    "hold": _hold,
    **dict.fromkeys(("capture", "extend", "release"), _settling),
    **dict.fromkeys(("set_member", "remove_member"), _member),
    **dict.fromkeys(("approve", "refuse"), _decision),
    "mail_invoice": _mail,
}
