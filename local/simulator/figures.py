"""What a life cost, month by month, read from the ledger; every figure ties to its books."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field, fields
from datetime import datetime, timedelta
from fractions import Fraction

from sqlalchemy import Connection, text

from domain.credits import MICRO
from ledger.reports.prices import ActionPrice, effective_prices
from ledger.reports.scope import Scope, answer
from ledger.reports.standing import STANDING
from local.simulator.life import Lived

BOUGHT = ("manual_purchase", "auto_purchase", "pack")
MONEY = """
SELECT instant, sum(cost) AS cost, sum(earned) AS earned,
       sum(deferred - earned_not_posted - broken_not_posted) AS owed
FROM standing GROUP BY instant
"""
OVER = text("SELECT decided_at FROM wallets WHERE account_id = :account")
# What moved on was included once; an overdraft is no credit given, drawing it is use all the same.
GRANTS = text("""
    SELECT g.credit_type, g.source, g.effective_at, g.granted,
           coalesce(j.key LIKE 'ledger:import:%', false) AS is_brought
    FROM grants g LEFT JOIN journal j ON j.account_id = g.account_id AND j.seq = g.grant_id
    WHERE g.account_id = :account AND g.source NOT IN ('rollover', 'overdraft')
""")
# Expiry at a month's end belongs to that month; use at that instant to the next.
# Credits that repay were used before, on credit. Holds and releases change nothing.
MOVES = text("""
    SELECT e.credit_type, e.kind::text AS kind,
           CASE e.kind WHEN 'expiry' THEN e.event_at ELSE e.at END AS at,
           sum(e.change)::bigint AS change
    FROM entries e
    LEFT JOIN grants g ON g.account_id = e.account_id AND g.grant_id = e.grant_id
    WHERE e.account_id = :account AND e.kind NOT IN ('grant', 'rollover', 'repayment')
      AND (e.kind IN ('debit', 'capture', 'correction') OR g.source <> 'overdraft')
    GROUP BY 1, 2, 3
""")
USED = ("debit", "capture", "correction")
CHARGES = text("""
    SELECT kind, amount_minor, tax_minor, discount_minor, settled_at AS at FROM charges
    WHERE account_id = :account AND state = 'paid' AND settled_at < :end
""")
REFUSALS = text("""
    SELECT key, reason, at FROM refusals WHERE account_id = :account
    ORDER BY at, reason = 'confirmation_required' DESC, refusal_id
""")


@dataclass
class Flow:
    """Micro-credits of one type in one month; `left` could be used at its end, less debts."""

    included: int = 0
    brought: int = 0  # from another system
    bought: int = 0
    used: int = 0
    expired: int = 0
    left: int = 0


@dataclass
class MonthFigures:
    """One month. Money in minor units: charged is paid then, revenue and breakage fell due then."""

    start: datetime
    flows: dict[str, Flow]
    _: KW_ONLY
    plan_minor: int = 0
    extra_minor: int = 0
    brought_minor: int = 0  # cost of what came from another system, paid there
    tax_minor: int = 0  # charged beside it
    discount_minor: int = 0  # that a coupon took off
    revenue_minor: int = 0
    breakage_minor: int = 0
    events: int = 0
    refused: int = 0

    @property
    def charged_minor(self) -> int:
        """Everything that was paid in the month."""
        return self.plan_minor + self.extra_minor

    @property
    def consumed_minor(self) -> int:
        """What the month's use and its unused credits cost."""
        return self.revenue_minor + self.breakage_minor


# What is added up over months and customers.
AMOUNTS = tuple(one.name for one in fields(MonthFigures) if one.kw_only)


@dataclass(frozen=True)
class Figures:
    """All months, what one of each action came to, and why events were refused.

    `asked` is how many events were confirmed once a person was asked.
    """

    title: str
    name: str
    currency: str
    months: tuple[MonthFigures, ...]
    owed_minor: int
    prices: tuple[ActionPrice, ...]
    reasons: Mapping[str, int]
    notes: tuple[str, ...] = ()
    asked: int = 0
    credit_types: Mapping[str, str] = field(default_factory=dict)  # names for people

    @property
    def main_type(self) -> str:
        """The credit type that comes first in the price list."""
        return next(iter(self.credit_types))

    def total(self, name: str) -> int:
        """Return the sum of a figure over all months."""
        return sum(int(getattr(month, name)) for month in self.months)

    def credits(self, credit_type: str, name: str) -> int:
        """Return the sum of a flow over all months, in micro-credits."""
        return sum(int(getattr(month.flows[credit_type], name)) for month in self.months)

    @property
    def brings(self) -> bool:
        """Whether any credits came from another system."""
        return any(flow.brought for month in self.months for flow in month.flows.values())

    @property
    def per_month(self) -> Fraction:
        """Minor units charged in the average month."""
        return Fraction(self.total("charged_minor"), len(self.months))

    @property
    def per_credit(self) -> Fraction | None:
        """Minor units per credit used, unused ones paid too; None if several types were used."""
        used = {one: self.credits(one, "used") for one in self.credit_types}
        if [one for one, credits_used in used.items() if credits_used] != [self.main_type]:
            return None
        return Fraction(self.total("consumed_minor") * MICRO, used[self.main_type])


