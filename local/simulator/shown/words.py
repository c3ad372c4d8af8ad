"""A life in words: sheets for spreadsheets, grids for people, and one sentence."""

from collections.abc import Callable, Iterable
from fractions import Fraction

from domain.credits import MICRO, format_credits
from domain.money import format_money, half_up
from ledger.reports.tables import ABSENT, Column, Sheet, major_text, money_text, numbers
from local.simulator.figures import AMOUNTS, Figures, Flow, MonthFigures

FLOWS = ("included", "brought", "bought", "used", "expired", "left")
MONEY = ("plan charge", "extra charges", "charged", "revenue", "breakage")
ALL = "all"
BROUGHT = "was paid elsewhere for what was brought along: revenue and breakage are of it, too"
Amount = Callable[[int], str]


def months_sheet(figures: Figures) -> Sheet:
    """Lay out every month and figure as exact plain decimals."""
    several = len(figures.credit_types) > 1
    columns = [Column("month"), *numbers("events", "refused")]
    for credit_type in figures.credit_types:
        prefix = f"{credit_type} " if several else ""
        columns += numbers(*(f"{prefix}{flow}" for flow in _flows(figures)))
    columns += numbers(*MONEY, "price per credit used")
    rows = [
        (
            f"{month.start:%Y-%m-%d}",
            *_counts(month, str),
            *(
                cell
                for flow in month.flows.values()
                for cell in _flow(figures, flow, format_credits)
            ),
            *_money(month, lambda minor: money_text(minor, figures.currency)),
            _each(figures, month),
        )
        for month in figures.months
    ]
    return Sheet(f"{figures.title}, {figures.currency}", tuple(columns), tuple(rows))


def month_grids(figures: Figures) -> list[Sheet]:
    """Return the months for people: one grid, or one of money and one for each of several types."""
    single = len(figures.credit_types) == 1
    names = (*(_flows(figures) if single else ()), *MONEY[2:], *(("per credit",) if single else ()))
    months = [(f"{month.start:%Y-%m}", month) for month in figures.months]
    rows = tuple(
        _shown(figures, month, name, single=single)
        for name, month in (*months, (ALL, _whole(figures)))
    )
    title = f"{figures.title}: {figures.name}"
    whole = Sheet(title, (Column("month"), *numbers("events", "refused", *names)), rows)
    return [whole] if single else [whole, *(_of_type(figures, one) for one in figures.credit_types)]


def prices_grid(figures: Figures) -> Sheet:
    """Return the cost of one of each action, from the credits it drew."""
    rows = [
        (
            one.action,
            count_text(Fraction(one.quantity_micro, MICRO)),
            money(half_up(*one.earned_minor.as_integer_ratio()), one.currency),
            unit_text(one.price_minor, one.currency),
        )
        for one in figures.prices
    ]
    columns = (Column("action"), *numbers("quantity", "earned", "price"))
    return Sheet("effective price per action", columns, tuple(rows))


def sentence(figures: Figures) -> str:
    """Return what a plan costs, in one sentence."""
    refused = figures.total("refused")
    each = figures.per_credit
    return (
        f"{figures.title} costs {_average(figures)} a month on average"
        f" ({money(figures.total('charged_minor'), figures.currency)} in {len(figures.months)}"
        f" months)"
        + (f", {unit_text(each, figures.currency)} for each credit used" if each else "")
        + f"; {_unused(figures)}; {refused_text(refused, figures.total('events'))} refused"
        + (f"; {figures.asked:,} asked first and were confirmed." if figures.asked else ".")
    )


def refused_text(refused: int, events: int) -> str:
    """Return how many events would have been refused."""
    if not refused:
        return f"none of {events:,} events would have been"
    share = percent_text(Fraction(refused, max(events, 1)))
    return f"{refused:,} of {events:,} events ({share}) would have been"


def reasons_text(figures: Figures) -> str:
    """Return why events were refused, the commonest reason first; empty if none were."""
    by_count = sorted(figures.reasons.items(), key=lambda one: (-one[1], one[0]))
    return ", ".join(f"{count:,} {reason}" for reason, count in by_count)


def notes(figures: Figures) -> tuple[str, ...]:
    """Return what is to be known beside the figures: tax and discounts are in none of them."""
    sums = {
        "of tax came to what was charged": figures.total("tax_minor"),
        "were taken off by the coupon": figures.total("discount_minor"),
        BROUGHT: figures.total("brought_minor"),
    }
    told = [f"{money(minor, figures.currency)} {what}" for what, minor in sums.items() if minor]
    return (*figures.notes, *told)


