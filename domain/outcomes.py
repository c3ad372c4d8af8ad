"""What a request comes to when it is carried out; why one is refused is in domain/reasons.py."""

from enum import StrEnum


class Outcome(StrEnum):
    """What was done, as the SQL functions and the answers of messages say it."""

    DONE = "done"
    REPEATED = "repeated"  # the key was used before, with the same content: nothing was done again
    DEBITED = "debited"
    ALREADY_UNLOCKED = "already_unlocked"
    HELD = "held"
    CAPTURED = "captured"
    EXTENDED = "extended"
    RELEASED = "released"
    CORRECTED = "corrected"
    GIVEN = "given"
    GRANTED = "granted"
    OPENED = "opened"
    REFUNDED = "refunded"
    NOTED = "noted"
    REMOVED = "removed"


class Undecided(StrEnum):
    """What a later moment decides: the request is kept, in order, and looked at again."""

    PURCHASE_NEEDED = "purchase_needed"
    RENEWAL_PENDING = "renewal_pending"


UNDECIDED = tuple(Undecided)


class Refusal(StrEnum):
    """The reasons of domain/reasons.py that something else than the sender acts on."""

    CAP_REACHED = "cap_reached"
    DECLINED = "declined"
    IDEMPOTENCY_CONFLICT = "idempotency_conflict"
    INVALID_QUANTITY = "invalid_quantity"
    UNKNOWN_CUSTOMER = "unknown_customer"
