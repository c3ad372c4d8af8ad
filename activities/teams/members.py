"""Members: added, changed and removed, each in one transaction that is safe to repeat."""

from dataclasses import dataclass

from activities.context import BillingContext
from activities.purchases.buyers import Buyer
from activities.uninterrupted import uninterrupted
from domain.errors import InvalidInput
from domain.pricing.catalog import Catalog
from domain.teams.members import Member
from ledger.teams import members


@dataclass(frozen=True, slots=True)
class MemberChange:
    """A member's new settings."""

    buyer: Buyer
    member: Member


@dataclass(frozen=True, slots=True)
class MemberRemoval:
    """The removal of a member."""

    buyer: Buyer
    member_id: str


class TeamActivities:
    """The ledger's members, for workflows."""

    def __init__(self, context: BillingContext) -> None:
        self._context = context

    @uninterrupted(name="set_member")
    def set_member(self, change: MemberChange) -> None:
        """Add or change a member. Raises `unknown_credit_type` for a limit of an unknown type."""
        catalog = self._context.catalog(change.buyer.plan.catalog)
        for credit_type, _ in change.member.limits:
            require_type(catalog, credit_type)
        buyer = change.buyer
        with self._context.engine.begin() as connection:
            members.put(
                connection,
                account_id=buyer.account_id,
                member=change.member,
                credit_types=types_of(catalog),
                at=buyer.at,
            )

    @uninterrupted(name="remove_member")
    def remove_member(self, removal: MemberRemoval) -> str:
        """Remove a member; return `removed`, `member_removed` (already), or `unknown_member`."""
        buyer = removal.buyer
        types = types_of(self._context.catalog(buyer.plan.catalog))
        with self._context.engine.begin() as connection:
            return members.remove(
                connection,
                account_id=buyer.account_id,
                member_id=removal.member_id,
                credit_types=types,
                at=buyer.at,
            )


def types_of(catalog: Catalog) -> tuple[str, ...]:
    """Return the ids of a catalog's credit types."""
    return tuple(one.credit_type for one in catalog.credit_types)


def require_type(catalog: Catalog, credit_type: str) -> str:
    """Return a credit type of the catalog. Raises `InvalidInput` (`unknown_credit_type`)."""
    known = types_of(catalog)
    if credit_type not in known:
        message = f"no credit type {credit_type!r:.60}; known: {', '.join(known)}"
        raise InvalidInput("unknown_credit_type", message)
    return credit_type
