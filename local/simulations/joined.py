"""The figures of several customers as one: every sum is that of the customers'."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import fields, replace
from fractions import Fraction

from ledger.reports.prices import ActionPrice
from local.simulator.figures import AMOUNTS, Figures, Flow, MonthFigures


def joined(each: Sequence[Figures]) -> Figures:
    """Return the figures of customers on the same plan, over the same months."""
    first = each[0]
    reasons: Counter[str] = Counter()
    for one in each:
        reasons.update(one.reasons)
    return replace(
        first,
        months=tuple(map(_month, zip(*(one.months for one in each), strict=True))),
        owed_minor=sum(one.owed_minor for one in each),
        prices=_prices(each),
        reasons=dict(reasons),
        notes=tuple(dict.fromkeys(note for one in each for note in one.notes)),
        asked=sum(one.asked for one in each),
    )


def _month(each: tuple[MonthFigures, ...]) -> MonthFigures:
    flows = {
        credit_type: _flow([one.flows[credit_type] for one in each])
        for credit_type in each[0].flows
    }
    sums = {name: sum(int(getattr(one, name)) for one in each) for name in AMOUNTS}
    return MonthFigures(each[0].start, flows, **sums)


def _flow(each: Sequence[Flow]) -> Flow:
    sums = {one.name: sum(int(getattr(flow, one.name)) for flow in each) for one in fields(Flow)}
    return Flow(**sums)


def _prices(each: Sequence[Figures]) -> tuple[ActionPrice, ...]:
    found: dict[str, ActionPrice] = {}
    for price in (price for one in each for price in one.prices):
        nothing = replace(price, quantity_micro=Fraction(0), earned_minor=Fraction(0))
        before = found.get(price.action, nothing)
        found[price.action] = replace(
            price,
            quantity_micro=before.quantity_micro + price.quantity_micro,
            earned_minor=before.earned_minor + price.earned_minor,
        )
    return tuple(found[action] for action in sorted(found))
