"""Errors as problem details (RFC 9457): one table says which status each reason has."""

from collections.abc import Mapping
from typing import Any

import msgspec

from domain.errors import BillingError
from domain.reasons import CURES

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 1  # after which a request that was turned away may be repeated

# What only this door refuses, beside domain/reasons.py.
OWN: dict[str, str] = {
    "unauthorized": "send `Authorization: Bearer` with a key that is live",
    "scope_missing": "use a key whose scopes cover it",
    "not_found": "look the path up in the OpenAPI document",
    "method_not_allowed": "use one of the methods in `Allow`",
    "unsupported_media_type": "send `application/json`; usage also as CloudEvents",
    "payload_too_large": "send at most 1 MB",
    "payload_too_slow": "send the whole body at once",
    "unknown_parameter": "leave out parameters that the document does not name",
    "invalid_parameter": "send the parameter as the document describes it",
    "invalid_cursor": "send the id of an item of this very list, or none",
    "idempotency_key_missing": "send `Idempotency-Key`, your own text for this request",
    "request_under_way": "wait for the answer to the first request, or repeat it in a second",
    "too_many_requests": "wait as long as `Retry-After` says, then repeat it with the same key",
    "unknown_invitation": "send the token as the sign-up page was given it",
    "already_invited": "nothing: this person came by another invitation before",
    "ledger_busy": "repeat it with the same key",
    "other_price_lists": "tell an operator: this process has other price lists than were published",
    "simulator_away": "start `python cli.py simulations` where the toolbox is installed",
    "too_many_simulations": "wait until one has ended, or end one",
    "temporal_unavailable": "repeat it with the same key",
    "database_unavailable": "repeat it with the same key",
    "processor_unavailable": "repeat it in a minute",
}

# Every reason has one status; a test holds the table complete.
BY_STATUS: dict[int, tuple[str, ...]] = {
    400: ("malformed", "unknown_message"),
    401: ("unauthorized",),
    402: (
        "insufficient_credits",
        "cap_reached",
        "purchase_needed",
        "paused:payment_failed",
        "confirmation_required",
        "auto_purchase_off",
        "no_payment_method",
        "payment_method_not_accepted",
        "declined",
        "renewal_pending",
        "payment_processing",
        "purchase_pending",
    ),
    403: (
        "scope_missing",
        "user_limit",
        "member_restricted",
        "member_removed",
        "paused:by_operator",
        "approval_required",
        "not_an_admin",
        "own_request",
        "not_in_plan",
        "own_referral",
        "payment_method_of_another_customer",
    ),
    404: (
        "not_found",
        "unknown_customer",
        "unknown_charge",
        "unknown_invoice",
        "unknown_payer",
        "unknown_hold",
        "unknown_event",
        "unknown_approval",
        "unknown_member",
        "unknown_plan",
        "unknown_catalog",
        "unknown_bonus",
        "unknown_coupon",
        "unknown_invitation",
        "unknown_report",
        "unknown_finding",
        "unknown_key",
        "unknown_endpoint",
        "unknown_webhook_event",
        "no_subscription",
    ),
    405: ("method_not_allowed",),
    408: ("payload_too_slow",),
    409: (
        "already_invited",
        "request_under_way",
        "already_subscribed",
        "other_currency",
        "subscription_ended",
        "change_under_way",
        "already_decided",
        "approval_lapsed",
        "approval_not_needed",
        "price_changed",
        "hold_captured",
        "hold_released",
        "hold_lapsed",
        "already_canceled",
        "not_canceled",
        "already_paused",
        "not_paused",
        "nothing_declined",
        "paid_by_transfer",
        "not_needed",
        "same_plan",
        "coupon_expired",
        "coupon_used_up",
        "coupon_already_used",
        "coupon_for_first_purchase",
        "under_review",
        "charge_not_paid",
        "charge_disputed",
        "nothing_paid",
        "dispute_open",
        "refund_failed",
        "charge_voided",
        "outside_period",
        "needs_next_period",
        "already_published",
        "month_running",
        "month_closed",
        "figures_changed",
        "books_differ",
        "findings_open",
        "key_revoked",
        "key_replaced",
    ),
    413: ("payload_too_large", "too_many_events", "report_too_large"),
    415: ("unsupported_media_type",),
    429: ("too_many_requests", "too_many_waiting", "too_many_simulations"),
    500: ("internal_error",),
    502: ("processor_refused",),
    503: (
        "ledger_busy",
        "other_price_lists",
        "simulator_away",
        "temporal_unavailable",
        "database_unavailable",
        "processor_unavailable",
    ),
}
STATUSES: dict[str, int] = {
    reason: status for status, reasons in BY_STATUS.items() for reason in reasons
}
UNPROCESSABLE = 422  # what is said of all others: the request is read, and cannot be meant
WAITS = (429, 503)

_encode = msgspec.json.Encoder().encode


class Problem(BillingError):
    """A request that this door refuses; `facts` are further members of its body.

    `decided`: it was refused where it would have been carried out, so that it came to nothing.
    """

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        facts: Mapping[str, Any] | None = None,
        decided: bool = False,
        **headers: str,
    ) -> None:
        super().__init__(reason, message)
        self.decided = decided
        self.facts = dict(facts or {})
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def status_of(reason: str) -> int:
    """Return the status of a reason."""
    return STATUSES.get(reason, UNPROCESSABLE)


def cure_of(reason: str) -> str:
    """Return the sentence that says how to cure a reason."""
    return OWN.get(reason) or CURES.get(reason, "")


def title_of(reason: str) -> str:
    """Return a reason in words."""
    return reason.replace("_", " ").replace(":", ": ")


def problem(
    reason: str, detail: str, request_id: str, facts: Mapping[str, Any] | None = None
) -> bytes:
    """Return the body of a problem; `facts` without a value are left out."""
    members = {name: value for name, value in (facts or {}).items() if value is not None}
    return _encode(
        {
            "type": f"/v1/reasons/{reason}",
            "title": title_of(reason),
            "status": status_of(reason),
            "reason": reason,
            "detail": detail,
            "cure": cure_of(reason),
            "request_id": request_id,
            **members,
        }
    )
