-- What a debit would come to, with nothing changed.

-- The answer where it can be read without the lock: a serving wallet whose credits cover a plain
-- price, or the first way of its terms, under a key never seen. No row changes; NULL where more
-- care is needed.
CREATE OR REPLACE FUNCTION check_quickly(
    p_account bigint, p_key text, p_action text, p_quantity bigint, p_credit_type text,
    p_amount bigint, p_event_at timestamptz, p_at timestamptz, p_terms jsonb, p_revision bigint
) RETURNS debit_outcome LANGUAGE plpgsql STABLE AS $$
DECLARE
    w      record;
    y      way;
    r      debit_outcome;
    served text := p_action;
    cost   bigint := p_amount;
    free   bigint;
BEGIN
    SELECT greatest(p_at, o.decided_at) AS at, o.window_start INTO w FROM wallets o
    WHERE o.account_id = p_account AND o.state = 'active' AND o.paused_by = '{}' AND NOT o.frozen
      AND greatest(p_at, o.decided_at) < least(o.window_end, o.next_lapse)
      AND p_event_at >= o.window_start AND o.plan_revision = p_revision;
    IF w.at IS NULL OR p_action IS NULL OR p_credit_type IS NULL
       OR (p_quantity > 0 AND is_usage_key(p_key)) IS NOT TRUE
       OR EXISTS (SELECT FROM journal e WHERE e.account_id = p_account AND e.key = p_key) THEN
        RETURN NULL;
    END IF;
    IF p_terms IS NOT NULL THEN
        y := first_way(p_terms);
        p_credit_type := y.credit_type;
        served := p_terms -> 'attempts' -> 0 ->> 'action';
        IF p_credit_type IS NULL THEN RETURN NULL; END IF;
        cost := (use_of_way(p_account, y, p_terms, p_quantity, w.window_start)).cost;
    END IF;
    SELECT sum(o.unheld) FILTER (WHERE o.pays AND NOT o.is_debt) INTO free
    FROM grants_to_burn(p_account, p_credit_type, served, false, w.at, false) o;
    IF (cost > 0 AND cost <= free) IS NOT TRUE THEN RETURN NULL; END IF;
    r.status := 'debited'; r.available := free - cost; r.crossed := free = cost;
    r.detail := all_charged(p_credit_type, cost);
    RETURN r;
END $$;

-- What `debit_one` would answer now. Where that can't be read, the debit is made and undone: it
-- locks the wallet meanwhile, and leaves nothing behind.
CREATE OR REPLACE FUNCTION check_debit(
    p_account bigint, p_key text, p_action text, p_quantity bigint, p_credit_type text,
    p_amount bigint, p_event_at timestamptz, p_tags jsonb, p_at an_instant, p_terms jsonb,
    p_revision bigint
) RETURNS debit_outcome LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    r debit_outcome;
BEGIN
    r := check_quickly(p_account, p_key, p_action, p_quantity, p_credit_type, p_amount, p_event_at,
                       p_at, p_terms, p_revision);
    IF r.status IS NOT NULL THEN RETURN r; END IF;
    BEGIN
        r := debit_one(p_account, p_key, p_action, p_quantity, p_credit_type, p_amount, p_event_at,
                       p_tags, p_at, p_terms, p_revision);
        RAISE EXCEPTION 'undone' USING ERRCODE = 'DD009';
    EXCEPTION WHEN SQLSTATE 'DD009' THEN
        IF r.status = 'debited' THEN r.seq := NULL; END IF;  -- no such line was written
    END;
    RETURN r;
END $$;

-- What debits of many events would each come to, of any accounts: a row for each that can be read
-- without a lock, as `check_quickly` says it, and none for the others. Each is answered by itself,
-- as if no other were asked about. An event without a key is only asked about: nothing was done
-- under it. LIMIT: each wallet is looked up by its account, whatever the size of the table.
CREATE OR REPLACE FUNCTION check_debits(
    p_account bigint[], p_key text[], p_action text[], p_quantity bigint[], p_credit_type text[],
    p_amount bigint[], p_event_at timestamptz[], p_at an_instant, p_terms jsonb[],
    p_revision bigint[]
) RETURNS SETOF debit_row LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off
AS $$
BEGIN
    RETURN QUERY
    SELECT u.ord::integer, 'debited', NULL::bigint, f.free - u.amount, NULL::bigint,
           f.free = u.amount, NULL::jsonb
    FROM unnest(p_account, p_key, p_action, p_quantity, p_credit_type, p_amount, p_event_at,
                p_revision, ARRAY(SELECT t IS NOT NULL FROM unnest(p_terms) t)) WITH ORDINALITY
         AS u (account_id, key, action, quantity, credit_type, amount, event_at, revision,
               on_terms, ord)
    CROSS JOIN LATERAL (
        SELECT greatest(p_at, o.decided_at) AS at FROM wallets o
        WHERE o.account_id = u.account_id AND o.state = 'active' AND o.paused_by = '{}'
          AND NOT o.frozen AND greatest(p_at, o.decided_at) < least(o.window_end, o.next_lapse)
          AND u.event_at >= o.window_start AND o.plan_revision = u.revision LIMIT 1) w
    CROSS JOIN LATERAL (
        SELECT total(g.unheld) FILTER (WHERE g.pays AND NOT g.is_debt) AS free
        FROM grants_to_burn(u.account_id, u.credit_type, u.action, false, w.at, false) g) f
    WHERE u.on_terms IS NOT TRUE AND u.action IS NOT NULL AND u.quantity > 0
      AND u.amount BETWEEN 1 AND f.free
      AND (u.key IS NULL OR is_usage_key(u.key) AND NOT EXISTS (
           SELECT FROM journal e WHERE e.account_id = u.account_id AND e.key = u.key));
    IF p_terms IS NOT NULL THEN
        RETURN QUERY
        SELECT u.ord::integer, r.status, NULL::bigint, r.available, NULL::bigint, r.crossed,
               r.detail
        FROM unnest(p_account, p_key, p_action, p_quantity, p_credit_type, p_amount, p_event_at,
                    p_revision, p_terms) WITH ORDINALITY
             AS u (account_id, key, action, quantity, credit_type, amount, event_at, revision,
                   terms, ord)
        CROSS JOIN LATERAL check_quickly(
            u.account_id, coalesce(u.key, 'check:' || gen_random_uuid()), u.action, u.quantity,
            u.credit_type, u.amount, u.event_at, p_at, u.terms, u.revision) r
        WHERE u.terms IS NOT NULL AND r.status IS NOT NULL;
    END IF;
END $$;
