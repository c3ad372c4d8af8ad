"""A price list in several currencies: each plan once for each, and which of them a customer has.

A plan holds one currency, and so does everything that is sold with it; only here are there several.
"""

from domain.errors import InvalidInput
from domain.pricing.catalog import Catalog, Plan


def currencies_of(catalog: Catalog) -> tuple[str, ...]:
    """Return the currencies that a list is sold in, its first first."""
    others = (one.currency for one in catalog.elsewhere)
    return tuple(dict.fromkeys((catalog.currency, *others)))


def every_plan(catalog: Catalog) -> tuple[Plan, ...]:
    """Return every version of every plan, in every currency."""
    return (*catalog.plans, *catalog.elsewhere)


def plan_in(catalog: Catalog, plan_id: str, version: int = 0, currency: str = "") -> Plan:
    """Return a version of a plan in a currency; 0: the newest, "": the list's first.

    Raises `unknown_plan`, `unknown_currency`.
    """
    plan = catalog.plan(plan_id, version)
    if currency in ("", plan.currency):
        return plan
    for one in catalog.elsewhere:
        if (one.plan_id, one.version, one.currency) == (plan.plan_id, plan.version, currency):
            return one
    known = ", ".join(currencies_of(catalog))
    words = f"{catalog.name} is sold in {known}, not in {currency!a:.20}"
    raise InvalidInput("unknown_currency", words)


def plan_beside(catalog: Catalog, sold: Plan, plan_id: str, version: int = 0) -> Plan:
    """Return a version of a plan for whoever is on `sold`: in the same currency, if there is one.

    A change to a plan of another currency is then refused as any is. Raises `unknown_plan`.
    """
    offered = sold.currency in currencies_of(catalog)
    return plan_in(catalog, plan_id, version, sold.currency if offered else "")
