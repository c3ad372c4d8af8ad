"""Idempotency keys as Stripe keeps them.

https://docs.stripe.com/api/idempotent_requests and https://docs.stripe.com/error-low-level:
the first answer of a key is stored and given again, a 500 and a decline included; the parameters
are compared; nothing is stored when validation fails or the key is in use at that moment.
"""

import hashlib

from local.stripe_standin.objects.refusals import Refusal
from local.stripe_standin.server import Request, Response
from local.stripe_standin.store import Store

REPLAYED = {"Idempotent-Replayed": "true"}
LONGEST = 255


class Keys:
    """The keys of all requests that began to execute."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._busy: set[str] = set()

    def replay(self, key: str, request: Request) -> Response | None:
        """Return the stored answer, or None when the key is new; refuse misuse."""
        if len(key) > LONGEST:
            raise Refusal(400, "idempotency_error", f"A key has at most {LONGEST} characters")
        if key in self._busy:
            message = "There is currently another in-progress request using this Idempotent Key"
            raise Refusal(409, "idempotency_error", message, code="idempotency_key_in_use")
        stored = self._store.keys.get(key)
        if stored is None:
            return None
        if stored["print"] != _fingerprint(request):
            message = (
                "Keys for idempotent requests can only be used with the same parameters they were "
                f"first used with. Try using a key other than '{key}'."
            )
            raise Refusal(400, "idempotency_error", message)
        return Response(stored["status"], stored["body"].encode(), headers=REPLAYED)

    def begin(self, key: str) -> None:
        """Mark a key as being executed."""
        self._busy.add(key)

    def end(self, key: str) -> None:
        """Mark the execution as over, with or without an answer."""
        self._busy.discard(key)

    def keep(self, key: str, request: Request, response: Response) -> None:
        """Store the answer of an execution."""
        answer = {
            "print": _fingerprint(request),
            "status": response.status,
            "body": response.body.decode(),
        }
        self._store.remember(key, answer)


def _fingerprint(request: Request) -> str:
    return hashlib.sha256(request.path.encode() + b"\n" + request.body).hexdigest()
