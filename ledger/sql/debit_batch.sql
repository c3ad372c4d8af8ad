-- Debits of many events, and the door to both.

-- A sum that stays a bigint, for what is known to fit.
CREATE OR REPLACE AGGREGATE total(bigint) (SFUNC = int8pl, STYPE = bigint, INITCOND = 0);

-- Many events at once, set-based. Answers repeats, and the new events of accounts whose new events
-- are all plain: one credit type, no scoped grant, serving, in the window, fitting together above
-- the level of the next alert, none so large (a million credits) that sums could leave bigint; and
-- those of them on terms (p_terms, NULL: none) that have a cost by their first way. No row for all
-- others, nor for what was priced by another revision of the wallet's plan (p_revision, NULL: not
-- said). Locks the wallets.
-- force_generic_plan: planning costs as much as deciding thirty events, and the plan that does not
-- know the arrays' lengths is as good, for 2 events as for 4,000. enable_seqscan: a plan made while
-- the journal is empty is kept while it grows.
CREATE OR REPLACE FUNCTION debit_plain_accounts(
    p_account bigint[], p_key text[], p_action text[], p_quantity bigint[], p_credit_type text[],
    p_amount bigint[], p_event_at timestamptz[], p_tags jsonb[], p_at timestamptz, p_terms jsonb[],
    p_revision bigint[]
) RETURNS SETOF debit_row
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    accounts bigint[];
    seqs     bigint[];
    plans    bigint[];
    stale    bigint[];
    ats      timestamptz[];
    starts   timestamptz[];  -- NULL where the wallet does not serve
    types    text[];
    levels   bigint[];
    sized    sized_batch;
    on_terms boolean[];
    archived boolean;
