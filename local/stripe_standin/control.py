"""The switches of the stand-in, under paths that Stripe does not have.

GET  /_health       what this is, and how many messages were checked against the description
GET  /_ledger       what each customer paid, to compare with our own books
POST /_fault        order a fault (see faults.py); GET lists what waits; DELETE clears
POST /_release      {customer?}: execute what a fault `held` has held back
POST /_config       {webhook_url, webhook_secret, duplicate, reorder}; GET shows
POST /_forget_keys  drop all idempotency keys, as Stripe may after 24 hours
POST /_dispute      {invoice, amount}: a bank disputes a charge; {dispute, status}: it decides
POST /_settle       {invoice, code?}: money on its way comes; with a code the bank refuses
POST /_transfer     {invoice, amount}: so much of a sent invoice has come by transfer
POST /_redeem       {promotion_code, times?}: somebody redeems a code elsewhere
POST /_state        {invoice, status, intent}: put an invoice and its default intent in any state
POST /_fail_refund  {refund}: a refund does not arrive after all
POST /_resend       {event}: deliver an event again, as its dashboard can
"""

import json
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

from local.stripe_standin import outside
from local.stripe_standin.api import Api
from local.stripe_standin.objects import delayed, promotions, returns, transfers
from local.stripe_standin.objects.refusals import Refusal, invalid
from local.stripe_standin.pages import sessions
from local.stripe_standin.server import Request, Response
from local.stripe_standin.store import Json
from local.stripe_standin.world import World

CONFIG = {"webhook_url": "url", "webhook_secret": "secret"} | {
    name: name for name in ("duplicate", "reorder")
}


class Control:
    """The operator's half of the stand-in."""

    def __init__(self, world: World, api: Api) -> None:
        self._world = world
        self._api = api
        self._actions: dict[str, Callable[[Json], Json]] = {
            "GET /_health": self._health,
            "GET /_ledger": self._ledger,
            "GET /_fault": self._faults,
            "POST /_fault": self._fault,
            "DELETE /_fault": self._clear,
            "POST /_release": self._release,
            "GET /_config": self._config,
            "POST /_config": self._configure,
            "POST /_forget_keys": self._forget,
            "POST /_resend": self._resend,
            "POST /_dispute": partial(returns.dispute, world),
            "POST /_settle": partial(delayed.settle, world),
            "POST /_verify": partial(sessions.verify, world),
            "POST /_transfer": partial(transfers.transfer, world),
            "POST /_redeem": partial(promotions.redeem, world),
            "POST /_state": partial(outside.set_state, world),
            "POST /_fail_refund": partial(returns.fail_refund, world),
        }

    def answer(self, request: Request) -> Response:
        """Answer in JSON."""
        action = self._actions.get(f"{request.method} {request.path}")
        try:
            if action is None:
                raise invalid(f"The stand-in has no {request.method} {request.path}")
            order = json.loads(request.body or b"{}")
            status, body = 200, action(order)
            self._world.store.commit()
        except Refusal as refusal:
            status, body = refusal.status, refusal.body
        except (ValueError, KeyError) as error:
            status, body = 400, {"error": {"message": f"not understood: {error!r}"}}
        return Response(status, json.dumps({"stand_in": True} | body, indent=1).encode())

    def _health(self, _: Json) -> Json:
        world, webhooks = self._world, self._world.webhooks
        return {
            "description": f"published OpenAPI {world.spec.version}",
            "requests": self._api.requests,
            "requests_refused": self._api.requests_refused,
            "answers_checked": world.answers_checked,
            "violations": world.violations,
            "webhooks": {"delivered": webhooks.delivered, "failed": webhooks.failed},
        }

    def _ledger(self, _: Json) -> Json:
        totals: Counter[str] = Counter()
        customers = {}
        for customer in self._world.store.every("customer"):
            name = customer["id"]
            customers[name] = account = self._account(name)
            account["customer_id"] = (customer.get("metadata") or {}).get("customer_id", "")
            totals.update(account["paid_total"])
        attempts = len(self._world.store.every("charge"))
        return {"customers": customers, "paid_total": totals, "charge_attempts": attempts}

    def _account(self, name: str) -> Json:
        store = self._world.store
        paid, total, refunded = [], Counter[str](), Counter[str]()
        for invoice in store.of_customer("invoice", name):
            if invoice["status"] == "paid" and (amount := _received(invoice)) > 0:
                paid.append(_line(invoice))
                total[invoice["currency"]] += amount
        charges = store.of_customer("charge", name)
        for charge in charges:
            refunded[charge["currency"]] += charge["amount_refunded"]
        attempts = len(charges)
        return {"paid": paid, "paid_total": total, "refunded_total": refunded, "attempts": attempts}

    def _faults(self, _: Json) -> Json:
        return {"faults": self._world.faults.listed(), "held": self._world.faults.held}

    def _fault(self, order: Json) -> Json:
        self._world.faults.add(order)
        return self._faults({})

    def _clear(self, _: Json) -> Json:
        self._world.faults.clear()
        return self._faults({})

    def _release(self, order: Json) -> Json:
        self._world.faults.release(order.get("customer", ""))
        return self._faults({})

    def _config(self, _: Json) -> Json:
        endpoint = self._world.webhooks.endpoint
        return {name: getattr(endpoint, field) for name, field in CONFIG.items()}

    def _configure(self, order: Json) -> Json:
        for name, value in order.items():
            setattr(self._world.webhooks.endpoint, CONFIG[name], value)
        return self._config({})

    def _forget(self, _: Json) -> Json:
        return {"forgotten": self._world.store.forget_keys()}

    def _resend(self, order: Json) -> Json:
        event = self._world.get("event", order["event"])
        self._world.webhooks.send(event)
        return {"event": event["id"]}


def _received(invoice: Json) -> int:
    return int(invoice["amount_paid"] + invoice["amount_paid_off_stripe"])


def _line(invoice: Json) -> dict[str, Any]:
    return {
        "invoice": invoice["id"],
        "number": invoice["number"],
        "amount_minor": _received(invoice),
        "currency": invoice["currency"],
        "charge_id": invoice["metadata"].get("charge_id", ""),
    }
