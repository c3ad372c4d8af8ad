"""All that happened to one customer, the newest first, page by page.

Two streams are merged: the journal by its own order, and everything else by its time. The use of a
day is one event, unless something else moved credits in between. A page reads at most so many
lines and rows of this customer, by index, whatever there is behind them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, text

from domain.errors import InvalidInput

MOST_LINES = 5_000  # of the journal that one page folds
LONGEST = 600  # characters of a place
LAST_SEQ = 2**62
NEVER = "infinity"
NEAR = "2 days"  # within which two charges of the same amount may be one too many


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: before an entry of the journal and before (`at`, `ident`) of the rest.

    `at` is a text, for nothing is as late as `infinity`.
    """

    seq: int = LAST_SEQ
    at: str = NEVER
    ident: str = ""

    def __str__(self) -> str:
        """Return the place as it stands in an address."""
        return f"{self.seq}~{self.at}~{self.ident}"

    @classmethod
    def parse(cls, sent: str) -> "Place":
        """Read what `str` wrote; "" is the beginning. Raises `InvalidInput` (`malformed`)."""
        if not sent:
            return cls()
        seq, _, rest = sent.partition("~")
        at, _, ident = rest.partition("~")
        known = len(sent) <= LONGEST and seq.isascii() and seq.isdecimal() and int(seq) <= LAST_SEQ
        if not known or "\x00" in ident or not _is_instant(at):
            raise InvalidInput("malformed", "no page of the timeline begins there")
        return cls(int(seq), at, ident)


def _is_instant(text_at: str) -> bool:
    try:
        return text_at == NEVER or datetime.fromisoformat(text_at).tzinfo is not None
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened; `amounts` are micro-credits by credit type, signed.

    `kind` is a kind of entry, `usage`, or the name of a source below; `since`: of folded use, when
    it began; `count`: how many events it is. `facts` are what else is known, by their names.
    """

    kind: str
    at: datetime
    amounts: tuple[tuple[str, int], ...] = ()
    since: datetime | None = None
    count: int = 1
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a timeline; `older` is where the next page begins, None: nothing is older."""

    events: tuple[Event, ...]
    older: Place | None


@dataclass(frozen=True, slots=True)
class _Placed:
    event: Event
    seq: int | None  # of its oldest entry; None: it is not of the journal
    ident: str = ""


def page(connection: Connection, account_id: int, place: Place, limit: int) -> Page:
    """Return at most `limit` events before a place."""
    lines, all_read = _journal(connection, account_id, place)
    others = _others(connection, account_id, place, limit + 1)
    shown: list[_Placed] = []
    for one in _merged(lines, others, all_read=all_read):
        if len(shown) == limit:
            return Page(_events(shown), _behind(place, shown))
        shown.append(one)
    return Page(_events(shown), None if all_read else _behind(place, shown))


def _events(shown: Iterable[_Placed]) -> tuple[Event, ...]:
    return tuple(one.event for one in shown)


def _merged(
    lines: Sequence[_Placed], others: Sequence[_Placed], *, all_read: bool
) -> Iterator[_Placed]:
    """Yield both streams by time; where the journal goes on unread, nothing older is known."""
    rest = list(others)
    for line in lines:
        while rest and rest[0].event.at > line.event.at:
            yield rest.pop(0)
        yield line
    if all_read:
        yield from rest


def _behind(place: Place, shown: Sequence[_Placed]) -> Place:
    """Return the place behind what was shown, of each stream."""
    seqs = [one.seq for one in shown if one.seq is not None]
    others = [one for one in shown if one.seq is None]
    seq = min(seqs, default=place.seq)
    if not others:
        return Place(seq, place.at, place.ident)
    return Place(seq, others[-1].event.at.isoformat(), others[-1].ident)


def _journal(connection: Connection, account_id: int, place: Place) -> tuple[list[_Placed], bool]:
    """Return the journal before a place, folded, and whether that is all of it."""
    values = {"account": account_id, "seq": place.seq, "most": MOST_LINES}
    rows = connection.execute(_JOURNAL, values).all()
    folds = [_fold(list(each)) for _, each in groupby(rows, lambda row: row.fold)]
    folds.sort(key=lambda one: -(one.seq or 0))
    return folds, not rows or bool(rows[0].all_read)


def _fold(rows: Sequence[Row[Any]]) -> _Placed:
    first = rows[0]
    facts = {name: value for name, value in (first.facts or {}).items() if value is not None}
    event = Event(
        kind=first.kind,
        at=max(row.at for row in rows),
        amounts=tuple((row.credit_type, int(row.change)) for row in rows),
        since=min(row.since for row in rows),
        count=first.events,
        facts=facts,
    )
    return _Placed(event, min(row.seq for row in rows))


