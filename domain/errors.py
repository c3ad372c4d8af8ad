"""The tree of errors.

BillingError
├── InvalidInput        the request is malformed or names something unknown
│   └── InvalidCatalog  a price list with every fault in it
└── IdempotencyConflict a key was reused with other content

Each carries `reason`, the machine-readable code listed in docs/contract/reasons.md, and a sentence
that names the cure. Expected business outcomes (declined, refused) are values, not errors.
"""


class BillingError(Exception):
    """A request refused by an error: `reason` is machine-readable, the message names the cure."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class InvalidInput(BillingError):
    """The request is malformed or names something unknown; nothing was changed."""


class InvalidCatalog(InvalidInput):
    """A price list that cannot be used; `faults` gives the line and reason of each."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("invalid_catalog", "\n".join(faults))
        self.faults = faults


class IdempotencyConflict(BillingError):
    """The key was used before with other content; send the first content or a new key."""

    def __init__(self, key: str) -> None:
        super().__init__("idempotency_conflict", f"key {key!r} was used before with other content")
        self.key = key
