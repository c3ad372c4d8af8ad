-- Nearly every event on terms is paid by the first way of its first attempt, out of credits of one
-- type that are there. Such an event has a cost as soon as its counters are known, and is then
-- debited as a plain one is. Everything else is planned with care (terms.sql).

-- The first way, if the terms are sound and nobody has to agree to it or approve it; else NULL.
CREATE OR REPLACE FUNCTION first_way(p_terms jsonb) RETURNS way LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    y way;
BEGIN
    IF terms_are_sound(p_terms) AND (p_terms -> 'needs_approval') IS DISTINCT FROM 'true' THEN
        y := jsonb_populate_record(NULL::way, p_terms -> 'attempts' -> 0 -> 'ways' -> 0);
        IF y.consent IS NULL AND y.credits = trunc(y.credits) AND y.per = trunc(y.per) THEN
            RETURN y;
        END IF;
    END IF;
    RETURN NULL;
END $$;

-- What a debit of one credit type took, as its detail.
CREATE OR REPLACE FUNCTION all_charged(p_credit_type text, p_cost bigint) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_build_object('charged', jsonb_build_object(p_credit_type, p_cost))
$$;

-- What a quantity costs by a way, and what its counters come to. The cost is NULL where more care
-- is needed: a ceiling is in the way, the object is unlocked, it comes to nothing or to too much.
-- Call it with the wallet locked.
CREATE OR REPLACE FUNCTION use_of_way(
    p_account bigint, y way, p_terms jsonb, p_quantity bigint, p_window_start timestamptz
) RETURNS way_use LANGUAGE plpgsql STABLE AS $$
DECLARE
    u      way_use;
    c      record;
    object text := 'once:' || (p_terms ->> 'once');
    used   bigint := 0;
    rest   bigint;
    cost   numeric;
BEGIN
    IF p_quantity > 1000000000000 THEN RETURN u; END IF;  -- so that sums below fit
    IF y.carry IS NOT NULL AND NOT y.started THEN
        used := counter_value(p_account, y.carry, p_window_start);
        rest := mod(used + p_quantity, y.per);
        IF rest <> used THEN
            u.counter := ARRAY[y.carry]; u.value := ARRAY[rest]; u.starts := ARRAY[p_window_start];
        END IF;
    END IF;
    cost := way_costs(y, used, p_quantity);
    IF cost NOT BETWEEN 1 AND 1000000000000000000 THEN RETURN u; END IF;
    IF jsonb_array_length(p_terms -> 'counters') > 0 THEN
        FOR c IN
            SELECT n.counter, coalesce(v.value, 0) + cost AS value,
                   l.ceiling::numeric + coalesce(r.value, 0) AS ceiling
            FROM (SELECT o.name, counter_of_type(o.name, y.credit_type) AS counter
                  FROM jsonb_array_elements_text(p_terms -> 'counters') AS o (name)) n
            LEFT JOIN counters v ON v.account_id = p_account AND v.counter = n.counter
                                AND v.window_start = p_window_start
            LEFT JOIN counters r ON r.account_id = p_account AND r.window_start = p_window_start
                                AND r.counter = raise_counter(n.name, y.credit_type)
            LEFT JOIN limits l ON l.account_id = p_account AND l.counter = n.name
                              AND l.credit_type = y.credit_type
        LOOP
            IF c.value > c.ceiling OR c.counter = ANY (u.counter) THEN RETURN u; END IF;
            u.counter := u.counter || c.counter; u.value := u.value || capped(c.value);
            u.starts := u.starts || p_window_start;
        END LOOP;
    END IF;
    IF object IS NOT NULL THEN
        IF p_quantity <> 1000000 OR counter_value(p_account, object, '-infinity') > 0 THEN
            RETURN u;
        END IF;
        u.counter := u.counter || object; u.value := u.value || 1::bigint;
        u.starts := u.starts || '-infinity'::timestamptz;
    END IF;
    u.cost := cost;
    RETURN u;
END $$;

