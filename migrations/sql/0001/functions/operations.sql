-- How reports find the operation that a line of the journal belongs to.

-- The first line of an operation, which says what it was. Inlined. LIMIT keeps it a look-up for
-- each operation: joined freely, a planner that expects few rows reads all lines of an account for
-- each of them, which takes minutes where there are 100,000. ORDER BY keeps it one by the primary
-- key, which alone has that order: where most accounts have a line or two, any index of an account
-- would seem as good. The archive is asked only for what the journal has no more.
CREATE OR REPLACE FUNCTION first_line(p_account bigint, p_seq bigint) RETURNS SETOF entries
LANGUAGE sql STABLE ROWS 1 AS $$
    (SELECT * FROM entries e WHERE e.account_id = p_account AND e.seq = p_seq
     ORDER BY e.line LIMIT 1)
    UNION ALL
    (SELECT * FROM archived_entries e WHERE e.account_id = p_account AND e.seq = p_seq
     ORDER BY e.line LIMIT 1)
    LIMIT 1
$$;

-- A line's own operation, or the one that it corrects.
CREATE OR REPLACE FUNCTION operation_of(p_account bigint, p_seq bigint, p_corrects bigint)
RETURNS TABLE (
    action text, served_as text, tags jsonb, event_at timestamptz, key text, quantity bigint
)
LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT f.action, f.served_as, f.tags, f.event_at, f.key, f.quantity
    FROM first_line(p_account, coalesce(p_corrects, p_seq)) f
$$;

-- The types in which a customer has free lines, each found by one look into the index, in whose
-- order they are asked for.
CREATE OR REPLACE FUNCTION free_types(p_account bigint) RETURNS SETOF text
LANGUAGE sql STABLE AS $$
    WITH RECURSIVE found AS (
        (SELECT e.credit_type FROM journal e
         WHERE e.account_id = p_account AND e.grant_id IS NULL AND e.corrects IS NULL
         ORDER BY e.corrects, e.credit_type LIMIT 1)
        UNION ALL
        SELECT n.credit_type FROM found f CROSS JOIN LATERAL (
            SELECT e.credit_type FROM journal e
            WHERE e.account_id = p_account AND e.grant_id IS NULL AND e.corrects IS NULL
              AND e.credit_type > f.credit_type
            ORDER BY e.corrects, e.credit_type LIMIT 1) n)
    SELECT f.credit_type FROM found f
$$;
