"""Errors in the shape that Stripe answers them: https://docs.stripe.com/api/errors."""

from typing import Any


class Refusal(Exception):
    """An error answer: HTTP `status` and the fields of its `error` object."""

    def __init__(self, status: int, kind: str, message: str, **fields: Any) -> None:
        super().__init__(message)
        self.status = status
        given = {name: value for name, value in fields.items() if value}
        self.body = {"error": {"type": kind, "message": message} | given}


def invalid(message: str, **fields: Any) -> Refusal:
    """Make the 400 that says the request or the object's state does not allow this."""
    return Refusal(400, "invalid_request_error", message, **fields)


def missing(kind: str, name: str, param: str = "id") -> Refusal:
    """Make the error for an unknown id (code `resource_missing`, docs.stripe.com/error-codes)."""
    message = f"No such {kind}: '{name}'"
    status = 404 if param == "id" else 400
    code = "resource_missing"
    return Refusal(status, "invalid_request_error", message, code=code, param=param)


def not_modelled(what: str) -> Refusal:
    """Make the answer to something Stripe can do and this stand-in cannot."""
    return invalid(f"The Stripe stand-in does not model {what}")
