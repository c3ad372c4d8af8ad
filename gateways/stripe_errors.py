"""What each error of Stripe means for the engine.

| seen                                    | meaning               | becomes                     |
| --------------------------------------- | --------------------- | --------------------------- |
| no answer, timeout, unreadable answer   | outcome unknown       | `ProcessorUnavailable`      |
| 5xx (stored under the key, see          | outcome unknown       | `ProcessorUnavailable`      |
| `stripe_calls`)                         |                       |                             |
| 409, 429                                | nothing was executed  | `ProcessorUnavailable`      |
| 401, 403                                | an operator's error   | `ProcessorUnavailable`: it  |
|                                         |                       | must not pause the customer |
| invalid request, key reused with other  | a bug, or the state   | `ProcessorRefusal`          |
| parameters                              | of the object         |                             |
| card error                              | the bank said no      | `Declined` by `pay`, else   |
|                                         |                       | `ProcessorRefusal`          |

Sources: https://docs.stripe.com/error-low-level, https://docs.stripe.com/api/errors.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import stripe

from domain.payments.taxes import LOCATION_MISSING, NOT_COMPUTED
from gateways.payments import ProcessorRefusal, ProcessorUnavailable

# Stripe's codes about tax, and what the engine calls them.
# https://docs.stripe.com/tax/customer-locations, https://docs.stripe.com/error-codes.
TAXES = {
    "customer_tax_location_invalid": LOCATION_MISSING,
    "invalid_tax_location": LOCATION_MISSING,
    "failed_tax_calculation": NOT_COMPUTED,
    "taxes_calculation_failed": NOT_COMPUTED,
    "stripe_tax_inactive": NOT_COMPUTED,
}
REFUSALS = (stripe.InvalidRequestError, stripe.IdempotencyError, stripe.CardError)
SERVER_ERRORS = 500


def header(error: stripe.StripeError, name: str) -> str:
    """Return a header of an error's answer, or an empty string."""
    found = [value for key, value in (error.headers or {}).items() if key.lower() == name]
    return found[0] if found else ""


def code_of(error: stripe.StripeError) -> str:
    """Return the most telling code: the bank's, else Stripe's, else the type of the error."""
    details = error.error
    if details is None:
        return error.code or ""
    decline = details.decline_code if "decline_code" in details else None
    code = details.code if "code" in details else None
    return str(decline or code or error.code or details.type)


def advice_of(error: stripe.StripeError) -> str:
    """Return the bank's advice about retrying, or an empty string."""
    details = error.error
    return str(details.advice_code or "") if details and "advice_code" in details else ""


def is_server_error(error: stripe.StripeError) -> bool:
    """Return whether Stripe itself failed, which leaves the outcome open."""
    return (error.http_status or 0) >= SERVER_ERRORS


def is_replayed(error: stripe.StripeError) -> bool:
    """Return whether this is the stored answer of an earlier request with the same key."""
    return header(error, "idempotent-replayed") == "true"


def translated(error: stripe.StripeError) -> ProcessorRefusal | ProcessorUnavailable:
    """Return what an error means; anything that is not plainly a refusal may be retried."""
    if isinstance(error, REFUSALS):
        message = error.user_message or "the payment processor rejected the request"
        code = code_of(error)
        return ProcessorRefusal(TAXES.get(code, code), f"Stripe refuses: {message}")
    after = header(error, "retry-after")
    status = error.http_status or "no answer"
    message = f"Stripe is unavailable ({type(error).__name__}, {status}): try again, same key"
    return ProcessorUnavailable(message, int(after) if after.isdecimal() else None)


@contextmanager
def speaking() -> Iterator[None]:
    """Translate Stripe's errors into the engine's."""
    try:
        yield
    except stripe.StripeError as error:
        raise translated(error) from error