# An operation of which only a part was read is left to the next page.
_JOURNAL = text("""
    WITH lines AS (
        SELECT e.seq, e.line, e.at, e.kind::text AS kind, e.credit_type, e.change, e.grant_id,
               e.corrects,
               e.kind IN ('debit', 'hold', 'capture', 'release') AS used,
               (e.at AT TIME ZONE 'UTC')::date AS day
        FROM journal e WHERE e.account_id = :account AND e.seq < :seq
        ORDER BY e.seq DESC, e.line DESC LIMIT :most
    ), known AS (
        SELECT count(*) < :most AS all_read, min(seq) AS lowest FROM lines
    ), marked AS (
        SELECT l.*, k.all_read,
               count(*) FILTER (WHERE NOT l.used) OVER (ORDER BY l.seq DESC, l.line DESC) AS breaks
        FROM lines l CROSS JOIN known k WHERE k.all_read OR l.seq > k.lowest
    ), placed AS (
        SELECT m.*, CASE WHEN used THEN 'u' || breaks || ':' || day ELSE seq::text END AS fold
        FROM marked m
    ), counted AS (
        SELECT fold, count(DISTINCT seq) AS events FROM placed
        WHERE kind IN ('debit', 'capture') GROUP BY fold
    ), folded AS (
        SELECT fold, credit_type, bool_and(all_read) AS all_read, bool_and(used) AS used,
               min(seq) AS seq, max(at) AS at, min(at) AS since, min(kind) AS kind,
               sum(change) AS change, min(grant_id) AS grant_id, min(corrects) AS corrects
        FROM placed GROUP BY fold, credit_type
    )
    SELECT f.fold, f.all_read, f.seq, f.at, f.since, f.change, f.credit_type,
           coalesce(n.events, 0) AS events,
           CASE WHEN f.used THEN 'usage' ELSE f.kind END AS kind,
           CASE WHEN NOT f.used THEN jsonb_build_object(
               'source', g.source, 'charge', g.charge_id, 'key', o.key,
               'reason', coalesce(r.reason, o.tags ->> 'reason'),
               'by', coalesce(r.made_by, o.tags ->> 'by'),
               'approved_by', o.tags ->> 'approved_by', 'event', c.key) END AS facts
    FROM folded f
    LEFT JOIN counted n USING (fold)
    LEFT JOIN LATERAL operation_of(:account, f.seq, NULL) o ON NOT f.used
    LEFT JOIN LATERAL operation_of(:account, f.seq, f.corrects) c ON f.corrects IS NOT NULL
    LEFT JOIN grants g ON NOT f.used AND g.account_id = :account AND g.grant_id = f.grant_id
    LEFT JOIN refunds r ON r.account_id = :account AND r.refund_id = o.tags ->> 'refund'
    ORDER BY f.fold, f.credit_type
""")


def _others(connection: Connection, account_id: int, place: Place, limit: int) -> list[_Placed]:
    values = {"account": account_id, "at": place.at, "ident": place.ident, "limit": limit}
    return [
        _Placed(Event(row.kind, row.at, facts=_known(row.facts)), None, row.ident)
        for row in connection.execute(_OTHERS, values)
    ]


def _known(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value is not None}


