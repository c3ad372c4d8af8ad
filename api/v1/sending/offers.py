"""Who may choose which plan: the one place where that is decided.

A seller's backend, which an API key stands for, starts and changes to any plan of its list, for
it knows for whom a plan was made. A customer in the console is offered the public ones, and has the
plan that is in force or due next; any other is as unknown as one that does not exist.
"""

from api.v1.call import Call
from domain.errors import InvalidInput
from ledger import subscriptions
from ledger.direct.owners import Owner


def require_offered(call: Call, owner: Owner, plan_id: str) -> None:
    """Refuse a plan that is not for whoever asks. Raises `InvalidInput` (`unknown_plan`)."""
    if not call.key.console:
        return
    catalog = call.services.context.catalogs.get(owner.catalog)
    public = catalog is not None and any(
        plan.plan_id == plan_id and catalog.is_public(plan) for plan in catalog.plans
    )
    if not public and plan_id not in _own(call, owner):
        raise InvalidInput("unknown_plan", f"no plan {plan_id!a:.60} is offered")


def _own(call: Call, owner: Owner) -> set[str]:
    with call.services.engine.connect() as connection:
        kept = subscriptions.stored(connection, owner.subscription_id)
    return {plan["plan_id"] for plan in (kept.plan, kept.next_plan) if plan}
