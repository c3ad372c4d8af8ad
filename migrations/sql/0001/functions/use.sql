-- What was used in a time, without reading every line of it. The balances of a credit type chain:
-- what left between two lines is the difference of the balances there, and of what else changed
-- them between, which is rare and has an index (`entries_not_use`).

-- The last entries decided before each of some instants; `at` never goes back, so that halving
-- finds them, all together: each round looks at one line for each. The plan is of keys alone and
-- serves all alike: else each call for one instant would make its own, which takes longer than the
-- looks.
CREATE OR REPLACE FUNCTION seqs_before(p_account bigint, p_instants timestamptz[]) RETURNS bigint[]
LANGUAGE sql STABLE SET plan_cache_mode = force_generic_plan AS $$
    WITH RECURSIVE halved AS (
        SELECT i.n, i.instant, 0::bigint AS low, w.seq AS high
        FROM wallets w, unnest(p_instants) WITH ORDINALITY AS i (instant, n)
        WHERE w.account_id = p_account
        UNION ALL
        SELECT h.n, h.instant, CASE WHEN e.at < h.instant THEN m.seq ELSE h.low END,
               CASE WHEN e.at < h.instant THEN h.high ELSE m.seq - 1 END
        FROM halved h
        CROSS JOIN LATERAL (SELECT (h.low + h.high + 1) / 2 AS seq) m
        CROSS JOIN LATERAL first_line(p_account, m.seq) e
        WHERE h.low < h.high)
    SELECT array_agg(h.low ORDER BY h.n) FROM halved h WHERE h.low = h.high
$$;

-- The same before one; 0 of no account.
CREATE OR REPLACE FUNCTION seq_before(p_account bigint, p_at timestamptz) RETURNS bigint
LANGUAGE sql STABLE AS $$ SELECT coalesce((seqs_before(p_account, ARRAY[p_at]))[1], 0) $$;

-- What was booked of a credit type after an entry, if one of the lines just before is of that type:
-- of one that is used often the first that is looked at is. They are looked at one by one, as in
-- `first_line`: a planner that expects few lines of an account would read and sort all of them.
CREATE OR REPLACE FUNCTION booked_near(p_account bigint, p_credit_type text, p_seq bigint)
RETURNS TABLE (booked bigint) LANGUAGE sql STABLE AS $$
    SELECT n.balance_after
    FROM generate_series(p_seq, greatest(p_seq - 19, 1), -1) s (seq)
    CROSS JOIN LATERAL (
        (SELECT e.balance_after FROM entries e
         WHERE e.account_id = p_account AND e.seq = s.seq AND e.credit_type = p_credit_type
         ORDER BY e.line LIMIT 1)
        UNION ALL
        (SELECT e.balance_after FROM archived_entries e
         WHERE e.account_id = p_account AND e.seq = s.seq AND e.credit_type = p_credit_type
         ORDER BY e.line LIMIT 1)) n
    LIMIT 1
$$;

-- The same where none is, and since which entry. Nothing may have been used between what else
-- changed it before and after; only if something was, the lines before are read, twice as many each
-- time, until one is found.
CREATE OR REPLACE FUNCTION booked_far(
    p_account bigint, p_credit_type text, p_seq bigint, OUT since bigint, OUT booked bigint
) LANGUAGE plpgsql STABLE AS $$
DECLARE
    later bigint;
    upto  bigint := p_seq;
    many  bigint := 32;
BEGIN
    SELECT e.seq, e.balance_after INTO since, booked FROM journal e
    WHERE e.account_id = p_account AND e.credit_type = p_credit_type AND e.seq <= p_seq
      AND e.kind NOT IN ('debit', 'hold', 'capture', 'release') ORDER BY e.seq DESC LIMIT 1;
    IF NOT FOUND THEN since := 0; booked := 0; RETURN; END IF;  -- a type begins with a grant
    SELECT e.balance_after - (SELECT sum(o.change) FROM journal o
                              WHERE o.account_id = p_account AND o.seq = e.seq
                                AND o.credit_type = p_credit_type)
    INTO later FROM journal e
    WHERE e.account_id = p_account AND e.credit_type = p_credit_type AND e.seq > p_seq
      AND e.kind NOT IN ('debit', 'hold', 'capture', 'release') ORDER BY e.seq LIMIT 1;
    IF NOT FOUND THEN
        SELECT sum(g.remaining) INTO later FROM grants g
        WHERE g.account_id = p_account AND g.credit_type = p_credit_type;
    END IF;
    IF booked = later THEN RETURN; END IF;
    LOOP  -- ends: the line `since` is of this type
        SELECT e.seq, e.balance_after INTO since, booked FROM journal e
        WHERE e.account_id = p_account AND e.credit_type = p_credit_type
          AND e.seq > upto - many AND e.seq <= upto ORDER BY e.seq DESC LIMIT 1;
        IF FOUND THEN RETURN; END IF;
        upto := upto - many; many := 2 * many;
    END LOOP;
END $$;

-- What was booked of a credit type after each of some entries, given in order. Of those that have
-- no line near the last is looked for first: what is found holds for all since, so that the lines
-- between are not read again for each of them. One plan serves all (`seqs_before` says why).
CREATE OR REPLACE FUNCTION booked_after(p_account bigint, p_credit_type text, p_marks bigint[])
RETURNS bigint[] LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    known  bigint[];
    since  bigint;
    booked bigint;
