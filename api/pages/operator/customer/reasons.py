"""Why an operator acts: always asked for, always kept."""

from api.pages.operator.visits import Visit
from domain.errors import InvalidInput

LONGEST = 200
MOST_KEY = 64


def reason_of(visit: Visit) -> str:
    """Return the reason that was typed. Raises `InvalidInput` (`missing_field`, `malformed`)."""
    reason = visit.form.get("reason", "").strip()
    if not reason:
        raise InvalidInput("missing_field", "say why: the reason is kept with the act")
    if len(reason) > LONGEST or "\x00" in reason:
        raise InvalidInput("malformed", f"a reason has at most {LONGEST} characters")
    return reason


def key_of(visit: Visit) -> str:
    """Return the form's own key, by which its act is done once. Raises `InvalidInput`."""
    key = visit.form.get("key", "")
    if not key.isascii() or not key.isalnum() or len(key) > MOST_KEY:
        raise InvalidInput("malformed", "the form has no key: open the page again")
    return key
