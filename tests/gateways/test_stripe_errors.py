"""Each row of the table in gateways/stripe_errors.py."""

import pytest
import stripe

from gateways.payments import ProcessorRefusal, ProcessorUnavailable
from gateways.stripe_errors import translated


def failure(kind, status, headers=None, **fields):
    body = {"error": {"type": "some_error"} | fields}
    return kind("told", http_status=status, json_body=body, headers=headers or {})


@pytest.mark.parametrize(
    "error",
    [
        stripe.APIConnectionError("no route"),
        failure(stripe.APIError, 500),
        failure(stripe.APIError, 503),
        stripe.APIError("html", http_body="<html>", http_status=502),
        stripe.APIError("not JSON", http_body="?", http_status=200),
        failure(stripe.APIError, 409, code="idempotency_key_in_use"),
        failure(stripe.RateLimitError, 429, code="lock_timeout"),
        failure(stripe.AuthenticationError, 401),
        failure(stripe.PermissionError, 403),
    ],
)
def test_what_is_unknown_or_was_not_executed_may_be_tried_again(error):
    assert isinstance(translated(error), ProcessorUnavailable)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            stripe.InvalidRequestError(
                "no such",
                "id",
                code="resource_missing",
                http_status=404,
                json_body={"error": {"type": "t", "code": "resource_missing"}},
            ),
            "resource_missing",
        ),
        (stripe.InvalidRequestError("unknown", "x", code="parameter_unknown"), "parameter_unknown"),
        (failure(stripe.IdempotencyError, 400, type="idempotency_error"), "idempotency_error"),
        (
            stripe.CardError(
                "declined",
                None,
                "card_declined",
                http_status=402,
                json_body={
                    "error": {
                        "type": "card_error",
                        "code": "card_declined",
                        "decline_code": "lost_card",
                    }
                },
            ),
            "lost_card",
        ),
    ],
)
def test_a_refusal_carries_the_most_telling_code(error, reason):
    refusal = translated(error)
    assert isinstance(refusal, ProcessorRefusal)
    assert refusal.reason == reason


@pytest.mark.parametrize(("named", "seconds"), [("7", 7), ("soon", None), ("", None)])
def test_a_named_pause_is_passed_on(named, seconds):
    error = failure(stripe.RateLimitError, 429, {"Retry-After": named})
    assert translated(error).retry_after == seconds