# What each source tells: when, which of it, and facts. Ids tell the rows of one instant apart.
_SOURCES = {
    "charge": """
        SELECT c.opened_at AS at, c.charge_id AS id, jsonb_build_object(
            'charge', c.charge_id, 'what', c.kind, 'state', c.state,
            'minor', c.amount_minor + c.tax_minor,
            'currency', c.currency, 'micro', c.quantity, 'settled_at', c.settled_at,
            'declines', nullif(c.declines, 0), 'code', c.decline_code, 'invoice', c.invoice)
        FROM charges c WHERE c.account_id = :account""",
    "money_back": """
        SELECT r.at, r.refund_id AS id, jsonb_build_object(
            'charge', r.charge_id, 'state', r.state, 'minor', r.amount_minor,
            'currency', c.currency, 'reason', r.reason, 'by', r.made_by, 'of', c.kind)
        FROM refunds r JOIN charges c USING (account_id, charge_id)
        WHERE r.account_id = :account""",
    "dispute": """
        SELECT d.at, d.dispute_id AS id, jsonb_build_object(
            'charge', d.charge_id, 'state', d.state, 'minor', d.amount_minor,
            'currency', c.currency)
        FROM disputes d JOIN charges c USING (account_id, charge_id)
        WHERE d.account_id = :account""",
    "mail": """
        SELECT o.recorded_at AS at, o.message_key AS id, jsonb_build_object(
            'what', o.payload -> 'mail' ->> 'kind', 'to', o.payload ->> 'to',
            'delivered_at', o.delivered_at, 'refused', o.refused)
        FROM outbox o WHERE o.account_id = :account AND o.topic = 'mail'""",
    "webhook": """
        SELECT e.at, e.number::text AS id, jsonb_build_object(
            'what', e.type, 'deliveries', (
                SELECT jsonb_object_agg(d.state, d.amount) FROM (
                    SELECT w.state, count(*) AS amount FROM webhook_deliveries w
                    WHERE w.account_id = e.account_id AND w.number = e.number
                    GROUP BY w.state) d))
        FROM webhook_events e WHERE e.account_id = :account""",
    "pause": """
        SELECT p.at, p.pause_id::text AS id, jsonb_build_object(
            'paused', p.paused, 'what', p.cause, 'reason', nullif(p.reason, ''),
            'by', nullif(p.made_by, ''))
        FROM pauses p WHERE p.account_id = :account""",
    "request": """
        SELECT k.at, k.subscription_id || ' ' || k.key AS id, jsonb_build_object(
            'what', k.request, 'key', k.key, 'state', k.answer ->> 'status',
            'reason', k.answer ->> 'reason')
        FROM kept_answers k WHERE k.account_id = :account""",
    "subscribed": """
        SELECT coalesce(s.begins_at, s.anchor) AS at, s.subscription_id AS id, jsonb_build_object(
            'subscription', s.subscription_id, 'what', s.plan ->> 'name')
        FROM subscriptions s WHERE s.account_id = :account""",
    "member_added": """
        SELECT m.recorded_at AS at, m.member_id AS id, jsonb_build_object(
            'member', m.member_id, 'name', m.name, 'what', m.role)
        FROM members m WHERE m.account_id = :account""",
    "member_removed": """
        SELECT m.removed_at AS at, m.member_id AS id, jsonb_build_object(
            'member', m.member_id, 'name', m.name)
        FROM members m WHERE m.account_id = :account AND m.removed_at IS NOT NULL""",
    "asked": """
        SELECT a.asked_at AS at, a.key AS id, jsonb_build_object(
            'member', a.member_id, 'what', a.kind, 'micro', a.amount, 'type', a.credit_type,
            'reason', a.wish ->> 'note')
        FROM approvals a WHERE a.account_id = :account""",
    "decided": """
        SELECT a.settled_at AS at, a.key AS id, jsonb_build_object(
            'member', a.member_id, 'state', a.state, 'micro', a.amount, 'type', a.credit_type,
            'by', a.decided_by, 'reason', a.reason)
        FROM approvals a WHERE a.account_id = :account AND a.settled_at IS NOT NULL""",
    "act": """
        SELECT o.at, o.act_id AS id, jsonb_build_object(
            'what', o.act, 'content', o.content, 'state', o.state, 'reason', o.reason,
            'by', o.made_by, 'decided_by', o.decided_by)
        FROM operator_acts o WHERE o.account_id = :account""",
    "notice": """
        SELECT n.at, n.notice_id AS id, jsonb_build_object('what', n.kind, 'read_at', n.read_at)
        FROM notices n WHERE n.account_id = :account""",
    "refusal": """
        SELECT r.at, r.refusal_id AS id, jsonb_build_object('what', r.reason, 'key', r.key)
        FROM refusals r WHERE r.account_id = :account""",
}


def _newest(kind: str, source: str) -> str:
    """Return the statement of a source's newest rows before the place."""
    return f"""
        (SELECT s.at, '{kind}' AS kind, '{kind} ' || s.id COLLATE "C" AS ident, s.facts
         FROM ({source}) s (at, id, facts)
         WHERE (s.at, '{kind} ' || s.id COLLATE "C") < (CAST(:at AS timestamptz), :ident)
         ORDER BY 1 DESC, 3 DESC LIMIT :limit)
    """  # noqa: S608 - of constants


_OTHERS = text(
    "SELECT * FROM ("  # noqa: S608 - as above
    + " UNION ALL ".join(_newest(kind, source) for kind, source in _SOURCES.items())
    + ') t ORDER BY at DESC, ident COLLATE "C" DESC LIMIT :limit'
)


@dataclass(frozen=True, slots=True)
class Twin:
    """A charge of the same amount near another one."""

    charge_id: str
    twin_id: str
    twin_at: datetime


def twins(connection: Connection, account_id: int, charge_ids: Sequence[str]) -> tuple[Twin, ...]:
    """Return, for each of these charges that has one, the nearest paid for the same amount.

    Charges may be one too many if two were paid within two days.
    """
    values = {"account": account_id, "ids": list(charge_ids), "near": NEAR}
    return tuple(Twin(*row) for row in connection.execute(_TWINS, values))


_TWINS = text("""
    SELECT c.charge_id, t.charge_id, t.opened_at
    FROM charges c CROSS JOIN LATERAL (
        SELECT o.charge_id, o.opened_at FROM charges o
        WHERE o.account_id = c.account_id AND o.charge_id <> c.charge_id AND o.state = 'paid'
          AND o.amount_minor = c.amount_minor AND o.currency = c.currency
          AND o.opened_at BETWEEN c.opened_at - CAST(:near AS interval)
                              AND c.opened_at + CAST(:near AS interval)
        ORDER BY greatest(o.opened_at - c.opened_at, c.opened_at - o.opened_at), o.charge_id
        LIMIT 1) t
    WHERE c.account_id = :account AND c.charge_id = ANY (:ids) AND c.state = 'paid'
""")
