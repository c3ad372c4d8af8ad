-- What was used on days that are over, summed up once, so that whoever asks for a month need not
-- read each line of it. Lines never change, and the sums of a day are kept under its first and last
-- entry: they hold for exactly those lines, or they are not found.

-- What was used in some entries, by action and tags. Second draws, captures and corrections say
-- nothing of that: they are summed up by the operation that they belong to, whose first line is
-- looked up for each sum. Tags are told apart as texts: two numbers of one value are not one text.
CREATE OR REPLACE FUNCTION summed_up(p_account bigint, p_after bigint, p_upto bigint)
RETURNS TABLE (
    action text, tags jsonb, credit_type text, events bigint, quantity numeric, credits numeric
) LANGUAGE sql STABLE AS $$
    WITH parts AS MATERIALIZED (
        SELECT o.op, CASE WHEN o.op IS NULL THEN coalesce(e.served_as, e.action) END AS action,
               CASE WHEN o.op IS NULL THEN e.tags::text END AS tags, e.credit_type,
               count(*) FILTER (WHERE e.line = 0 AND e.kind <> 'correction') AS events,
               sum(CASE e.kind WHEN 'correction' THEN -e.quantity ELSE e.quantity END) AS quantity,
               -sum(e.change) AS credits
        FROM journal e
        CROSS JOIN LATERAL (SELECT CASE WHEN e.line > 0 OR e.corrects IS NOT NULL
                                        THEN coalesce(e.corrects, e.seq) END AS op) o
        WHERE e.account_id = p_account AND e.seq > p_after AND e.seq <= p_upto
          AND e.kind IN ('debit', 'capture', 'correction')
        GROUP BY 1, 2, 3, 4),
    named AS (
        SELECT p.action, p.tags, p.credit_type, p.events, p.quantity, p.credits FROM parts p
        WHERE p.op IS NULL
        UNION ALL
        SELECT coalesce(f.served_as, f.action), f.tags::text, p.credit_type, p.events, p.quantity,
               p.credits
        FROM parts p CROSS JOIN LATERAL first_line(p_account, p.op) f WHERE p.op IS NOT NULL)
    SELECT n.action, n.tags::jsonb, n.credit_type, sum(n.events)::bigint,
           coalesce(sum(n.quantity), 0), sum(n.credits)
    FROM named n GROUP BY n.action, n.tags, n.credit_type
$$;

-- Sum up the oldest days that are over and are not summed up, 31 at most; return how many rows were
-- written, 0: nothing is left. A day is over once something was decided on a later one: `at` never
-- goes back. It is kept if it has p_least entries, and p_fewer times as many as sums; the last day
-- that was looked at has a row in any case, and so none is looked at again.
-- The wallet is not locked: nothing of it is changed, and who comes second writes the same.
CREATE OR REPLACE FUNCTION sum_up_days(p_account an_account, p_least a_count, p_fewer a_count)
RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    done    bigint;
    since   timestamptz;
    written integer;
BEGIN
    SELECT coalesce(max(d.upto), 0) INTO done FROM summed_days d WHERE d.account_id = p_account;
    SELECT f.at INTO since FROM first_line(p_account, done + 1) f;
    IF NOT FOUND THEN RETURN 0; END IF;
    WITH days AS MATERIALIZED (
        SELECT d.after, d.upto FROM wallets w
        CROSS JOIN LATERAL days_between(p_account, since, 'infinity') d
        WHERE w.account_id = p_account AND d.upto < w.seq ORDER BY d.upto LIMIT 31)
    INSERT INTO summed_days (account_id, after, upto, actions, tags, credit_types, events,
                             quantities, credits)
    SELECT p_account, d.after, d.upto, s.actions, s.tags, s.credit_types, s.events, s.quantities,
           s.credits
    FROM days d
    LEFT JOIN LATERAL (
        SELECT array_agg(u.action) AS actions, array_agg(u.tags) AS tags,
               array_agg(u.credit_type) AS credit_types, array_agg(u.events) AS events,
               array_agg(u.quantity) AS quantities, array_agg(u.credits) AS credits
        FROM summed_up(p_account, d.after, d.upto) u
        HAVING count(*) BETWEEN 1 AND least(10000, (d.upto - d.after) / greatest(p_fewer, 1))
    ) s ON d.upto - d.after >= p_least
    WHERE s.actions IS NOT NULL OR d.upto = (SELECT max(l.upto) FROM days l)
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS written = ROW_COUNT;
    RETURN written;
END $$;
