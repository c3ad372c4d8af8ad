-- What is asked of holds. Each call locks the wallet first and answers a repeat as it did first.

-- Write a hold that was planned. Carries move when it is captured, and an object is bought then;
-- confirmations and limits count from now on.
CREATE OR REPLACE FUNCTION write_hold(
    w wallets, p debit_plan, p_key text, p_action text, p_quantity bigint, p_credit_type text,
    p_event_at timestamptz, p_tags jsonb, p_terms jsonb, p_lapses_at timestamptz, p_at timestamptz
) RETURNS holds LANGUAGE plpgsql AS $$
DECLARE
    h     holds;
    ways  jsonb := coalesce(p_terms -> 'attempts' -> (p.attempt - 1) -> 'ways', '[]');
BEGIN
    w.seq := w.seq + 1;
    INSERT INTO holds (account_id, hold_id, key, action, served_as, quantity, credit_type, ways,
                       counters, once, window_start, asked_lapse, lapses_at)
    VALUES (w.account_id, w.seq, p_key, p_action, CASE WHEN p.attempt > 1 THEN p.action END,
            p_quantity, coalesce(p.last_type, p_credit_type), ways,
            ARRAY(SELECT jsonb_array_elements_text(coalesce(p_terms -> 'counters', '[]'))),
            CASE WHEN p.attempt = 1 THEN p_terms ->> 'once' END, w.window_start,
            p_lapses_at, p_lapses_at)
    RETURNING * INTO h;
    INSERT INTO hold_lines (account_id, hold_id, line, grant_id, credit_type, amount)
    SELECT w.account_id, h.hold_id, row_number() OVER (ORDER BY min(u.ord)) - 1, u.id, u.type,
           sum(u.take)
    FROM unnest(p.credit_type, p.grant_id, p.take) WITH ORDINALITY AS u (type, id, take, ord)
    GROUP BY u.id, u.type;
    UPDATE grants g SET held = g.held + l.amount FROM hold_lines l
    WHERE l.account_id = w.account_id AND l.hold_id = h.hold_id
      AND g.account_id = l.account_id AND g.grant_id = l.grant_id;
    INSERT INTO entries (account_id, seq, line, kind, grant_id, change, held_change, balance_after,
                         held_after, available_after, event_at, at, late, credit_type, key, action,
                         served_as, quantity, tags)
    SELECT w.account_id, w.seq, u.line, 'hold', u.grant_id, 0, u.amount, b.booked, b.held,
           b.available, p_event_at, p_at, coalesce(p_event_at < w.window_start, false),
           u.credit_type, CASE u.line WHEN 0 THEN p_key END, p_action, h.served_as,
           CASE u.line WHEN 0 THEN p_quantity END, CASE u.line WHEN 0 THEN p_tags END
    FROM (SELECT l.line, l.grant_id, l.credit_type, l.amount FROM hold_lines l
          WHERE l.account_id = w.account_id AND l.hold_id = h.hold_id
          UNION ALL SELECT 0, NULL, h.credit_type, 0 WHERE p.grant_id = '{}') u
    CROSS JOIN LATERAL balance_for(w, u.credit_type, p.action, p_at) b;
    SELECT array_agg(u.counter), array_agg(u.move), array_agg(u.starts), '{}', '{}'
    INTO p.counter, p.move, p.starts, p.grant_id, p.take
    FROM unnest(p.counter, p.move, p.starts) AS u (counter, move, starts)
    WHERE u.starts > '-infinity' AND u.counter NOT IN (
        SELECT y ->> 'carry' FROM jsonb_array_elements(ways) y WHERE y ->> 'carry' IS NOT NULL);
    PERFORM write_counters(w, p);
    UPDATE wallets SET seq = w.seq, decided_at = p_at, next_lapse = least(next_lapse, p_lapses_at)
    WHERE account_id = w.account_id;
    RETURN h;
END $$;

-- Set credits aside at the rates in force. Status: held | already_unlocked (nothing needs to be
-- held) | repeated | a reason; `detail` says what is held by type, or what must be confirmed.
CREATE OR REPLACE FUNCTION hold(
    p_account an_account, p_key a_name, p_action a_name, p_quantity bigint, p_credit_type a_name,
    p_event_at an_instant, p_tags jsonb, p_terms jsonb, p_lapses_at an_instant, p_at an_instant,
    p_revision bigint DEFAULT NULL
) RETURNS debit_outcome LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    w   wallets;
    h   holds;
    r   debit_outcome;
    p   debit_plan;
    old entries;
