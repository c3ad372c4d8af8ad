-- How reports find the operation that a line of the journal belongs to.

-- A line's own operation, or the one that it corrects. Inlined; OFFSET 0 keeps it a look-up by key
-- for each line: joined freely, a planner that expects few rows reads all lines of an account for
-- each of the account's operations, which takes minutes where there are 100,000.
CREATE OR REPLACE FUNCTION operation_of(p_account bigint, p_seq bigint, p_corrects bigint)
RETURNS TABLE (
    action text, served_as text, tags jsonb, event_at timestamptz, key text, quantity bigint
)
LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT first.action, first.served_as, first.tags, first.event_at, first.key, first.quantity
    FROM journal first
    WHERE first.account_id = p_account AND first.seq = coalesce(p_corrects, p_seq)
      AND first.line = 0
    OFFSET 0
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