BEGIN
    SELECT array_agg(w.account_id), array_agg(w.seq), array_agg(w.at),
           array_agg(CASE WHEN w.state = 'active' AND w.paused_by = '{}' AND NOT w.frozen
                               AND w.at < least(w.window_end, w.next_lapse)
                          THEN w.window_start END),
           array_agg(w.alert_type), array_agg(w.alert_level), bool_or(w.archived_seq > 0),
           array_agg(w.plan_revision)
    INTO accounts, seqs, ats, starts, types, levels, archived, plans
    FROM (SELECT o.*, greatest(p_at, o.decided_at) AS at FROM wallets o
          WHERE o.account_id = ANY (p_account) ORDER BY o.account_id FOR UPDATE) w;
    IF p_revision IS NOT NULL THEN
        SELECT array_agg(DISTINCT u.account_id) INTO stale
        FROM unnest(p_account, p_revision) AS u (account_id, revision)
        JOIN unnest(accounts, plans) AS w (account_id, revision) ON w.account_id = u.account_id
        WHERE w.revision <> u.revision;
        IF stale IS NOT NULL THEN
            starts := ARRAY(SELECT CASE WHEN NOT u.account_id = ANY (stale) THEN u.starts END
                            FROM unnest(accounts, starts) WITH ORDINALITY
                                 AS u (account_id, starts, ord) ORDER BY u.ord);
        END IF;
    END IF;
    IF p_terms IS NOT NULL THEN
        sized := size_by_terms(p_account, p_key, p_quantity, p_credit_type, p_amount, p_terms,
                               accounts, starts);
        p_credit_type := sized.credit_type; p_amount := sized.amount;
        on_terms := ARRAY(SELECT t IS NOT NULL FROM unnest(p_terms) t);
    END IF;

    RETURN QUERY
    WITH asked AS MATERIALIZED (
        SELECT u.*, CASE WHEN u.amount BETWEEN 1 AND 1000000000000 THEN u.amount END AS size,
               e.seq IS NULL AS is_new, e.seq AS old_seq, e.available_after AS old_available,
               (e.kind = 'debit' AND (e.action, e.quantity, e.event_at, e.tags)
                IS NOT DISTINCT FROM (u.action, u.quantity, u.event_at, u.tags)) AS same
        FROM unnest(p_account, p_key, p_action, p_quantity, p_credit_type, p_amount, p_event_at,
                    p_tags, on_terms)
             WITH ORDINALITY AS u (account_id, key, action, quantity, credit_type, amount, event_at,
                                   tags, on_terms, ord)
        LEFT JOIN LATERAL (
            SELECT * FROM entries o WHERE o.account_id = u.account_id AND o.key = u.key
            UNION ALL  -- asked where a wallet of the batch has an archive
            SELECT * FROM archived_entries o
            WHERE archived AND o.account_id = u.account_id AND o.key = u.key
            LIMIT 1
        ) e ON is_usage_key(u.key)),
    demand AS MATERIALIZED (
        SELECT a.account_id, min(a.credit_type) AS credit_type, total(a.size) AS amount,
               count(*) AS fresh, min(a.event_at) AS oldest,
               min(a.credit_type) = max(a.credit_type) AND count(DISTINCT a.key) = count(*)
               AND count(*) FILTER (WHERE a.size > 0 AND a.quantity > 0 AND is_usage_key(a.key)
                   AND a.event_at IS NOT NULL AND a.credit_type IS NOT NULL) = count(*)
               AS is_regular
        FROM asked a WHERE a.is_new GROUP BY a.account_id),
    stock AS MATERIALIZED (
        SELECT d.account_id, d.credit_type, d.amount, d.fresh, w.seq, w.at, g.grant_id, g.scope,
               g.free, total(g.free) OVER burn AS hi, g.place,
               total(g.remaining) OVER whole AS booked, total(g.held) OVER whole AS held,
               total(g.free) OVER whole AS available, d.oldest >= w.window_start
                   AND d.amount <= total(g.free) OVER whole AND bool_and(g.scope IS NULL) OVER whole
                   AND (w.alert_type IS DISTINCT FROM d.credit_type
                        OR total(g.free) OVER whole - d.amount > w.alert_level) AS is_plain
        FROM demand d JOIN unnest(accounts, seqs, ats, starts, types, levels)
                           AS w (account_id, seq, at, window_start, alert_type, alert_level)
             ON w.account_id = d.account_id
        CROSS JOIN LATERAL (
            SELECT row_number() OVER () AS place, o.grant_id, o.scope, o.remaining, o.held,
                   CASE WHEN o.is_usable THEN o.unheld ELSE 0 END AS free
            FROM grants_to_burn(d.account_id, d.credit_type, NULL, false, w.at, false) o) g
        WHERE d.is_regular
        WINDOW whole AS (PARTITION BY d.account_id),
               burn AS (PARTITION BY d.account_id ORDER BY g.place ROWS UNBOUNDED PRECEDING)),
    plain AS MATERIALIZED (
        SELECT s.*, s.hi - s.free AS lo FROM stock s WHERE s.is_plain),
    run AS MATERIALIZED (
        SELECT a.*, total(a.size) OVER acc AS hi, row_number() OVER acc AS n
        FROM asked a WHERE a.is_new
        WINDOW acc AS (PARTITION BY a.account_id ORDER BY a.ord ROWS UNBOUNDED PRECEDING)),
    draws AS MATERIALIZED (
        SELECT r.*, p.seq + r.n AS seq, p.at, p.grant_id, p.held, p.booked - r.hi AS booked,
               p.available - r.hi AS available,
               least(r.hi, p.hi) - greatest(r.hi - r.size, p.lo) AS take,
               row_number() OVER (PARTITION BY r.ord ORDER BY p.place) - 1 AS line
        FROM run r JOIN plain p ON p.account_id = r.account_id AND p.free > 0
                               AND p.lo < r.hi AND p.hi > r.hi - r.size),
    drawn AS (
        UPDATE grants o SET remaining = o.remaining - t.take, is_open = o.remaining > t.take
        FROM (SELECT p.account_id, p.grant_id, least(p.hi, p.amount) - p.lo AS take
              FROM plain p WHERE p.free > 0 AND p.lo < p.amount) t
        WHERE o.account_id = t.account_id AND o.grant_id = t.grant_id),
    counted AS (
        UPDATE wallets o SET seq = p.seq + p.fresh, decided_at = p.at
        FROM plain p WHERE p.place = 1 AND o.account_id = p.account_id),
    crossings AS (
        INSERT INTO outbox (account_id, message_key, topic, payload)
        SELECT p.account_id, 'zero:' || p.seq + p.fresh, 'crossing', jsonb_build_object(
                   'crossing', 'zero', 'seq', p.seq + p.fresh, 'credit_type', p.credit_type)
        FROM plain p WHERE p.place = 1 AND p.amount = p.available),
    written AS (
        INSERT INTO entries (account_id, seq, line, kind, grant_id, change, balance_after,
                             held_after, available_after, event_at, at, credit_type, key, action,
                             quantity, tags)
        SELECT d.account_id, d.seq, d.line, 'debit', d.grant_id, -d.take, d.booked, d.held,
               d.available, d.event_at, d.at, d.credit_type, CASE d.line WHEN 0 THEN d.key END,
               d.action, CASE d.line WHEN 0 THEN d.quantity END, CASE d.line WHEN 0 THEN d.tags END
        FROM draws d)
    SELECT d.ord::integer, 'debited', d.seq, d.available, NULL::bigint, d.available = 0,
           CASE WHEN d.on_terms THEN all_charged(d.credit_type, d.size) END
    FROM draws d WHERE d.line = 0
    UNION ALL
    SELECT a.ord::integer, CASE WHEN a.same THEN 'repeated' ELSE 'idempotency_conflict' END,
           a.old_seq, a.old_available, NULL, false,
           CASE WHEN a.same THEN debit_detail(a.account_id, a.old_seq) END
    FROM asked a WHERE NOT a.is_new;
    IF sized.counter IS NOT NULL THEN PERFORM put_batch_counters(sized, accounts, seqs); END IF;
END $$;