BEGIN
    SELECT * INTO w FROM wallets o WHERE o.account_id = p_account FOR UPDATE;
    IF NOT FOUND THEN r.status := 'unknown_customer'; RETURN r; END IF;
    IF NOT is_usage_key(p_key) THEN r.status := 'invalid_key'; RETURN r; END IF;
    SELECT * INTO old FROM journal e WHERE e.account_id = p_account AND e.key = p_key;
    IF FOUND THEN
        SELECT * INTO h FROM holds o WHERE o.account_id = p_account AND o.key = p_key;
        r := ('idempotency_conflict', old.seq, old.available_after, NULL, false,
              NULL)::debit_outcome;
        IF (old.kind, old.action, old.quantity, old.event_at, old.tags, h.asked_lapse)
           IS NOT DISTINCT FROM ('hold', p_action, p_quantity, p_event_at, p_tags, p_lapses_at) THEN
            r.status := 'repeated'; r.detail := hold_detail(h);
        END IF;
        RETURN r;
    END IF;
    r.status := refused_unplanned(w, p_terms, p_revision);
    IF r.status IS NOT NULL THEN RETURN r; END IF;
    p_at := greatest(p_at, w.decided_at);
    w := enter_window(w, p_at);
    p := plan_debit(w, p_terms, p_quantity, p_at, w.window_start);
    r.status := CASE
        WHEN p.status IN ('invalid_quantity', 'invalid_rate', 'quantity_not_one') THEN p.status
        WHEN p_lapses_at > p_at IS NOT TRUE THEN 'invalid_lapse' END;
    IF r.status IS NULL AND (w.state <> 'active' OR p.status <> 'already_unlocked'
       AND p_terms -> 'attempts' -> 0 -> 'ways' <> '[]') THEN  -- what is free goes on
        r.status := wallet_refusal(w, p_at);
    END IF;
    IF r.status IS NULL AND p_event_at < w.window_start
       AND (SELECT late_usage = 'refuse' FROM policies WHERE account_id = p_account) THEN
        r.status := 'period_closed';
    END IF;
    IF r.status IS NULL AND p.status NOT IN ('fits', 'already_unlocked') THEN
        r.status := p.status; r.missing := p.missing; r.available := p.available;
        IF p.asked IS NOT NULL THEN r.detail := jsonb_build_object('asked', p.asked); END IF;
    END IF;
    IF r.status IS NOT NULL THEN
        PERFORM note_decision(p_account, p_at);
        RETURN r;
    END IF;
    h := write_hold(w, p, p_key, p_action, p_quantity, p_credit_type, p_event_at, p_tags, p_terms,
                    p_lapses_at, p_at);
    -- Nobody can use what is held.
    IF w.alert_level >= 0 THEN PERFORM fire_alerts(p_account); END IF;
    RETURN hold_answer(h, CASE p.status WHEN 'fits' THEN 'held' ELSE p.status END);
END $$;

-- Take what the work came to, at the hold's own rates: less than held gives the rest back, more
-- takes what there is and records what is uncollected, so also what a way asks for and nobody
-- agreed to (p_confirmed). A pause or a late renewal does not stop it, for the work is done.
-- Status: captured | already_unlocked (another bought the object: charged nothing) | repeated |
-- a reason.
CREATE OR REPLACE FUNCTION capture_hold(
    p_account an_account, p_key a_name, p_quantity bigint, p_confirmed boolean, p_at an_instant
) RETURNS debit_outcome LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    w       wallets;
    h       holds;
    r       debit_outcome;
    c       capture_cost;
    status  text := 'captured';
    emptied text;
