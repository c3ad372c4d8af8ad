"""Consents: which ways of paying a person agrees to, so that they are not asked for again."""

from collections.abc import Collection

from domain.usage import EVERY_TIME, Terms


def consents_of(terms: Terms, action: str, credit_types: Collection[str]) -> tuple[str, ...]:
    """Return the counters that remember the consent to pay `action` with those credit types.

    `EVERY_TIME` among them: that consent is for one event, and nothing can remember it.
    """
    return tuple(
        way.consent
        for attempt in terms.attempts
        if attempt.action == action
        for way in attempt.ways
        if way.consent is not None and way.credit_type in credit_types
    )


def is_rememberable(consents: Collection[str]) -> bool:
    """Return whether consents last for the window."""
    return EVERY_TIME not in consents
