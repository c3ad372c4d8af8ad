"""The state of every grant at an instant: what it owes by the books and what it has earned.

Revenue is posted when `recognise` runs, at expiries and ends of periods; it is due the moment
credits are used or expire. Both are shown, so that nothing due but unposted is hidden.
"""

# One row per grant and instant of :instants, of :account or of all. An instant includes what was
# decided at it; a grant that expires then has expired. A grant owes from its charge's payment on,
# or where it was granted before its money from then on.
# A hold that has lapsed by the instant holds nothing, recorded or not.
# Due revenue and breakage are the half-up functions of cumulative use that `recognise` posts;
# deferred revenue released otherwise (by a refund) is not due as breakage.
# Credits that may roll over have not expired: until decided they stay in their old grant. Their
# cost moves along: the old grant costs less, and a rolled grant owes from its rollover on. Nothing
# here depends on what a grant has become since: a past instant always has the same answer.
STANDING = """
WITH instants AS (
    SELECT unnest(CAST(:instants AS timestamptz[])) AS instant),
journal AS (
    SELECT i.instant, e.account_id, e.grant_id, sum(e.change) AS remaining,
           sum(e.held_change) AS held,
           coalesce(-sum(e.change) FILTER (
               WHERE e.kind IN ('debit', 'capture', 'correction', 'repayment')), 0) AS used,
           bool_or(e.kind = 'expiry' OR e.kind = 'rollover' AND NOT e.tags ? 'back') AS is_over,
           coalesce(-sum(e.change) FILTER (
               WHERE e.kind = 'rollover' AND NOT e.tags ? 'back'), 0) AS rolled,
           coalesce(sum((e.tags ->> 'minor')::bigint) FILTER (WHERE e.kind = 'rollover'), 0)
               AS rolled_minor
    FROM instants i JOIN journal e ON e.at <= i.instant AND e.grant_id IS NOT NULL
    WHERE e.account_id = coalesce(CAST(:account AS bigint), e.account_id)
    GROUP BY i.instant, e.account_id, e.grant_id),
lapsed AS (
    SELECT i.instant, l.account_id, l.grant_id, sum(l.amount) AS amount
    FROM instants i
    JOIN holds h ON h.state = 'open' AND h.lapses_at <= i.instant
    JOIN hold_lines l ON l.account_id = h.account_id AND l.hold_id = h.hold_id
    WHERE h.account_id = coalesce(CAST(:account AS bigint), h.account_id)
    GROUP BY i.instant, l.account_id, l.grant_id),
posted AS (
    SELECT i.instant, p.account_id, p.grant_id,
           coalesce(sum(p.amount_minor) FILTER (WHERE p.book = 'deferred_revenue'), 0) AS released,
           coalesce(-sum(p.amount_minor) FILTER (WHERE p.book = 'revenue'), 0) AS revenue,
           coalesce(-sum(p.amount_minor) FILTER (WHERE p.book = 'breakage'), 0) AS breakage
    FROM instants i JOIN postings p ON p.at <= i.instant AND p.grant_id IS NOT NULL
    WHERE p.account_id = coalesce(CAST(:account AS bigint), p.account_id)
    GROUP BY i.instant, p.account_id, p.grant_id),
held AS (
    SELECT i.instant, g.account_id, g.grant_id,
           g.credit_type, g.expires_at, g.rolls_left, g.source, g.roll_cap, j.rolled,
           j.remaining - j.held + coalesce(l.amount, 0) AS free,
           CASE WHEN NOT j.is_over AND g.rolls_left > 0 AND g.rolled_at > i.instant
                THEN div((j.remaining - j.held + coalesce(l.amount, 0)) * g.roll_num, g.roll_den)
                ELSE 0 END AS share
    FROM instants i JOIN grants g ON g.expires_at <= i.instant
    JOIN journal j ON (j.instant, j.account_id, j.grant_id) = (i.instant, g.account_id, g.grant_id)
    LEFT JOIN lapsed l ON (l.instant, l.account_id, l.grant_id)
                        = (i.instant, g.account_id, g.grant_id)
    WHERE g.account_id = coalesce(CAST(:account AS bigint), g.account_id)),
moving AS (
    SELECT h.*, greatest(0, least(h.share, first_value(h.roll_cap) OVER newest
                                  - sum(h.rolled) OVER whole - (sum(h.share) OVER fill - h.share)))
                AS rolling
    FROM held h WHERE h.rolls_left > 0
    WINDOW whole AS (PARTITION BY h.instant, h.account_id, h.credit_type, h.expires_at),
           newest AS (PARTITION BY h.instant, h.account_id, h.credit_type, h.expires_at
                      ORDER BY h.source = 'rollover', h.grant_id DESC),
           fill AS (PARTITION BY h.instant, h.account_id, h.credit_type, h.expires_at
                    ORDER BY h.rolls_left DESC, h.grant_id)),
facts AS (
    SELECT i.instant, g.account_id, g.grant_id, g.source, g.credit_type, g.currency, g.expires_at,
           g.granted,
           CASE WHEN coalesce(c.granted_at, CASE c.state WHEN 'paid' THEN c.settled_at END)
                     <= i.instant
                 AND (g.source <> 'rollover' OR j.grant_id IS NOT NULL)
                THEN g.cost_minor ELSE 0 END AS price,
           coalesce(j.rolled_minor, 0) AS rolled,
           coalesce(j.remaining, 0) AS remaining, coalesce(j.used, 0) AS used,
           g.granted - coalesce(j.remaining, g.granted) AS gone,
           coalesce(h.free, 0) - coalesce(m.rolling, 0) AS expired,
           coalesce(m.rolling, 0) AS rolling,
           coalesce(p.released, 0) AS released, coalesce(p.revenue, 0) AS revenue,
           coalesce(p.breakage, 0) AS breakage
    FROM instants i CROSS JOIN grants g
    LEFT JOIN charges c ON c.account_id = g.account_id AND c.charge_id = g.charge_id
    LEFT JOIN journal j ON (j.instant, j.account_id, j.grant_id)
                         = (i.instant, g.account_id, g.grant_id)
    LEFT JOIN held h ON (h.instant, h.account_id, h.grant_id)
                      = (i.instant, g.account_id, g.grant_id)
    LEFT JOIN moving m ON (m.instant, m.account_id, m.grant_id)
                        = (i.instant, g.account_id, g.grant_id)
    LEFT JOIN posted p ON (p.instant, p.account_id, p.grant_id)
                        = (i.instant, g.account_id, g.grant_id)
    WHERE g.account_id = coalesce(CAST(:account AS bigint), g.account_id)),
settled AS (
    SELECT f.*, greatest(0, div(2 * (f.gone + f.expired + f.rolling) * f.price + f.granted,
                                2 * f.granted)
                - div(2 * (f.used + f.rolling) * f.price + f.granted, 2 * f.granted)
                + div(2 * f.used * f.price + f.granted, 2 * f.granted)
                - f.rolled - (f.released - f.revenue - f.breakage)) AS earned_or_broken
    FROM facts f),
due AS (
    SELECT s.*, least(div(2 * s.used * s.price + s.granted, 2 * s.granted), s.earned_or_broken)
               AS earned
    FROM settled s),
standing AS (
    SELECT d.instant, d.account_id, d.grant_id, d.source, d.credit_type, d.currency, d.expires_at,
           d.remaining - d.expired AS credits, d.expired, d.used,
           d.price - d.rolled AS cost, d.price - d.rolled - d.released AS deferred, d.earned,
           d.earned - d.revenue AS earned_not_posted,
           d.earned_or_broken - d.earned - d.breakage AS broken_not_posted
    FROM due d)
"""
