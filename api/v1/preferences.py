"""`Prefer: wait=n`: how long a caller would wait for an outcome."""

from api.v1.call import Call

MOST_SECONDS = 30.0


def wait_of(call: Call) -> float | None:
    """Return how many seconds the caller would wait, the most that we do; None: unsaid."""
    for part in call.headers.get("prefer", "").split(","):
        name, _, value = part.strip().partition("=")
        if name.lower() == "wait" and value.isascii() and value.isdigit():
            return min(float(value[:3]), MOST_SECONDS)
    return None