def money(amount_minor: int, currency: str) -> str:
    """Return minor units as people read them."""
    return format_money(amount_minor, currency)


def unit_text(amount_minor: Fraction | None, currency: str) -> str:
    """Return a price that may be far below a minor unit."""
    if amount_minor is None:
        return ABSENT
    sign = "-" if amount_minor < 0 else ""
    unit = format_money(0, currency).rstrip("0.")
    return f"{sign}{unit}{major_text(abs(amount_minor), currency)}"


def credits_text(micro: int) -> str:
    """Return micro-credits with at most two decimals and separated thousands."""
    return count_text(Fraction(micro, MICRO))


def count_text(value: Fraction) -> str:
    """Return a number with at most two decimals and separated thousands."""
    hundredths = half_up(value.numerator * 100, value.denominator)
    whole, part = divmod(abs(hundredths), 100)
    decimals = f".{part:02d}".rstrip("0") if part else ""
    return f"{'-' if hundredths < 0 else ''}{whole:,}{decimals}"


def percent_text(share: Fraction) -> str:
    """Return a share in percent with one decimal; a tiny share is never shown as zero."""
    tenths = half_up(share.numerator * 1_000, share.denominator)
    if share and not tenths:
        return "under 0.1 %"
    return f"{'-' if tenths < 0 else ''}{abs(tenths) // 10:,}.{abs(tenths) % 10} %"


def _average(figures: Figures) -> str:
    return money(half_up(*figures.per_month.as_integer_ratio()), figures.currency)


def _unused(figures: Figures) -> str:
    broken = figures.total("breakage_minor")
    paid = figures.total("charged_minor") + figures.total("brought_minor")
    if not broken:
        return "no paid credit expired unused"
    share = percent_text(Fraction(broken, max(paid, 1)))
    of = "what was paid" if figures.brings else "it"
    amount = money(broken, figures.currency)
    return f"{amount} of {of} ({share}) was for credits that expired unused"


def _whole(figures: Figures) -> MonthFigures:
    """Return all months as one."""
    flows = {
        one: Flow(
            **{name: figures.credits(one, name) for name in FLOWS[:-1]},
            left=figures.months[-1].flows[one].left,
        )
        for one in figures.credit_types
    }
    return MonthFigures(
        figures.months[0].start, flows, **{name: figures.total(name) for name in AMOUNTS}
    )


def _shown(figures: Figures, month: MonthFigures, name: str, *, single: bool) -> tuple[str, ...]:
    amounts = tuple(_money(month, lambda minor: money(minor, figures.currency)))[2:]
    counts = (name, *_counts(month, "{:,}".format))
    if not single:
        return (*counts, *amounts)
    flow = _flow(figures, month.flows[figures.main_type], credits_text)
    return (*counts, *flow, *amounts, _each(figures, month))


def _of_type(figures: Figures, credit_type: str) -> Sheet:
    months = [(f"{month.start:%Y-%m}", month) for month in figures.months]
    rows = tuple(
        (name, *_flow(figures, month.flows[credit_type], credits_text))
        for name, month in (*months, (ALL, _whole(figures)))
    )
    columns = (Column("month"), *numbers(*_flows(figures)))
    return Sheet(figures.credit_types[credit_type], columns, rows)


def _counts(month: MonthFigures, text: Amount) -> tuple[str, str]:
    return text(month.events), text(month.refused)


def _flows(figures: Figures) -> tuple[str, ...]:
    """Return the flows that are shown: few customers have brought anything along."""
    return tuple(name for name in FLOWS if name != "brought" or figures.brings)


def _flow(figures: Figures, flow: Flow, text: Amount) -> Iterable[str]:
    return (text(getattr(flow, name)) for name in _flows(figures))


def _money(month: MonthFigures, text: Amount) -> Iterable[str]:
    return (
        text(month.plan_minor),
        text(month.extra_minor),
        text(month.charged_minor),
        text(month.revenue_minor),
        text(month.breakage_minor),
    )


def _each(figures: Figures, month: MonthFigures) -> str:
    """Return the cost of a credit used in a month, paid but unused ones included."""
    used = month.flows[figures.main_type].used
    if figures.per_credit is None or used <= 0:
        return ABSENT
    return major_text(Fraction(month.consumed_minor * MICRO, used), figures.currency)