-- A batch is a table: columns of one length, and no event without its action, type and time.
CREATE OR REPLACE FUNCTION check_batch(
    p_account bigint[], p_key text[], p_action text[], p_quantity bigint[], p_credit_type text[],
    p_amount bigint[], p_event_at timestamptz[], p_tags jsonb[], p_terms jsonb[],
    p_revision bigint[]
) RETURNS void LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    n    integer := cardinality(p_key);
    dims text := '[1:' || n || ']';
BEGIN
    IF num_nulls(
           p_account, p_key, p_action, p_quantity, p_credit_type, p_amount, p_event_at, p_tags) <> 0
       OR (CASE WHEN n = 0
           THEN cardinality(p_account) + cardinality(p_action) + cardinality(p_quantity)
                + cardinality(p_credit_type) + cardinality(p_amount) + cardinality(p_event_at)
                + cardinality(p_tags) + coalesce(cardinality(p_terms), 0)
                + coalesce(cardinality(p_revision), 0) = 0
           ELSE array_dims(p_key) = dims AND array_dims(p_account) = dims
                AND array_dims(p_action) = dims AND array_dims(p_quantity) = dims
                AND array_dims(p_credit_type) = dims AND array_dims(p_amount) = dims
                AND array_dims(p_event_at) = dims AND array_dims(p_tags) = dims
                AND (p_terms IS NULL OR array_dims(p_terms) = dims)
                AND (p_revision IS NULL OR array_dims(p_revision) = dims) END) IS NOT TRUE
       OR num_nulls(VARIADIC p_action) + num_nulls(VARIADIC p_credit_type)
          + num_nulls(VARIADIC p_event_at) <> 0
       OR '0001-01-01Z' > ANY (p_event_at) OR '9999-12-31T23:59:59Z' < ANY (p_event_at) THEN
        RAISE EXCEPTION
            'the columns of a batch differ in length, or an event has no action, type or time'
            USING ERRCODE = 'DD005';
    END IF;
END $$;

-- Debit any events of any accounts, each accepted or refused on its own, one outcome per event, in
-- no particular order. Events of one account are decided in the order given; one that does not fit
-- is refused alone, unless a purchase can cover it: then it and all later events of that account
-- wait for it (status purchase_needed; `missing` is the first one's). p_terms (NULL: none has any)
-- says how an event may be paid, p_revision by which revision of the wallet's plan it was priced
-- (status stale_plan: by another than is in force); an account with one whose cost its first way
-- does not settle has its events decided one by one.
CREATE OR REPLACE FUNCTION debit(
    p_account bigint[], p_key text[], p_action text[], p_quantity bigint[], p_credit_type text[],
    p_amount bigint[], p_event_at timestamptz[], p_tags jsonb[], p_at an_instant,
    p_terms jsonb[] DEFAULT NULL, p_revision bigint[] DEFAULT NULL
) RETURNS SETOF debit_row LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    answered integer;
    r        debit_outcome;
    i        integer;
    waiting  bigint[] := '{}';
BEGIN
    PERFORM check_batch(
        p_account, p_key, p_action, p_quantity, p_credit_type, p_amount, p_event_at, p_tags,
        p_terms, p_revision);
    IF cardinality(p_key) = 1 THEN
        r := debit_one(p_account[1], p_key[1], p_action[1], p_quantity[1], p_credit_type[1],
                       p_amount[1], p_event_at[1], p_tags[1], p_at, p_terms[1], p_revision[1]);
        RETURN NEXT (1, r.status, r.seq, r.available, r.missing, r.crossed, r.detail)::debit_row;
        RETURN;
    END IF;
    RETURN QUERY SELECT * FROM debit_plain_accounts(
        p_account, p_key, p_action, p_quantity, p_credit_type, p_amount, p_event_at, p_tags, p_at,
        p_terms, p_revision);
    GET DIAGNOSTICS answered = ROW_COUNT;
    IF answered = cardinality(p_key) THEN RETURN; END IF;
    -- What was answered is in the journal by now.
    FOR i IN
        SELECT u.ord FROM unnest(p_account, p_key) WITH ORDINALITY AS u (account_id, key, ord)
        WHERE NOT (is_usage_key(u.key) AND EXISTS (
            SELECT FROM journal e WHERE e.account_id = u.account_id AND e.key = u.key))
        ORDER BY u.ord
    LOOP
        IF p_account[i] = ANY (waiting) THEN
            RETURN NEXT (i, 'purchase_needed', NULL, NULL, NULL, false, NULL)::debit_row;
        ELSE
            r := debit_one(p_account[i], p_key[i], p_action[i], p_quantity[i], p_credit_type[i],
                           p_amount[i], p_event_at[i], p_tags[i], p_at, p_terms[i],
                           p_revision[i]);
            RETURN NEXT (i, r.status, r.seq, r.available, r.missing, r.crossed,
                         r.detail)::debit_row;
            IF r.status = 'purchase_needed' THEN waiting := waiting || p_account[i]; END IF;
        END IF;
    END LOOP;
END $$;