-- Set counters of one wallet to what they have come to.
CREATE OR REPLACE FUNCTION put_counters(
    p_account bigint, p_counter text[], p_value bigint[], p_starts timestamptz[]
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO counters AS c (account_id, counter, window_start, value)
    SELECT p_account, u.counter, u.starts, u.value
    FROM unnest(p_counter, p_starts, p_value) AS u (counter, starts, value)
    ON CONFLICT (account_id, counter, window_start) DO UPDATE SET value = excluded.value;
END $$;

-- The types and costs of a batch whose events on terms can be sized by their first way, and what
-- their wallets' counters come to. The type of an event is NULL where its wallet needs more care:
-- one of its events does, together they pass a ceiling, or they unlock an object twice. Repeats
-- count for nothing. p_wallets are locked; p_starts is NULL where one does not serve.
CREATE OR REPLACE FUNCTION size_by_terms(
    p_account bigint[], p_key text[], p_quantity bigint[], p_credit_type text[], p_amount bigint[],
    p_terms jsonb[], p_wallets bigint[], p_starts timestamptz[]
) RETURNS sized_batch
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    b sized_batch;
BEGIN
    WITH asked AS MATERIALIZED (
        SELECT u.*, w.window_start, (f.y).*
        FROM unnest(p_account, p_key, p_quantity, p_terms)
             WITH ORDINALITY AS u (account_id, key, quantity, terms, ord)
        CROSS JOIN LATERAL (SELECT first_way(u.terms) AS y OFFSET 0) f
        LEFT JOIN unnest(p_wallets, p_starts) AS w (account_id, window_start)
             ON w.account_id = u.account_id
        WHERE u.terms IS NOT NULL AND NOT EXISTS (
            SELECT FROM journal e WHERE e.account_id = u.account_id AND e.key = u.key)),
    carried AS MATERIALIZED (
        SELECT a.*, coalesce(c.value, 0) AS was,
               CASE WHEN a.carry IS NULL THEN 0
                    ELSE coalesce(c.value, 0) + coalesce(sum(a.quantity) OVER before, 0) END AS used
        FROM asked a LEFT JOIN counters c
             ON c.account_id = a.account_id AND c.counter = a.carry
            AND c.window_start = a.window_start
        WINDOW before AS (PARTITION BY a.account_id, a.carry, a.started ORDER BY a.ord
                          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)),
    sized AS MATERIALIZED (
        SELECT s.*, way_costs(
                   (s.credit_type, s.credits, s.per, s.started, s.carry, s.consent)::way, s.used,
                   s.quantity) AS cost
        FROM carried s WHERE s.credit_type IS NOT NULL AND s.window_start IS NOT NULL
                         AND s.quantity BETWEEN 1 AND 1000000000000),
    moved AS MATERIALIZED (  -- no counter may pass `most`; two events may not unlock one object
        SELECT s.account_id, s.carry AS counter, s.window_start AS starts,
               min(s.was) AS was, mod(min(s.was) + sum(s.quantity), min(s.per)) AS value,
               CASE WHEN min(s.per) = max(s.per) THEN 'infinity'::numeric
                    ELSE -1 END AS most
        FROM sized s WHERE s.carry IS NOT NULL AND NOT s.started
        GROUP BY s.account_id, s.carry, s.window_start
        UNION ALL
        SELECT s.account_id, o.counter, '-infinity', 0, count(*) + coalesce(min(v.value), 0),
               CASE WHEN min(s.quantity) = 1000000 AND max(s.quantity) = 1000000 THEN 1 ELSE -1 END
        FROM sized s CROSS JOIN LATERAL (SELECT 'once:' || (s.terms ->> 'once') AS counter) o
        LEFT JOIN counters v ON v.account_id = s.account_id AND v.counter = o.counter
                            AND v.window_start = '-infinity'
        WHERE o.counter IS NOT NULL GROUP BY s.account_id, o.counter
        UNION ALL
        SELECT m.account_id, m.counter, m.window_start, 0, m.cost + coalesce(v.value, 0),
               coalesce(l.ceiling::numeric + coalesce(r.value, 0), 'infinity')
        FROM (SELECT s.account_id, s.window_start, n.name, s.credit_type AS credit_type,
                     counter_of_type(n.name, s.credit_type) AS counter, sum(s.cost) AS cost
              FROM sized s
              CROSS JOIN LATERAL jsonb_array_elements_text(s.terms -> 'counters') AS n (name)
              GROUP BY s.account_id, s.window_start, n.name, s.credit_type) m
        LEFT JOIN counters v ON v.account_id = m.account_id AND v.counter = m.counter
                            AND v.window_start = m.window_start
        LEFT JOIN counters r ON r.account_id = m.account_id AND r.window_start = m.window_start
                            AND r.counter = raise_counter(m.name, m.credit_type)
        LEFT JOIN limits l ON l.account_id = m.account_id AND l.counter = m.name
                          AND l.credit_type = m.credit_type),
    careful AS MATERIALIZED (
        SELECT a.account_id FROM asked a LEFT JOIN sized s ON s.ord = a.ord
        WHERE s.ord IS NULL
        UNION SELECT m.account_id FROM moved m WHERE m.value > m.most
        UNION SELECT m.account_id FROM moved m GROUP BY m.account_id, m.counter HAVING count(*) > 1)
    SELECT e.types, e.costs, m.accounts, m.counters, m.values, m.starts INTO b
    FROM (SELECT array_agg(CASE WHEN u.terms IS NULL THEN u.credit_type ELSE s.credit_type END
                           ORDER BY u.ord) AS types,
                 array_agg(CASE WHEN u.terms IS NULL THEN u.amount ELSE capped(s.cost) END
                           ORDER BY u.ord) AS costs
          FROM unnest(p_credit_type, p_amount, p_terms)
               WITH ORDINALITY AS u (credit_type, amount, terms, ord)
          LEFT JOIN sized s
               ON s.ord = u.ord AND s.account_id NOT IN (SELECT c.account_id FROM careful c)) e,
         (SELECT array_agg(m.account_id) AS accounts, array_agg(m.counter) AS counters,
                 array_agg(m.value::bigint) AS values, array_agg(m.starts) AS starts
          FROM moved m
          WHERE m.value <> m.was
            AND m.account_id NOT IN (SELECT c.account_id FROM careful c)) m;
    RETURN b;
END $$;

-- Write what counters have come to, of those wallets that debits have moved on.
CREATE OR REPLACE FUNCTION put_batch_counters(
    b sized_batch, p_wallets bigint[], p_seqs bigint[]
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO counters AS c (account_id, counter, window_start, value)
    SELECT m.account_id, m.counter, m.starts, m.value
    FROM unnest(b.account_id, b.counter, b.starts, b.value)
         AS m (account_id, counter, starts, value)
    JOIN unnest(p_wallets, p_seqs) AS o (account_id, seq) ON o.account_id = m.account_id
    JOIN wallets w ON w.account_id = m.account_id AND w.seq > o.seq
    ORDER BY m.account_id, m.counter
    ON CONFLICT (account_id, counter, window_start) DO UPDATE SET value = excluded.value;
END $$;
