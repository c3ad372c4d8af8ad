-- The archive: old lines of the journal in a table of their own, so that what debits write to stays
-- small. Nothing is forgotten: keys bind from there too, and what is read is read from both.

-- The whole journal. What a debit asks of every event asks `entries`, and the archive only of
-- wallets that have one (`archived_seq`); everything else asks this.
CREATE OR REPLACE VIEW journal AS SELECT * FROM entries UNION ALL SELECT * FROM archived_entries;

-- What the lines of a grant come to: of the journal one by one, of the archive as it was carried.
CREATE OR REPLACE VIEW sums AS
SELECT e.account_id, e.credit_type, e.grant_id, e.kind, e.change::numeric AS change,
       e.held_change::numeric AS held_change, e.debt_change::numeric AS debt_change,
       CASE e.kind WHEN 'rollover' THEN (e.tags ->> 'minor')::numeric END AS minor,
       CASE WHEN e.kind = 'grant' AND e.key ^@ 'ledger::repaid:' THEN e.change::numeric END
           AS given_back
FROM entries e WHERE e.grant_id IS NOT NULL
UNION ALL
SELECT c.account_id, c.credit_type, c.grant_id, c.kind, c.change, c.held_change, c.debt_change,
       c.minor, c.given_back
FROM carried c;

-- A line leaves the journal only if the archive has it, column by column.
CREATE OR REPLACE FUNCTION leaves_as_it_is() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM archived_entries a
        WHERE a.account_id = old.account_id AND a.seq = old.seq AND a.line = old.line
          AND ROW(a.*) IS NOT DISTINCT FROM ROW(old.*)) THEN
        RETURN old;
    END IF;
    RAISE EXCEPTION 'entries is append-only: entry % of account % is not in the archive',
        old.seq, old.account_id USING ERRCODE = 'DD001';
END $$;

-- Whether the archive has a key. Call it with the wallet locked.
CREATE OR REPLACE FUNCTION is_archived(p_account bigint, p_key text) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (SELECT FROM archived_entries a WHERE a.account_id = p_account AND a.key = p_key);
END $$;

