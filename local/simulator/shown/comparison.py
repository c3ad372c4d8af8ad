"""Two plans under the same usage: what each costs and serves, and by how much they differ."""

from fractions import Fraction

from domain.money import half_up
from ledger.reports.tables import ABSENT, Column, Sheet, money_text, numbers
from local.simulator.figures import Figures
from local.simulator.shown.words import (
    ALL,
    count_text,
    money,
    percent_text,
    refused_text,
    unit_text,
)


def verdict(one: Figures, other: Figures) -> str:
    """Return which is cheaper, by how much, and what each would have refused, in one sentence."""
    cheap, dear = sorted((one, other), key=lambda side: side.total("charged_minor"))
    cost = half_up(*cheap.per_month.as_integer_ratio())
    words = f"{cheap.title} costs {money(cost, cheap.currency)} a month on average, "
    if cheap.per_month == dear.per_month:
        words += f"as much as {dear.title}"
    else:
        dearer = money(half_up(*dear.per_month.as_integer_ratio()), dear.currency)
        words += f"{percent_text(1 - cheap.per_month / dear.per_month)} cheaper than {dear.title}"
        words += f" ({dearer})"
    return f"{words}; {_refused(cheap, dear)}."


def _refused(cheap: Figures, dear: Figures) -> str:
    refusing = [side for side in (cheap, dear) if side.total("refused")]
    if not refusing:
        return "no event would have been refused on either"
    each = [
        f"{refused_text(side.total('refused'), side.total('events'))} refused on {side.title}"
        for side in refusing
    ]
    others = [side.title for side in (cheap, dear) if side not in refusing]
    return ", ".join([*each, *(f"none on {title}" for title in others)])


def differences_grid(one: Figures, other: Figures) -> Sheet:
    """Return the totals side by side."""
    rows = [*_money_rows(one, other), *_count_rows(one, other), *_price_rows(one, other)]
    columns = (Column("all months"), *numbers(one.title, other.title, "difference", "in %"))
    return Sheet("what the same usage costs", columns, tuple(rows))


def by_month_grid(one: Figures, other: Figures) -> Sheet:
    """Return charges and refusals of each month, side by side."""
    rows = [
        _month_row(
            f"{a.start:%Y-%m}", one, (a.charged_minor, b.charged_minor, a.refused, b.refused)
        )
        for a, b in zip(one.months, other.months, strict=True)
    ]
    whole = [side.total(name) for name in ("charged_minor", "refused") for side in (one, other)]
    rows.append(_month_row(ALL, one, (whole[0], whole[1], whole[2], whole[3])))
    charged = [f"{side.title} charged" for side in (one, other)]
    refused = [f"{side.title} refused" for side in (one, other)]
    columns = (Column("month"), *numbers(*charged, "difference", *refused))
    return Sheet("month by month", columns, tuple(rows))


def comparison_sheet(one: Figures, other: Figures) -> Sheet:
    """Lay out both sides' months as exact plain decimals, a row for each."""
    names = ("plan_minor", "extra_minor", "charged_minor", "revenue_minor", "breakage_minor")
    rows = [
        (
            f"{month.start:%Y-%m-%d}",
            side.title,
            str(month.events),
            str(month.refused),
            *(money_text(getattr(month, name), side.currency) for name in names),
        )
        for pair in zip(one.months, other.months, strict=True)
        for side, month in zip((one, other), pair, strict=True)
    ]
    amounts = ("plan charge", "extra charges", "charged", "revenue", "breakage")
    columns = (Column("month"), Column("plan"), *numbers("events", "refused", *amounts))
    return Sheet(f"{one.title} and {other.title}, {one.currency}", columns, tuple(rows))


def _money_rows(one: Figures, other: Figures) -> list[tuple[str, ...]]:
    rows = [
        _row("charged", _of(one, "charged_minor"), _of(other, "charged_minor"), one.currency),
        _row("a month, on average", one.per_month, other.per_month, one.currency),
        _row("the dearest month", _dearest(one), _dearest(other), one.currency),
    ]
    for name, figure in (
        ("plan charges", "plan_minor"),
        ("extra credits", "extra_minor"),
        ("breakage: paid and expired", "breakage_minor"),
    ):
        rows.append(_row(name, _of(one, figure), _of(other, figure), one.currency))
    left = Fraction(one.owed_minor), Fraction(other.owed_minor)
    return [*rows, _row("paid and left at the end", *left, one.currency)]


def _count_rows(one: Figures, other: Figures) -> list[tuple[str, ...]]:
    served = [_of(side, "events") - _of(side, "refused") for side in (one, other)]
    return [
        _counted("events served", *served),
        _counted("events refused", _of(one, "refused"), _of(other, "refused")),
    ]


def _price_rows(one: Figures, other: Figures) -> list[tuple[str, ...]]:
    """Compare the cost of an event served, and of a credit if both sides use one type."""
    each = [
        Fraction(side.total("consumed_minor"), max(side.total("events") - side.total("refused"), 1))
        for side in (one, other)
    ]
    rows = [_priced("price per event served", each[0], each[1], one.currency)]
    if one.per_credit is not None and other.per_credit is not None:
        rows.append(
            _priced("price per credit used", one.per_credit, other.per_credit, one.currency)
        )
    return rows


def _dearest(side: Figures) -> Fraction:
    return Fraction(max(month.charged_minor for month in side.months))


def _of(side: Figures, name: str) -> Fraction:
    return Fraction(side.total(name))


def _row(name: str, one: Fraction, other: Fraction, currency: str) -> tuple[str, ...]:
    rounded = [half_up(*amount.as_integer_ratio()) for amount in (one, other, other - one)]
    return (name, *(money(amount, currency) for amount in rounded), _percent(one, other))


def _counted(name: str, one: Fraction, other: Fraction) -> tuple[str, ...]:
    texts = (count_text(number) for number in (one, other, other - one))
    return (name, *texts, _percent(one, other))


def _priced(name: str, one: Fraction, other: Fraction, currency: str) -> tuple[str, ...]:
    texts = (unit_text(amount, currency) for amount in (one, other, other - one))
    return (name, *texts, _percent(one, other))


def _percent(one: Fraction, other: Fraction) -> str:
    return percent_text((other - one) / one) if one else ABSENT


def _month_row(name: str, side: Figures, figures: tuple[int, int, int, int]) -> tuple[str, ...]:
    one, other, *refused = figures
    amounts = (money(amount, side.currency) for amount in (one, other, other - one))
    return (name, *amounts, *(f"{count:,}" for count in refused))
