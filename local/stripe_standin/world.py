"""What the handlers of requests share: objects, faults, events, the clock."""

import secrets
import time
from dataclasses import dataclass
from typing import Any

from local.stripe_spec.checker import Spec
from local.stripe_standin.faults import Faults
from local.stripe_standin.objects.refusals import missing
from local.stripe_standin.store import Json, Store
from local.stripe_standin.webhooks import Webhooks

PREFIXES = {
    "billing_portal.session": "bps",
    "charge": "ch",
    "checkout.session": "cs_test",
    "coupon": "coupon",
    "credit_note": "cn",
    "credit_note_line_item": "cnli",
    "customer": "cus",
    "customer_balance_transaction": "cbtxn",
    "dispute": "dp",
    "event": "evt",
    "invoice": "in",
    "invoice_payment": "inpay",
    "invoiceitem": "ii",
    "line_item": "il",
    "payment_intent": "pi",
    "payment_method": "pm",
    "promotion_code": "promo",
    "refund": "re",
    "setup_intent": "seti",
    "tax_rate": "txr",
}


@dataclass(slots=True)
class World:
    """One stand-in. `base_url` is its own address, for the pages it links to."""

    spec: Spec
    store: Store
    faults: Faults
    webhooks: Webhooks
    base_url: str = ""
    answers_checked: int = 0
    violations: int = 0

    def now(self) -> int:
        """Seconds since 1970, by the machine's clock: Stripe lives in real time."""
        return int(time.time())

    def new(self, kind: str, **fields: Any) -> Json:
        """Make and keep an object: every required field is there, then `fields`."""
        thing = self.spec.answers.blank(kind)
        name = f"{PREFIXES[kind]}_standin{secrets.token_hex(8)}"
        thing["id"] = name
        if "created" in thing:
            thing["created"] = self.now()
        return self.store.put(thing | fields)

    def get(self, kind: str, name: str, param: str = "id") -> Json:
        """Return an object, or refuse as Stripe does for unknown ids."""
        thing = self.store.find(kind, name)
        if thing is None:
            raise missing(kind, name, param)
        return thing

    def emit(self, type_: str, thing: Json) -> None:
        """Record an event about `thing` as it is now, and hand it to the webhooks."""
        event = self.webhooks.record(self, type_, thing)
        found = self.spec.event_violations(event)
        self.violations += len(found)
        self.answers_checked += 1
        self.webhooks.log_violations(type_, found)
