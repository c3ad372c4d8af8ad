"""Repeat a request so that it takes effect once."""

from collections.abc import Callable
from typing import TypeVar

import stripe

from gateways.payments import ProcessorRefusal, ProcessorUnavailable
from gateways.stripe_errors import is_replayed, is_server_error

LONGEST_KEY = 200  # of Stripe's 255, so that every step's suffix fits
RUNGS = 20
T = TypeVar("T")


def checked_key(key: str) -> str:
    """Refuse a key that the library would replace by a random one, or Stripe would reject."""
    if 0 < len(key) <= LONGEST_KEY:
        return key
    message = f"an idempotency key has 1 to {LONGEST_KEY} characters, not {len(key)}"
    raise ProcessorRefusal("invalid_idempotency_key", message)


def take_effect_once(
    key: str, call: Callable[[stripe.RequestOptions], T], find: Callable[[], T | None]
) -> T:
    """Call until it took effect; raises Stripe's errors and `ProcessorUnavailable`.

    `find` reads back whether an earlier call took effect. It is asked after a server error,
    because Stripe stores such an answer under the key and would repeat it for 24 hours. An answer
    that is *fresh* is handed to the caller as unavailable: time must pass, as Stripe may still
    complete or undo the request. An answer that was *replayed* is old, and the object untouched:
    then the next key is used, `key:r1`, `key:r2`, … The rung follows from Stripe's own memory, so
    repeating with the same `key` always resumes at the right one, from any process.

    Why a late completion of the first call cannot make two: every later rung acts on the same
    object, which can be paid, finalised or voided only once. Calls that create objects may leave a
    second one behind; it is a draft that nobody pays, and `find` prefers the first.
    """
    for rung in range(RUNGS):
        try:
            return call({"idempotency_key": f"{key}:r{rung}" if rung else key})
        except stripe.APIError as error:
            if not is_server_error(error):
                raise
            found = find()
            if found is not None:
                return found
            if not is_replayed(error):
                raise
    message = f"Stripe failed {RUNGS} times for {key!r}: read the object, then use a new key"
    raise ProcessorUnavailable(message)


def find_or_take_effect(
    key: str, call: Callable[[stripe.RequestOptions], T], find: Callable[[], T | None]
) -> T:
    """Look first, so that nothing is created twice even if Stripe has forgotten the key."""
    found = find()
    return take_effect_once(key, call, find) if found is None else found
