"""Lists of what a customer has, page by page.

A page begins behind an item that the reader names. What is added meanwhile comes before the first
page (members: anywhere), so that the pages of a list are the list as it was.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, TextClause, text

from domain.errors import InvalidInput

MOST_WAITING = 100
MOST_LOOKED_AT = 20_000  # changes, for what only a look at each can find
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Listing:
    """One list: what is read of each item, and in which of its columns credits are.

    `rows` selects the items with the columns `id` and, but for members, `sort`, of `:account`;
    it may ask for `filters`. The newest `sort` comes first.
    """

    rows: str
    credits: frozenset[str]
    filters: tuple[str, ...] = ()
    ascending: bool = False

    def page(self, *, behind: bool) -> TextClause:
        """Return the statement of a page, the first or the one behind `(:sort, :after)`."""
        order, than = ("ASC", ">") if self.ascending else ("DESC", "<")
        where = f"WHERE (i.sort, i.id) {than} (:sort, :after)" if behind else ""
        return text(
            f"SELECT i.* FROM ({self.rows}) i {where}"  # noqa: S608 - of constants
            f" ORDER BY i.sort {order}, i.id {order} LIMIT :limit"
        )

    def place(self) -> TextClause:
        """Return the statement that says where the item `:after` is sorted."""
        return text(f"SELECT i.sort FROM ({self.rows}) i WHERE i.id = :after")  # noqa: S608


GRANTS = Listing(
    """
    SELECT g.grant_id::text AS id, lpad(g.grant_id::text, 19, '0') AS sort, g.credit_type, g.source,
           g.charge_id, g.granted, used_of(g) AS used, g.remaining, g.held, g.expired, g.voided,
           g.refunded, g.rolled, g.effective_at, nullif(g.expires_at, 'infinity') AS expires_at,
           g.scope AS actions, g.priority, g.cost_minor, g.currency
    FROM grants g WHERE g.account_id = :account AND g.source <> 'overdraft'
      AND (CAST(:credit_type AS text) IS NULL OR g.credit_type = :credit_type)
      AND (CAST(:source AS text) IS NULL OR g.source = :source)
    """,
    frozenset({"granted", "used", "remaining", "held", "expired", "voided", "refunded", "rolled"}),
    ("credit_type", "source"),
)
CHARGES = Listing(
    """
    SELECT c.charge_id AS id, c.opened_at AS sort, c.subscription_id, c.kind, c.state,
           c.amount_minor + c.tax_minor AS amount_minor, c.amount_minor AS net_minor, c.tax_minor,
           coupon_code(c.coupon) AS coupon, c.discount_minor,
           c.surcharge_minor, c.currency, c.quantity AS credits,
           c.pack ->> 'pack_id' AS pack, (c.pack ->> 'count')::integer AS packs,
           c.opened_at, c.settled_at, c.granted_at, c.taken_back_at,
           c.declines, c.decline_code, c.invoice,
           refunds_of(c) AS refunded_minor, disputes_of(c) AS disputed_minor,
           (n.note #>> '{sent,due_at}')::timestamptz AS due_at
    FROM charges c LEFT JOIN charge_notes n USING (account_id, charge_id)
    WHERE c.account_id = :account
      AND (CAST(:state AS text) IS NULL OR c.state = :state)
      AND (CAST(:kind AS text) IS NULL OR c.kind = :kind)
    """,
    frozenset({"credits"}),
    ("state", "kind"),
)
INVOICES = Listing(
    """
    SELECT c.invoice AS id, c.opened_at AS sort, c.charge_id, c.kind, c.state,
           c.amount_minor + c.tax_minor AS amount_minor, c.currency,
           c.opened_at AS issued_at, c.settled_at,
           (n.note #>> '{sent,due_at}')::timestamptz AS due_at
    FROM charges c LEFT JOIN charge_notes n USING (account_id, charge_id)
    WHERE c.account_id = :account AND c.invoice IS NOT NULL
    """,
    frozenset(),
)
NOTICES = Listing(
    """
    SELECT n.notice_id AS id, n.at AS sort, n.kind, n.payload, n.at, n.read_at
    FROM notices n WHERE n.account_id = :account
      AND (CAST(:unread AS text) IS DISTINCT FROM 'true' OR n.read_at IS NULL)
    """,
    frozenset(),
    ("unread",),
)
APPROVALS = Listing(
    """
    SELECT a.key AS id, a.asked_at AS sort, a.key, a.kind, a.member_id AS member, a.state,
           a.credit_type, a.amount AS credits, a.wish ->> 'note' AS note,
           a.wish ->> 'action' AS action, a.asked_at, a.lapses_at, a.settled_at, a.decided_by,
           a.reason
    FROM approvals a WHERE a.account_id = :account
      AND (CAST(:state AS text) IS NULL OR a.state = :state)
      AND (CAST(:member AS text) IS NULL OR a.member_id = :member)
    """,
    frozenset({"credits"}),
    ("state", "member"),
)
MEMBERS = Listing(
    """
    SELECT m.member_id AS id, m.member_id AS sort, m.name, m.email, m.role, m.restricted, m.limits
    FROM members m WHERE m.account_id = :account AND m.removed_at IS NULL
    """,
    frozenset({"limits"}),
    ascending=True,
)


@dataclass(frozen=True, slots=True)
class Page:
    """Some items of a list and whether others follow; `names` are those of the columns."""

    names: tuple[str, ...]
    items: tuple[Row, ...]
    has_more: bool


def page(
    connection: Connection,
    listing: Listing,
    account_id: int,
    *,
    filters: Mapping[str, str],
    after: str | None,
    limit: int,
) -> Page | None:
    """Return the items behind `after` (None: the first); None if the list has no such item."""
    values: dict[str, Any] = {"account": account_id, **dict.fromkeys(listing.filters)}
    if after is not None:
        # Without filters: the item may be another by now, such as a notice that was read.
        values |= {
            "after": after,
            "sort": connection.scalar(listing.place(), values | {"after": after}),
        }
        if values["sort"] is None:
            return None
    statement = listing.page(behind=after is not None)
    return _page(connection.execute(statement, {**values, **filters, "limit": limit + 1}), limit)


ENTRIES = text("""
    SELECT e.seq || '.' || e.line AS id, e.seq, e.kind::text AS kind, e.credit_type,
           e.change AS credits, e.held_change AS held, e.available_after AS available, e.at,
           e.event_at, e.late, o.action, o.served_as, o.key, o.quantity, o.tags, e.corrects,
           e.grant_id, g.source, g.charge_id
    FROM journal e
    CROSS JOIN LATERAL operation_of(:account, e.seq, e.corrects) o
    LEFT JOIN grants g ON g.account_id = e.account_id AND g.grant_id = e.grant_id
    WHERE e.account_id = :account AND (e.seq, e.line) < (:seq, :line)
      AND e.seq > :low AND e.seq <= :high
      AND (CAST(:action AS text) IS NULL OR :action IN (o.action, o.served_as))
      AND (CAST(:tags AS jsonb) IS NULL OR o.tags @> CAST(:tags AS jsonb))
    ORDER BY e.seq DESC, e.line DESC LIMIT :limit
""")
ENTRY_CREDITS = frozenset({"credits", "held", "available", "quantity"})
AT_LAST = (2**62, 32_767)  # behind every line


@dataclass(frozen=True, slots=True)
class ChosenEntries:
    """Which lines: of an action, with all these tags (as JSON), decided in [start, end)."""

    action: str | None = None
    tags: str | None = None
    start: datetime | None = None
    end: datetime | None = None


def entries(
    connection: Connection,
    account_id: int,
    chosen: ChosenEntries,
    *,
    after: tuple[int, int] | None,
    limit: int,
    most: int = MOST_LOOKED_AT,
) -> Page | None:
    """Return lines of the journal, the newest first; None if there is no line `after`.

    What is chosen by action or tags is looked for in so many changes at `most`: the page has what
    was found, and says that more may follow. Raises `InvalidInput` (`report_too_large`) if that is
    nothing.
    """
    if after is not None and connection.scalar(KNOWN_ENTRY, _line(account_id, after)) is None:
        return None
    values: Row = {
        **_line(account_id, after or AT_LAST),
        "low": _before(connection, account_id, chosen.start) if chosen.start else 0,
        "high": _before(connection, account_id, chosen.end) if chosen.end else AT_LAST[0],
        "action": chosen.action,
        "tags": chosen.tags,
        "limit": limit + 1,
    }
    if chosen.action is None and chosen.tags is None:
        return _page(connection.execute(ENTRIES, values), limit)
    lowest = _top(connection, values) - most
    found = _page(connection.execute(ENTRIES, values | {"low": max(values["low"], lowest)}), limit)
    if found.has_more or lowest <= values["low"]:
        return found
    if not found.items:
        told = f"none of {most:,} changes is one: name an earlier `to`, or choose less narrowly"
        raise InvalidInput("report_too_large", told)
    return replace(found, has_more=True)


def _top(connection: Connection, values: Row) -> int:
    """Return the newest change that a page may have."""
    newest = connection.scalar(
        text("SELECT seq FROM wallets WHERE account_id = :account"), {"account": values["account"]}
    )
    return min(int(values["seq"]), int(values["high"]), int(newest or 0))


KNOWN_ENTRY = text(
    "SELECT 1 FROM journal WHERE account_id = :account AND seq = :seq AND line = :line"
)


def _line(account_id: int, line: tuple[int, int]) -> dict[str, int]:
    return {"account": account_id, "seq": line[0], "line": line[1]}


def _before(connection: Connection, account_id: int, at: datetime) -> int:
    found = connection.scalar(
        text("SELECT seq_before(:account, :at)"), {"account": account_id, "at": at}
    )
    return int(found or 0)


def _page(found: Any, limit: int) -> Page:
    names = tuple(name for name in found.keys() if name != "sort")  # noqa: SIM118 - no mapping
    rows = [{name: row[name] for name in names} for row in found.mappings()]
    return Page(names, tuple(rows[:limit]), len(rows) > limit)


def waiting_approvals(connection: Connection, account_id: int) -> list[Row]:
    """Return the requests that wait for an admin, the oldest first, at most a hundred."""
    rows = connection.execute(
        text("""
            SELECT key, kind, member_id, credit_type, amount, wish ->> 'note' AS note, asked_at,
                   lapses_at
            FROM approvals WHERE account_id = :account AND state = 'waiting'
            ORDER BY asked_at, key LIMIT :limit
        """),
        {"account": account_id, "limit": MOST_WAITING},
    )
    return [dict(row) for row in rows.mappings()]
