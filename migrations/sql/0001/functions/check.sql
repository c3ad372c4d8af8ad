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