-- Move a wallet's oldest lines, decided before an instant, into the archive, those of p_most
-- operations at most, and carry what they come to. Return how many lines moved. It decides nothing:
-- no balance, no answer and no report is another afterwards.
-- Plans made while the archive was empty would read all of it for each key: sessions drop them when
-- it is analyzed for the first time.
CREATE OR REPLACE FUNCTION archive_entries(
    p_account an_account, p_before an_instant, p_most a_count
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET enable_seqscan = off AS $$
DECLARE
    w     wallets;
    upto  bigint;
    moved bigint;
BEGIN
    SELECT * INTO w FROM wallets WHERE account_id = p_account FOR UPDATE;
    IF NOT FOUND THEN RETURN 0; END IF;
    upto := least(seq_before(p_account, p_before), w.archived_seq + p_most);
    IF upto <= w.archived_seq THEN RETURN 0; END IF;
    INSERT INTO archived_entries
    SELECT * FROM entries e WHERE e.account_id = p_account AND e.seq <= upto;
    GET DIAGNOSTICS moved = ROW_COUNT;
    IF (SELECT relpages FROM pg_class WHERE oid = 'archived_entries'::regclass) = 0 THEN
        ANALYZE archived_entries;
    END IF;
    INSERT INTO carried AS c (account_id, credit_type, grant_id, kind, change, held_change,
                              debt_change, minor, given_back)
    SELECT e.account_id, e.credit_type, e.grant_id, e.kind, sum(e.change), sum(e.held_change),
           coalesce(sum(e.debt_change), 0),
           coalesce(sum((e.tags ->> 'minor')::numeric) FILTER (WHERE e.kind = 'rollover'), 0),
           coalesce(sum(e.change) FILTER (
               WHERE e.kind = 'grant' AND e.key ^@ 'ledger::repaid:'), 0)
    FROM entries e
    WHERE e.account_id = p_account AND e.seq <= upto AND e.grant_id IS NOT NULL
    GROUP BY e.account_id, e.credit_type, e.grant_id, e.kind
    ON CONFLICT (account_id, grant_id, kind) DO UPDATE SET
        change = c.change + excluded.change, held_change = c.held_change + excluded.held_change,
        debt_change = c.debt_change + excluded.debt_change, minor = c.minor + excluded.minor,
        given_back = c.given_back + excluded.given_back;
    DELETE FROM entries e WHERE e.account_id = p_account AND e.seq <= upto;
    UPDATE wallets SET archived_seq = upto WHERE account_id = p_account;
    RETURN moved;
END $$;

-- Every row is a way in which the archive is not what the ledger goes by. Empty after every test.
CREATE OR REPLACE VIEW archive_violations AS
SELECT account_id, 'what is carried is not what is archived' AS law,
       'grant ' || grant_id || ': ' || kind AS subject
FROM (SELECT e.account_id, e.credit_type, e.grant_id, e.kind, sum(e.change) AS change,
             sum(e.held_change) AS held_change, coalesce(sum(e.debt_change), 0) AS debt_change,
             coalesce(sum((e.tags ->> 'minor')::numeric) FILTER (WHERE e.kind = 'rollover'), 0)
                 AS minor,
             coalesce(sum(e.change) FILTER (
                 WHERE e.kind = 'grant' AND e.key ^@ 'ledger::repaid:'), 0) AS given_back
      FROM archived_entries e WHERE e.grant_id IS NOT NULL
      GROUP BY e.account_id, e.credit_type, e.grant_id, e.kind) a
FULL JOIN carried c USING (account_id, credit_type, grant_id, kind)
WHERE ROW(a.change, a.held_change, a.debt_change, a.minor, a.given_back)
      IS DISTINCT FROM ROW(c.change, c.held_change, c.debt_change, c.minor, c.given_back)
UNION ALL
SELECT w.account_id, 'the archive has gaps', w.archived_seq || ' <> ' || count(DISTINCT e.seq)
FROM wallets w LEFT JOIN archived_entries e ON e.account_id = w.account_id
GROUP BY w.account_id
HAVING w.archived_seq <> count(DISTINCT e.seq) OR w.archived_seq <> coalesce(max(e.seq), 0)
UNION ALL
SELECT c.account_id, 'balances of the archive do not chain', 'entry ' || c.seq
FROM (SELECT s.account_id, s.seq,
             s.balance_after - lag(s.balance_after, 1, 0::bigint) OVER of_type <> s.change
             OR s.held_after - lag(s.held_after, 1, 0::bigint) OVER of_type <> s.held_change
             OR s.at < lag(s.at) OVER of_account AS broken
      FROM (SELECT account_id, credit_type, seq, min(balance_after) AS balance_after,
                   min(held_after) AS held_after, min(at) AS at, sum(change) AS change,
                   sum(held_change) AS held_change
            FROM archived_entries GROUP BY account_id, credit_type, seq) s
      WINDOW of_type AS (PARTITION BY account_id, credit_type ORDER BY seq),
             of_account AS (PARTITION BY account_id ORDER BY seq)) c
WHERE c.broken
UNION ALL
SELECT w.account_id, 'the archive is not older than the journal', 'entry ' || first.seq
FROM wallets w
CROSS JOIN LATERAL (SELECT e.seq, e.at FROM entries e WHERE e.account_id = w.account_id
                    ORDER BY e.seq LIMIT 1) first
CROSS JOIN LATERAL (SELECT a.at FROM archived_entries a WHERE a.account_id = w.account_id
                    ORDER BY a.seq DESC LIMIT 1) last
WHERE first.at < last.at
UNION ALL
SELECT d.account_id, 'the sums of a day are not those of its lines', 'entry ' || d.upto
FROM summed_days d
CROSS JOIN LATERAL (
    SELECT array_agg(l ORDER BY l) AS sums
    FROM (SELECT coalesce(o.served_as, o.action), o.tags::text, e.credit_type,
                 count(*) FILTER (WHERE e.line = 0 AND e.kind <> 'correction'),
                 coalesce(sum(CASE e.kind WHEN 'correction' THEN -e.quantity
                                          ELSE e.quantity END), 0),
                 -sum(e.change)
          FROM journal e CROSS JOIN LATERAL operation_of(e.account_id, e.seq, e.corrects) o
          WHERE e.account_id = d.account_id AND e.seq > d.after AND e.seq <= d.upto
            AND e.kind IN ('debit', 'capture', 'correction')
          GROUP BY 1, 2, 3) l) of_lines
CROSS JOIN LATERAL (
    SELECT array_agg(k ORDER BY k) AS sums
    FROM (SELECT u.action, u.tags::text, u.credit_type, u.events, u.quantity, u.credits
          FROM unnest(d.actions, d.tags, d.credit_types, d.events, d.quantities, d.credits)
              u (action, tags, credit_type, events, quantity, credits)) k) kept
WHERE d.actions IS NOT NULL AND of_lines.sums::text IS DISTINCT FROM kept.sums::text;
