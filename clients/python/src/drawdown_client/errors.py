"""What can go wrong, one class for each thing a caller would do about it.

DrawdownError
├── Refused             the engine said no: `reason`, `cure`
│   ├── InvalidRequest      400, 413, 422: mend the request
│   ├── NotAuthenticated    401: use a key that lives
│   ├── PaymentRequired     402: what money cures
│   ├── NotAllowed          403: use a key with that scope, or ask an admin
│   ├── NotFound            404
│   ├── Conflict            409
│   ├── TooManyRequests     429: repeated for you until the deadline
│   └── Unavailable         503: repeated for you until the deadline
├── StillPending        credits are being bought: send it again later, with the same key
├── NoAnswer            nobody knows whether it happened: send it again with the same key
└── UnexpectedAnswer    not an answer of this API
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any


class DrawdownError(Exception):
    """Anything that this client raises because of the engine or the way to it."""

    repeatable = False
    """Whether the same request, sent again with the same key, may do better."""
    retry_after: int | None = None
    """Seconds after which the engine asks to be asked again."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why the engine refused, as it said it."""

    status: int
    reason: str
    cure: str
    title: str = ""
    detail: str = ""
    request_id: str | None = None
    missing: Decimal | None = None
    asked: Mapping[str, Any] | None = None


class Refused(DrawdownError):
    """The engine said no. Nothing was charged, and the key is not bound."""

    def __init__(self, problem: Problem, retry_after: int | None = None) -> None:
        told = f" ({problem.detail})" if problem.detail else ""
        super().__init__(f"{problem.reason}: {problem.cure}{told}")
        self.problem = problem
        self.retry_after = retry_after
        passing = problem.status in _PASSING or problem.reason == "request_under_way"
        self.repeatable = passing

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.problem.status

    @property
    def reason(self) -> str:
        """The machine-readable reason, such as `insufficient_credits`."""
        return self.problem.reason

    @property
    def cure(self) -> str:
        """What would cure it, in a sentence."""
        return self.problem.cure

    @property
    def missing(self) -> Decimal | None:
        """The credits it was short of, if it was."""
        return self.problem.missing

    @property
    def asked(self) -> Mapping[str, Any] | None:
        """What a person has to agree to: `credits` by type, or a `purchase`."""
        return self.problem.asked

    @property
    def request_id(self) -> str | None:
        """The name of this request in the engine's log."""
        return self.problem.request_id


class InvalidRequest(Refused):
    """The request cannot be meant so."""


class NotAuthenticated(Refused):
    """The API key is missing, unknown or revoked."""


class PaymentRequired(Refused):
    """Money would cure it: credits are short, a payment failed, a cap is reached."""


class NotAllowed(Refused):
    """Neither this API key nor this member may do it."""


class NotFound(Refused):
    """There is no such customer, hold or thing."""


class Conflict(Refused):
    """What is there does not go with it."""


class TooManyRequests(Refused):
    """More than this key, or this customer's queue, takes at once."""


class Unavailable(Refused):
    """The engine cannot decide now."""


class EngineFailed(Refused):
    """The engine has a fault: report it to the operators, with the `request_id`."""


class StillPending(DrawdownError):
    """Credits are being bought, or a renewal paid: send it again with the same key."""

    repeatable = True


class NoAnswer(DrawdownError):
    """No answer came: it may have happened or not. Send it again with the same key."""

    repeatable = True


class UnexpectedAnswer(DrawdownError):
    """What answered is not this API, or not in this version."""

    def __init__(self, told: str, status: int) -> None:
        super().__init__(told)
        self.status = status
        # A proxy's word for an API that is not there.
        self.repeatable = status in (502, 503, 504)


_PASSING = (408, 429, 503)
_FAILED = 500
_BY_STATUS: dict[int, type[Refused]] = {
    401: NotAuthenticated,
    402: PaymentRequired,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    429: TooManyRequests,
    503: Unavailable,
}


def refusal(problem: Problem, retry_after: int | None = None) -> Refused:
    """Return the error of a problem's status."""
    other = EngineFailed if problem.status >= _FAILED else InvalidRequest
    return _BY_STATUS.get(problem.status, other)(problem, retry_after)