BEGIN
    w := lock_wallet(p_account, p_at);
    SELECT * INTO h FROM holds o WHERE o.account_id = p_account AND o.key = p_key;
    IF NOT FOUND THEN r.status := 'unknown_hold'; RETURN r; END IF;
    IF h.state = 'captured' THEN
        RETURN hold_answer(h, CASE h.captured WHEN p_quantity THEN 'repeated'
                                   ELSE 'idempotency_conflict' END);
    END IF;
    IF h.state <> 'open' THEN RETURN hold_answer(h, 'hold_' || h.state); END IF;
    IF (p_quantity BETWEEN 1 AND 1000000000000000000) IS NOT TRUE THEN
        r.status := 'invalid_quantity';
        RETURN r;
    END IF;
    IF h.once IS NOT NULL AND p_quantity <> 1000000 THEN
        r.status := 'quantity_not_one';
        RETURN r;
    END IF;
    c := capture_costs(w, h, p_quantity, coalesce(p_confirmed, false), w.decided_at);
    IF (SELECT max(t.value::numeric) FROM jsonb_each_text(c.costs) t) > 1000000000000000000 THEN
        r.status := 'invalid_quantity'; RETURN r;
    END IF;
    IF counter_value(p_account, 'once:' || h.once, '-infinity') > 0 THEN
        status := 'already_unlocked'; c := NULL;
    ELSIF h.once IS NOT NULL THEN
        c.plan := plan_move(c.plan, 'once:' || h.once, 1, '-infinity');
    END IF;
    w := end_hold(w, h, 'captured', p_quantity, c, w.decided_at);
    SELECT * INTO h FROM holds o WHERE o.account_id = p_account AND o.hold_id = h.hold_id;
    SELECT min(t.key) INTO emptied FROM jsonb_each_text(h.taken) t
    WHERE (balance_for(w, t.key, coalesce(h.served_as, h.action), w.decided_at)).available = 0;
    r := hold_answer(h, status);
    r.crossed := emptied IS NOT NULL;
    IF r.crossed THEN PERFORM note_crossing(p_account, h.resolved_seq, emptied); END IF;
    RETURN r;
END $$;

-- Let a hold live longer; to end it sooner, release it. Status: extended | repeated | a reason.
CREATE OR REPLACE FUNCTION extend_hold(
    p_account an_account, p_key a_name, p_lapses_at an_instant, p_at an_instant
) RETURNS debit_outcome LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    w wallets;
    h holds;
    r debit_outcome;
BEGIN
    w := lock_wallet(p_account, p_at);
    SELECT * INTO h FROM holds o WHERE o.account_id = p_account AND o.key = p_key;
    IF NOT FOUND THEN r.status := 'unknown_hold'; RETURN r; END IF;
    IF h.state <> 'open' THEN RETURN hold_answer(h, 'hold_' || h.state); END IF;
    IF p_lapses_at <= h.lapses_at THEN RETURN hold_answer(h, 'repeated'); END IF;
    UPDATE holds o SET lapses_at = p_lapses_at
    WHERE o.account_id = p_account AND o.hold_id = h.hold_id
    RETURNING * INTO h;
    UPDATE wallets SET next_lapse = next_lapse_of(p_account) WHERE account_id = p_account;
    RETURN hold_answer(h, 'extended');
END $$;

-- Give everything back. Status: released | repeated | a reason.
CREATE OR REPLACE FUNCTION release_hold(p_account an_account, p_key a_name, p_at an_instant)
RETURNS debit_outcome LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    w wallets;
    h holds;
    r debit_outcome;
BEGIN
    w := lock_wallet(p_account, p_at);
    SELECT * INTO h FROM holds o WHERE o.account_id = p_account AND o.key = p_key;
    IF NOT FOUND THEN r.status := 'unknown_hold'; RETURN r; END IF;
    IF h.state = 'released' THEN RETURN hold_answer(h, 'repeated'); END IF;
    IF h.state <> 'open' THEN RETURN hold_answer(h, 'hold_' || h.state); END IF;
    PERFORM end_hold(w, h, 'released', NULL, NULL, w.decided_at);
    SELECT * INTO h FROM holds o WHERE o.account_id = p_account AND o.hold_id = h.hold_id;
    RETURN hold_answer(h, 'released');
END $$;

-- Write down what has lapsed; return how many holds. Changes no answer: the instant decided.
CREATE OR REPLACE FUNCTION lapse_holds(p_account an_account, p_at an_instant) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    before bigint;
BEGIN
    PERFORM FROM wallets WHERE account_id = p_account FOR UPDATE;
    SELECT count(*) INTO before FROM holds o WHERE o.account_id = p_account AND o.state = 'open';
    PERFORM lock_wallet(p_account, p_at);
    RETURN before - (SELECT count(*) FROM holds o
                     WHERE o.account_id = p_account AND o.state = 'open');
END $$;
