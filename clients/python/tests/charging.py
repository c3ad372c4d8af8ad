"""What the engine does with reported usage, as far as a reporter can see: each key once."""

import threading
from typing import Any

from clients.python.tests.door import Answer, Asked, ok, problem


class Charging:
    """Debits each key once; `refuses` gives a key's reason, `waits` holds keys that are pending."""

    def __init__(self) -> None:
        self.debits: dict[str, Any] = {}
        self.conflicts: list[str] = []
        self.refuses: dict[str, str] = {}
        self.waits: set[str] = set()
        self.poison: set[str] = set()
        self.sizes: list[int] = []
        self._lock = threading.Lock()

    def __call__(self, asked: Asked) -> Answer:
        events = asked.body["events"]
        with self._lock:
            self.sizes.append(len(events))
            if self.poison & {event["key"] for event in events}:
                return problem(422, "malformed")
            return ok({"outcomes": [self._outcome(event) for event in events]})

    def _outcome(self, event):
        key = event["key"]
        named = {"customer_id": event["customer_id"], "key": key}
        if key in self.waits:
            return named | {"status": "pending"}
        if key in self.refuses:
            told = {"reason": self.refuses[key], "cure": "buy credits", "missing": "1"}
            return named | {"status": "refused"} | told
        status = "repeated" if key in self.debits else "debited"
        if self.debits.setdefault(key, event) != event:
            self.conflicts.append(key)
        return named | {
            "status": status, "seq": len(self.debits), "available": "5",
            "charged": {"credits": event["quantity"]},
        }  # fmt: skip