def figures_of(connection: Connection, lived: Lived) -> Figures:
    """Read the figures of a life."""
    calendar = lived.side.months_from(lived.begins)
    starts = [calendar.start(month) for month in range(lived.months + 1)]
    kinds = {one.credit_type: one.name for one in lived.side.catalog.credit_types}
    months = tuple(
        MonthFigures(start, {credit_type: Flow() for credit_type in kinds}) for start in starts[:-1]
    )
    account = lived.account_id
    _credits(connection, account, starts, months)
    owed = _money(connection, account, starts, months)
    reasons = _events(connection, lived, starts, months)
    whole = Scope(starts[0], starts[-1], account)
    return Figures(
        title=lived.side.title,
        name=lived.side.plan.name,
        currency=lived.side.plan.currency,
        months=months,
        owed_minor=owed,
        prices=effective_prices(connection, whole).actions,
        reasons=reasons,
        notes=tuple(lived.notes),
        asked=lived.asked,
        credit_types=kinds,
    )


def _credits(
    connection: Connection,
    account_id: int,
    starts: list[datetime],
    months: tuple[MonthFigures, ...],
) -> None:
    account = {"account": account_id}
    for row in connection.execute(GRANTS, account):
        month = _month(starts, row.effective_at)
        if month is not None:
            flow = months[month].flows[row.credit_type]
            name = "bought" if row.source in BOUGHT else "included"
            name = "brought" if row.is_brought else name
            setattr(flow, name, getattr(flow, name) + row.granted)
    for row in connection.execute(MOVES, account):
        ends = row.kind not in USED  # expired, void, gone back with its money
        month = _month(starts, row.at - timedelta(microseconds=1) if ends else row.at)
        if month is not None:
            flow = months[month].flows[row.credit_type]
            name = "expired" if ends else "used"
            setattr(flow, name, getattr(flow, name) - row.change)
    for month_before, this in zip((None, *months), months, strict=False):
        for credit_type, flow in this.flows.items():
            opening = month_before.flows[credit_type].left if month_before else 0
            given = flow.included + flow.brought + flow.bought
            flow.left = opening + given - flow.used - flow.expired


def _money(
    connection: Connection,
    account_id: int,
    starts: list[datetime],
    months: tuple[MonthFigures, ...],
) -> int:
    """Fill in money; return the deferred revenue left at the end."""
    # The end is decided just after the last month: rolled-over credits expire with it.
    over = connection.execute(OVER, {"account": account_id}).scalar_one()
    ends = [*starts[1:-1], max(over, starts[-1])]
    values = {"instants": ends, "account": account_id}
    rows = {row.instant: row for row in answer(connection, (STANDING, MONEY), values)}
    earned, broken, owed = [0], [0], 0
    for end in ends:
        row = rows.get(end)
        earned.append(row.earned if row else 0)
        owed = row.owed if row else 0
        broken.append(row.cost - row.earned - owed if row else 0)
    for number, month in enumerate(months):
        month.revenue_minor = earned[number + 1] - earned[number]
        month.breakage_minor = broken[number + 1] - broken[number]
    for row in connection.execute(CHARGES, {"account": account_id, "end": starts[-1]}):
        paid = months[_month(starts, row.at) or 0]
        if row.kind in ("period", "upgrade"):
            paid.plan_minor += row.amount_minor
        elif row.kind == "import":
            paid.brought_minor += row.amount_minor
        else:
            paid.extra_minor += row.amount_minor
        paid.tax_minor += row.tax_minor
        paid.discount_minor += row.discount_minor or 0
    return owed


def _events(
    connection: Connection,
    lived: Lived,
    starts: list[datetime],
    months: tuple[MonthFigures, ...],
) -> dict[str, int]:
    """Count events; return how many were refused, by reason."""
    for key, count in lived.stand_for.items():
        months[int(key[1 : key.index("-")])].events += count
    reasons: Counter[str] = Counter()
    served = set(
        connection.scalars(
            text("SELECT key FROM entries WHERE account_id = :account AND line = 0"
                 " AND key IS NOT NULL"),
            {"account": lived.account_id},
        )
    )  # fmt: skip
    last = {row.key: row for row in connection.execute(REFUSALS, {"account": lived.account_id})}
    for key, row in last.items():
        month = _month(starts, row.at)
        if key in served or month is None:  # refused once, and sent again with success
            continue
        count = lived.stand_for.get(key, 1)
        months[month].refused += count
        reasons[row.reason] += count
    return dict(reasons)


def _month(starts: list[datetime], at: datetime) -> int | None:
    """Return the number of the month that holds an instant; None outside all."""
    month = bisect_right(starts, at) - 1
    return month if 0 <= month < len(starts) - 1 else None
