"""One request to /v1, from its key to its answer."""

import json
import logging

from local.stripe_spec.checker import Operation
from local.stripe_standin.faults import LIMITS, Fault
from local.stripe_standin.keys import Keys
from local.stripe_standin.lists import expand
from local.stripe_standin.objects.refusals import Refusal, invalid, not_modelled
from local.stripe_standin.routes import ROUTES
from local.stripe_standin.server import ConnectionDropped, Request, Response
from local.stripe_standin.store import Json
from local.stripe_standin.world import World

log = logging.getLogger(__name__)


class Api:
    """The /v1 half of the stand-in."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._keys = Keys(world.store)
        self.requests = 0
        self.requests_refused = 0

    async def answer(self, request: Request) -> Response:
        """Answer as Stripe would, or misbehave as ordered."""
        self.requests += 1
        try:
            return await self._attempt(request)
        except Refusal as refusal:
            self.requests_refused += 1
            return _encode(refusal.status, refusal.body)

    async def _attempt(self, request: Request) -> Response:
        """Do what comes before execution: nothing in here is stored under the key."""
        _authenticate(request)
        operation, ids = self._operation(request)
        encoded = request.body.decode() if request.method == "POST" else request.query
        params, wrong = self._world.spec.read(operation, encoded)
        key = request.headers.get("idempotency-key", "") if request.method == "POST" else ""
        fault = self._world.faults.of_request(
            request.method,
            request.path,
            self._customer(ids, params),
            known=key in self._world.store.keys,
        )
        if fault is not None and fault.fault == "drop":
            raise ConnectionDropped
        if fault is not None and fault.fault in LIMITS:
            raise LIMITS[fault.fault]
        if wrong:
            raise invalid(wrong[0].message, code=wrong[0].code, param=wrong[0].param)
        response = self._keys.replay(key, request) if key else None
        if response is None:
            response = await self._execute_once(
                operation=operation, ids=ids, params=params, fault=fault, key=key, request=request
            )
        if fault is not None and fault.fault == "lost":
            raise ConnectionDropped
        return response

    def _operation(self, request: Request) -> tuple[Operation, Json]:
        found = self._world.spec.operation(request.method, request.path)
        if found is None:
            message = f"Unrecognized request URL ({request.method}: {request.path})."
            raise Refusal(404, "invalid_request_error", message)
        if found[0].name not in ROUTES:
            raise not_modelled(found[0].name)
        return found

    def _customer(self, ids: Json, params: Json) -> str:
        """Return the customer a request concerns, so that faults can target it."""
        name = ids.get("customer") or params.get("customer")
        if name:
            return str(name)
        kind = "invoice" if "invoice" in ids or "invoice" in params else "payment_method"
        thing = self._world.store.find(kind, ids.get(kind) or params.get(kind) or "")
        return str(thing["customer"]) if thing else ""

    async def _execute_once(
        self,
        operation: Operation,
        ids: Json,
        params: Json,
        fault: Fault | None,
        key: str,
        request: Request,
    ) -> Response:
        self._keys.begin(key)
        try:
            if fault is not None:
                await self._world.faults.delay(fault)
            response = self._execute(operation, ids, params, fault)
        finally:
            self._keys.end(key)
        if key:
            self._keys.keep(key, request, response)
        self._world.store.commit()
        return response

    def _execute(
        self, operation: Operation, ids: Json, params: Json, fault: Fault | None
    ) -> Response:
        """Run the handler and check its answer; no await in here, so nothing interleaves."""
        broken = fault is not None and fault.fault == "500"
        if broken and fault is not None and not fault.effect:
            return _encode(500, BROKEN)
        try:
            status, body = 200, ROUTES[operation.name](self._world, ids, params)
            if params.get("expand"):
                body = expand(self._world, body, params["expand"])
        except Refusal as refusal:
            status, body = refusal.status, refusal.body
        return _encode(500, BROKEN) if broken else self._checked(operation, status, body)

    def _checked(self, operation: Operation, status: int, body: Json) -> Response:
        found = self._world.spec.answer_violations(operation, status, body)
        self._world.answers_checked += 1
        if not found:
            return _encode(status, body)
        self._world.violations += len(found)
        for violation in found:
            log.error("STAND-IN BUG: the answer to %s breaks %s", operation.name, violation)
        message = f"The Stripe stand-in made an answer that Stripe would not: {found[0]}"
        return _encode(500, {"error": {"type": "api_error", "message": message}})


BROKEN = {"error": {"type": "api_error", "message": "An unknown error occurred (ordered fault)"}}


def _authenticate(request: Request) -> None:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or not key:
        raise Refusal(401, "invalid_request_error", "You did not provide an API key.")
    if "_live_" in key:
        message = "This is a Stripe stand-in: never give it a live key. Use sk_test_anything."
        raise Refusal(401, "invalid_request_error", message)


def _encode(status: int, body: Json) -> Response:
    headers = {"Request-Id": "req_standin"}
    return Response(status, json.dumps(body, separators=(",", ":")).encode(), headers=headers)