BEGIN
    SELECT array_agg(k.booked ORDER BY m.n) INTO known
    FROM unnest(p_marks) WITH ORDINALITY AS m (seq, n)
    LEFT JOIN LATERAL booked_near(p_account, p_credit_type, m.seq) k ON true;
    FOR n IN REVERSE coalesce(cardinality(p_marks), 0) .. 1 LOOP
        CONTINUE WHEN known[n] IS NOT NULL;
        IF since IS NULL OR p_marks[n] < since THEN
            SELECT f.since, f.booked INTO since, booked
            FROM booked_far(p_account, p_credit_type, p_marks[n]) f;
        END IF;
        known[n] := booked;
    END LOOP;
    RETURN known;
END $$;

-- What was used of a credit type from each of some entries, given in order, until the next: `part`
-- counts from 1. A correction is taken off in the part in which it was made, if it corrects one
-- after p_corrected (0: any; NULL: none is).
CREATE OR REPLACE FUNCTION used_of_type(
    p_account bigint, p_credit_type text, p_marks bigint[], p_corrected bigint
) RETURNS TABLE (part integer, used bigint) LANGUAGE sql STABLE AS $$
    SELECT b.n::integer, b.left_here + coalesce(o.change, 0)::bigint
    FROM (SELECT m.n, m.booked - lead(m.booked) OVER (ORDER BY m.n) AS left_here
          FROM unnest(booked_after(p_account, p_credit_type, p_marks))
              WITH ORDINALITY AS m (booked, n)) b
    LEFT JOIN (
        SELECT width_bucket(e.seq - 1, p_marks) AS n, sum(e.change) AS change FROM journal e
        WHERE e.account_id = p_account AND e.credit_type = p_credit_type
          AND e.seq > p_marks[1] AND e.seq <= p_marks[cardinality(p_marks)]
          AND e.kind NOT IN ('debit', 'hold', 'capture', 'release')
          AND (e.corrects > p_corrected) IS NOT TRUE
        GROUP BY 1) o ON o.n = b.n
    WHERE b.left_here IS NOT NULL AND b.left_here + coalesce(o.change, 0) <> 0
$$;

-- The same of each type; parts without use are left out. Most types of most customers were not used
-- at all between the ends.
CREATE OR REPLACE FUNCTION used_between(
    p_account bigint, p_marks bigint[], p_corrected bigint
) RETURNS TABLE (part integer, credit_type text, used bigint) LANGUAGE plpgsql STABLE AS $$
DECLARE
    ends bigint[] := ARRAY[p_marks[1], p_marks[cardinality(p_marks)]];
    kind text;
BEGIN
    FOR kind IN SELECT DISTINCT g.credit_type FROM grants g WHERE g.account_id = p_account LOOP
        IF EXISTS (SELECT FROM used_of_type(p_account, kind, ends, NULL)) THEN
            RETURN QUERY SELECT u.part, kind, u.used
                         FROM used_of_type(p_account, kind, p_marks, p_corrected) u;
        END IF;
    END LOOP;
END $$;

-- The days of the customer's calendar in [p_start, p_end) on which something was decided, each with
-- the last entry before it and its own last. A midnight that comes twice begins its day the first
-- time, as `::date` has it; AT TIME ZONE alone would take the second.
CREATE OR REPLACE FUNCTION days_between(
    p_account bigint, p_start timestamptz, p_end timestamptz
) RETURNS TABLE (day date, after bigint, upto bigint) LANGUAGE sql STABLE AS $$
    WITH ends AS MATERIALIZED (
        SELECT c.time_zone AS zone, greatest(p_start, f.at) AS first,
               least(p_end, l.at + interval '1 microsecond') AS last
        FROM wallets w JOIN customers c ON c.account_id = w.account_id
        CROSS JOIN LATERAL first_line(w.account_id, 1) f
        CROSS JOIN LATERAL first_line(w.account_id, w.seq) l
        WHERE w.account_id = p_account),
    days AS MATERIALIZED (
        SELECT d.day::date AS day,
               greatest(e.first, (
                   SELECT min(m.at)
                   FROM unnest('{0 min,30 min,1 hour,2 hours}'::interval[]) k (back)
                   CROSS JOIN LATERAL (SELECT (d.day AT TIME ZONE e.zone) - k.back AS at) m
                   WHERE (m.at AT TIME ZONE e.zone)::date >= d.day::date)) AS begins,
               e.last
        FROM ends e CROSS JOIN LATERAL generate_series(
            date_trunc('day', e.first AT TIME ZONE e.zone),
            (e.last - interval '1 microsecond') AT TIME ZONE e.zone, interval '1 day') d (day)
        WHERE e.first < e.last),
    marks AS MATERIALIZED (
        SELECT seqs_before(p_account, array_agg(d.begins ORDER BY d.day) || max(d.last)) AS seqs
        FROM days d)
    SELECT d.day, m.seqs[d.n], m.seqs[d.n + 1]
    FROM marks m CROSS JOIN (SELECT day, row_number() OVER (ORDER BY day) AS n FROM days) d
    WHERE m.seqs[d.n] < m.seqs[d.n + 1]
$$;
