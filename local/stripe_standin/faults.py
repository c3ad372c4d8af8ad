"""Misbehaviour on demand, for tests and the demo.

| fault   | what happens                                                                       |
| ------- | ---------------------------------------------------------------------------------- |
| drop    | nothing is executed, the connection is closed                                      |
| lost    | everything is executed, the connection is closed instead of answering              |
| 500     | stored under the key; nothing else is executed unless `effect` is true             |
| 429     | lock_timeout, nothing executed, nothing stored (docs.stripe.com/rate-limits)       |
| 409     | idempotency_key_in_use, nothing executed, nothing stored                           |
| 400     | the address is refused (email_invalid), nothing executed, nothing stored            |
| 401     | invalid API key, nothing executed                                                  |
| slow    | executed, with its key in use, only after `seconds`                                |
| held    | executed, with its key in use, only after `POST /_release`                         |
| decline | the card of the next charge is declined with `code` and `advice`                   |
| later   | the next charge is answered later: `processing` until `POST /_settle`              |
| amount  | the next charge takes `amount`: somebody has changed the invoice meanwhile          |
| sca     | the next off-session charge needs the cardholder (`authentication_required`)       |
"""

import asyncio
import fnmatch
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from local.stripe_standin.objects.cards import SCA, Outcome
from local.stripe_standin.objects.refusals import Refusal, invalid

Kind = Literal[
    "drop",
    "lost",
    "500",
    "429",
    "409",
    "400",
    "401",
    "slow",
    "held",
    "decline",
    "later",
    "sca",
    "amount",
]
OF_CHARGES = frozenset({"decline", "later", "sca", "amount"})
OF_EXECUTIONS = frozenset({"500", "slow", "held"})
LIMITS = {
    "429": Refusal(429, "invalid_request_error", "Lock timeout", code="lock_timeout"),
    "409": Refusal(
        409,
        "idempotency_error",
        "There is currently another in-progress request using this Idempotent Key",
        code="idempotency_key_in_use",
    ),
    "400": Refusal(400, "invalid_request_error", "Invalid email address", code="email_invalid"),
    "401": Refusal(401, "invalid_request_error", "Invalid API Key provided: ***"),
}


@dataclass(slots=True)
class Fault:
    """One order to misbehave: skip `after` matches, then act on `count` of them."""

    fault: Kind
    path: str = "*"  # a shell pattern
    method: str = "POST"
    customer: str = ""  # only for this one
    after: int = 0
    count: int = 1
    seconds: float = 1.0
    effect: bool = False
    amount: int = 0  # minor units
    code: str = "generic_decline"
    advice: str = ""

    @property
    def outcome(self) -> Outcome:
        """What the bank says, for faults of charges."""
        if self.fault == "sca":
            return SCA
        return Outcome("card_declined", self.code, self.advice)


class Faults:
    """The orders not yet carried out, and the requests that they delay."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._held: list[tuple[Fault, asyncio.Event]] = []

    def add(self, order: dict[str, Any]) -> Fault:
        """Accept an order; a 400 says what is wrong with it."""
        try:
            fault = Fault(**order)
        except TypeError as error:
            raise invalid(f"Bad fault: {error}") from error
        if fault.fault not in get_args(Kind):
            raise invalid(f"Unknown fault {fault.fault!r}: use one of {', '.join(get_args(Kind))}")
        self._waiting.append(fault)
        return fault

    def clear(self) -> None:
        """Behave again, also towards the requests that are held."""
        self._waiting.clear()
        self.release()

    async def delay(self, fault: Fault) -> None:
        """Return when a request that met `fault` may be executed."""
        if fault.fault == "slow":
            await asyncio.sleep(fault.seconds)
        if fault.fault == "held":
            released = asyncio.Event()
            self._held.append((fault, released))
            await released.wait()

    def release(self, customer: str = "") -> None:
        """Let the requests of a customer, or of all, go on; orders to hold more are off as well."""
        for fault, released in self._held:
            if customer in {"", fault.customer}:
                released.set()
        self._held = [one for one in self._held if not one[1].is_set()]
        self._waiting = [
            one
            for one in self._waiting
            if one.fault != "held" or customer not in {"", one.customer}
        ]

    @property
    def held(self) -> int:
        """How many requests wait for their release."""
        return len(self._held)

    def listed(self) -> list[dict[str, Any]]:
        """Return the orders that wait."""
        return [asdict(fault) for fault in self._waiting]

    def of_request(self, method: str, path: str, customer: str, *, known: bool) -> Fault | None:
        """Take the first order that this request meets; a `known` key is not executed again."""
        for fault in self._waiting:
            if known and fault.fault in OF_EXECUTIONS:
                continue
            meets = fnmatch.fnmatchcase(path, fault.path) and fault.method in {method, "*"}
            if fault.fault not in OF_CHARGES and meets and fault.customer in {"", customer}:
                return self._use(fault)
        return None

    def of_charge(self, customer: str, *, off_session: bool) -> Fault | None:
        """Take the first order about charges that this one meets."""
        for fault in self._waiting:
            meets = fault.fault in {"decline", "later", "amount"} or (
                fault.fault == "sca" and off_session
            )
            if meets and fault.customer in {"", customer}:
                return self._use(fault)
        return None

    def _use(self, fault: Fault) -> Fault | None:
        if fault.after > 0:
            fault.after -= 1
            return None
        fault.count -= 1
        if fault.count <= 0:
            self._waiting.remove(fault)
        return fault
