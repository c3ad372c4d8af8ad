"""Months of one or two sides as bars beside each other, in the chart's own units."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.pages.bars import HIGH, height_of, place_of
from domain.pricing.simulation import LivedMonth, LivedSide


@dataclass(frozen=True, slots=True)
class Bar:
    """A month's bar of a side: how much it stands for, and where it is drawn."""

    month: LivedMonth
    side: int
    amount: int
    x: str
    y: int
    wide: str
    high: int


@dataclass(frozen=True, slots=True)
class Chart:
    """The bars of one figure; `most` is the highest's amount."""

    name: str
    title: str
    is_money: bool
    bars: Sequence[Bar]
    most: int


def charts_of(sides: Sequence[LivedSide]) -> list[Chart]:
    """Return what is drawn: charges, and what expired or was refused if anything was."""
    drawn = [
        _chart("charged_minor", "Charged in the month", sides, is_money=True),
        _chart("breakage_minor", "Paid for credits that expired unused", sides, is_money=True),
        _chart("refused", "Events refused", sides, is_money=False),
    ]
    return [one for one in drawn if one.most or one.name == "charged_minor"]


def _chart(name: str, title: str, sides: Sequence[LivedSide], *, is_money: bool) -> Chart:
    amounts = [(n, m, getattr(m, name)) for n, side in enumerate(sides) for m in side.months]
    most = max((amount for _, _, amount in amounts), default=0)
    months, many = len(sides[0].months), len(sides)
    bars = []
    for place, (number, month, amount) in enumerate(amounts):
        high = height_of(amount, most)
        x, wide = place_of(place % months, months, side=number, sides=many)
        bars.append(
            Bar(month=month, side=number, amount=amount, x=x, y=HIGH - high, wide=wide, high=high)
        )
    return Chart(name=name, title=title, is_money=is_money, bars=bars, most=most)
