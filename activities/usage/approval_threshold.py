"""Operations large enough to need a second person's approval."""

from collections.abc import Iterable

from sqlalchemy import Connection

from domain.errors import InvalidInput
from domain.pricing.catalog import Catalog, Plan
from domain.teams.approvals import needs_approval
from domain.usage import UsageEvent
from ledger.usage import debits


def unapproved(
    connection: Connection,
    catalog: Catalog,
    plan: Plan,
    account_id: int,
    events: Iterable[UsageEvent],
) -> frozenset[str]:
    """Return the keys of events that must first be requested with `request_approval`.

    Events already in the ledger (approved, held, or used under an earlier plan) are not asked about
    again: a repeat gets its first answer.
    """
    large = [event.key for event in events if _is_large(catalog, plan, event)]
    return frozenset(large) - debits.known(connection, account_id, large)


def _is_large(catalog: Catalog, plan: Plan, event: UsageEvent) -> bool:
    try:
        return needs_approval(catalog, plan, event)
    except InvalidInput:  # pricing refuses it later, with its reason
        return False
