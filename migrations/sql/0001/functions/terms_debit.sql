-- Debits on terms: what terms.sql planned is written here, under the same lock.

-- A plain event's price as terms, for the rare case that needs their care.
CREATE OR REPLACE FUNCTION plain_terms(
    p_action text, p_quantity bigint, p_credit_type text, p_amount bigint
) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_build_object('at_zero', 'purchase', 'attempts', jsonb_build_array(
    jsonb_build_object(
        'action', p_action,
        'ways', CASE WHEN p_amount = 0 THEN '[]'::jsonb ELSE jsonb_build_array(jsonb_build_object(
            'credit_type', p_credit_type, 'credits', p_amount, 'per', p_quantity,
            'started', false)) END)))
$$;

-- The window of a late event's own time, if it may still be reopened at p_at.
CREATE OR REPLACE FUNCTION reopened_window(
    w wallets, p_event_at timestamptz, p_at timestamptz
) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT n.window_start FROM windows n JOIN policies p ON p.account_id = n.account_id
    WHERE n.account_id = (w).account_id AND p.late_usage = 'reopen'
      AND n.window_start <= p_event_at AND n.window_end > p_event_at
      AND p_at < n.window_end + make_interval(hours => 24 * p.reopen_days)
$$;

-- What a wallet holds of a type, and what an action could draw of it without going into debt.
CREATE OR REPLACE FUNCTION balance_for(
    w wallets, p_credit_type text, p_action text, p_at timestamptz
) RETURNS wallet_balance LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(g.remaining), 0)::bigint, coalesce(sum(g.held), 0)::bigint,
           coalesce(sum(g.unheld) FILTER (WHERE g.pays AND NOT g.is_debt), 0)::bigint
    FROM grants_to_burn((w).account_id, p_credit_type, p_action, (w).frozen, p_at, false) g
$$;

-- Give back, out of what expired and then of what moved on, as much as the plan draws beyond what
-- is booked: one entry, and two for each grant that credits come back from.
CREATE OR REPLACE FUNCTION reopen_expired(
    w wallets, p debit_plan, p_event_at timestamptz, p_at timestamptz
) RETURNS wallets LANGUAGE plpgsql AS $$
DECLARE
    ids   bigint[];
    backs bigint[];
    short record;
BEGIN
    FOR short IN SELECT g AS source, u.take - g.remaining + g.held - g.expired AS moved
             FROM (SELECT o.id, sum(o.take)::bigint AS take
                   FROM unnest(p.grant_id, p.take) AS o (id, take) GROUP BY o.id) u
             JOIN grants g ON g.account_id = w.account_id AND g.grant_id = u.id
             WHERE u.take > g.remaining - g.held + g.expired ORDER BY g.grant_id LOOP
        PERFORM move_back(short.source, short.moved, p_at);
    END LOOP;
    SELECT seq INTO w.seq FROM wallets WHERE account_id = w.account_id;
    SELECT array_agg(g.grant_id ORDER BY g.grant_id),
           array_agg(t.take - g.remaining + g.held ORDER BY g.grant_id)
    INTO ids, backs
    FROM (SELECT u.id, sum(u.take)::bigint AS take
          FROM unnest(p.grant_id, p.take) AS u (id, take) GROUP BY u.id) t
    JOIN grants g ON g.account_id = w.account_id AND g.grant_id = t.id
                 AND t.take > g.remaining - g.held;
    IF ids IS NULL THEN RETURN w; END IF;
    w.seq := w.seq + 1;
    UPDATE grants g SET remaining = g.remaining + u.back, expired = g.expired - u.back,
                        is_open = true
    FROM unnest(ids, backs) AS u (id, back) WHERE g.account_id = w.account_id AND g.grant_id = u.id;
    INSERT INTO entries (account_id, seq, line, kind, grant_id, change, balance_after, held_after,
                         available_after, event_at, at, late, credit_type, key)
    SELECT w.account_id, w.seq, u.ord - 1, 'reopen', u.id, u.back, b.booked, b.held, b.available,
           p_event_at, p_at, true, g.credit_type,
           CASE u.ord WHEN 1 THEN 'ledger::reopen:' || w.seq END
    FROM unnest(ids, backs) WITH ORDINALITY AS u (id, back, ord)
    JOIN grants g ON g.account_id = w.account_id AND g.grant_id = u.id
    CROSS JOIN LATERAL balance_for(w, g.credit_type, p.action, p_at) b;
    RETURN w;
END $$;

-- Move the plan's counters, and the debt that drawing an overdraft makes.
CREATE OR REPLACE FUNCTION write_counters(w wallets, p debit_plan) RETURNS void LANGUAGE sql AS $$
    INSERT INTO counters (account_id, counter, window_start, value)
    SELECT (w).account_id, m.counter, m.starts,
           capped(counter_value((w).account_id, m.counter, m.starts) + sum(m.move))
    FROM (SELECT * FROM unnest((p).counter, (p).move, (p).starts) AS u (counter, move, starts)
          UNION ALL
          SELECT 'debt:' || g.credit_type, t.take, '-infinity'
          FROM unnest((p).grant_id, (p).take) AS t (id, take)
          JOIN grants g ON g.account_id = (w).account_id AND g.grant_id = t.id
                       AND g.source = 'overdraft') m
    GROUP BY m.counter, m.starts HAVING sum(m.move) <> 0
    ON CONFLICT (account_id, counter, window_start) DO UPDATE SET value = excluded.value
$$;

-- Write a plan that fits: one sequence number, a line per draw, of any credit types.
CREATE OR REPLACE FUNCTION write_debit(
    w wallets, p debit_plan, p_key text, p_action text, p_quantity bigint, p_credit_type text,
    p_event_at timestamptz, p_tags jsonb, p_at timestamptz, p_is_late boolean
) RETURNS debit_outcome LANGUAGE plpgsql AS $$
DECLARE
    r         debit_outcome;
    last_type text := coalesce(p.last_type, p_credit_type);
    last_left bigint;
BEGIN
    IF p.grant_id = '{}' THEN  -- a free line
        p.credit_type := ARRAY[last_type]; p.grant_id := ARRAY[NULL::bigint]; p.take := ARRAY[0];
    END IF;
    UPDATE grants g SET remaining = g.remaining - t.take, is_open = g.remaining > t.take
    FROM (SELECT u.id, sum(u.take)::bigint AS take
          FROM unnest(p.grant_id, p.take) AS u (id, take) GROUP BY u.id) t
    WHERE g.account_id = w.account_id AND g.grant_id = t.id;
    WITH written AS (
        INSERT INTO entries (account_id, seq, line, kind, grant_id, change, balance_after,
                             held_after, available_after, event_at, at, late, credit_type, key,
                             action, served_as, quantity, tags)
        SELECT w.account_id, w.seq + 1, u.ord - 1, 'debit', u.id, -u.take, b.booked, b.held,
               b.available, p_event_at, p_at, p_is_late, u.credit_type,
               CASE u.ord WHEN 1 THEN p_key END, p_action,
               CASE WHEN p.attempt > 1 THEN p.action END,
               CASE u.ord WHEN 1 THEN p_quantity END, CASE u.ord WHEN 1 THEN p_tags END
        FROM unnest(p.credit_type, p.grant_id, p.take)
             WITH ORDINALITY AS u (credit_type, id, take, ord)
        CROSS JOIN LATERAL balance_for(w, u.credit_type, p.action, p_at) b
        RETURNING line, credit_type, available_after)
    SELECT min(o.available_after) FILTER (WHERE o.line = 0),
           min(o.available_after) FILTER (WHERE o.credit_type = last_type)
    INTO r.available, last_left FROM written o;
    PERFORM write_counters(w, p);
    UPDATE wallets SET seq = w.seq + 1, decided_at = p_at WHERE account_id = w.account_id;
    r.status := CASE p.status WHEN 'fits' THEN 'debited' ELSE p.status END;
    r.seq := w.seq + 1;
    r.crossed := coalesce(last_left = 0, false) AND EXISTS (  -- something was there before
        SELECT FROM unnest(p.credit_type, p.grant_id, p.take) AS u (credit_type, id, take)
        JOIN grants g ON g.account_id = w.account_id AND g.grant_id = u.id
        WHERE u.credit_type = last_type AND u.take > 0 AND g.source <> 'overdraft'
          AND is_usable(g.effective_at, g.expires_at, g.source, w.frozen, p_at));
    r.detail := detail_of(p.credit_type, p.take, CASE WHEN p.attempt > 1 THEN p.action END);
    IF r.crossed THEN PERFORM note_crossing(w.account_id, r.seq, last_type); END IF;
    IF w.alert_level >= 0 THEN PERFORM fire_alerts(w.account_id); END IF;
    RETURN r;
END $$;

-- What refuses an event before it is planned: another plan is in force than it was priced by, or it
-- is so large that a second person must agree. An approved one is a hold, which says so no more.
CREATE OR REPLACE FUNCTION refused_unplanned(w wallets, p_terms jsonb, p_revision bigint)
RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN (w).plan_revision <> p_revision THEN 'stale_plan'
                WHEN (p_terms -> 'needs_approval')::boolean THEN 'approval_required' END
$$;

-- Debit one event on terms; p_credit_type is that of a free line. Locks the wallet.
CREATE OR REPLACE FUNCTION debit_on_terms(
    p_account bigint, p_key text, p_action text, p_quantity bigint, p_credit_type text,
    p_event_at timestamptz, p_tags jsonb, p_terms jsonb, p_at timestamptz,
    p_revision bigint DEFAULT NULL
) RETURNS debit_outcome LANGUAGE plpgsql AS $$
DECLARE
    w       wallets;
    r       debit_outcome;
    p       debit_plan;
    is_late boolean;
    late    text;
    opened  timestamptz;
    reason  text;
BEGIN
    SELECT * INTO w FROM wallets o WHERE o.account_id = p_account FOR UPDATE;
    IF NOT FOUND THEN
        RETURN ('unknown_customer', NULL, NULL, NULL, false, NULL)::debit_outcome;
    END IF;
    p_at := greatest(p_at, w.decided_at);
    IF NOT is_usage_key(p_key) THEN r.status := 'invalid_key'; RETURN r; END IF;
    r := recall(w.account_id, p_key, 'debit', p_action, p_quantity, NULL, NULL, p_event_at, p_tags);
    IF r.status IS NOT NULL THEN RETURN r; END IF;
    r.status := refused_unplanned(w, p_terms, p_revision);
    IF r.status IS NOT NULL THEN RETURN r; END IF;
    w := enter_window(w, p_at);
    is_late := coalesce(p_event_at < w.window_start, false);
    IF is_late THEN
        SELECT late_usage INTO late FROM policies WHERE account_id = w.account_id;
    END IF;
    IF late = 'reopen' THEN
        opened := reopened_window(w, p_event_at, p_at);
        p_terms := p_terms || '{"at_zero": "block"}';  -- no purchase cures a window that is closed
    END IF;
    IF opened IS NOT NULL THEN
        p := plan_debit(w, p_terms, p_quantity, p_event_at, opened, true);
        IF p.status NOT IN ('fits', 'already_unlocked') THEN opened := NULL; END IF;
    END IF;
    IF opened IS NULL THEN  -- what does not fit its own window is booked now, as it would be later
        p := plan_debit(w, p_terms, p_quantity, p_at, w.window_start);
    END IF;
    IF p.status IN ('invalid_quantity', 'invalid_rate', 'quantity_not_one') THEN
        r.status := p.status;
        RETURN r;
    END IF;
    reason := serving_refusal(w, p_at);
    IF w.state = 'active' AND (p.status = 'already_unlocked'
                               OR p_terms -> 'attempts' -> 0 -> 'ways' = '[]') THEN
        reason := NULL;  -- what is free goes on
    END IF;
    IF reason IS NULL AND late = 'refuse' THEN reason := 'period_closed'; END IF;
    IF reason IS NOT NULL OR p.status NOT IN ('fits', 'already_unlocked') THEN
        PERFORM note_decision(w.account_id, p_at);
        r.status := coalesce(reason, p.status); r.crossed := false;
        IF reason IS NULL THEN
            r.available := p.available; r.missing := p.missing;
            IF p.status = 'confirmation_required' THEN
                r.detail := jsonb_build_object('asked', p.asked);
            END IF;
        END IF;
        RETURN r;
    END IF;
    IF opened IS NOT NULL THEN w := reopen_expired(w, p, p_event_at, p_at); END IF;
    r := write_debit(w, p, p_key, p_action, p_quantity, p_credit_type, p_event_at, p_tags, p_at,
                     is_late);
    IF opened IS NOT NULL THEN
        PERFORM roll_again(w.account_id, p.grant_id, p.take, p_at);
        PERFORM recognise(w.account_id, p_at);  -- breakage may be use now
        PERFORM settle_again(w.account_id, p.grant_id, p_at);
    END IF;
    RETURN r;
END $$;

-- Limit a counter of credits in each window, or (NULL) let it go on; what was used stays used.
-- p_refusal: what the ceiling stands for.
CREATE OR REPLACE FUNCTION set_limit(
    p_account an_account, p_counter a_name, p_credit_type a_name, p_ceiling bigint, p_at an_instant,
    p_refusal text DEFAULT 'user_limit'
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    w wallets;
BEGIN
    w := lock_wallet(p_account, p_at);
    IF p_ceiling IS NULL THEN
        DELETE FROM limits WHERE account_id = p_account AND counter = p_counter
                             AND credit_type = p_credit_type;
        RETURN;
    END IF;
    INSERT INTO limits AS l (account_id, counter, credit_type, ceiling, refusal, since)
    VALUES (p_account, p_counter, p_credit_type, p_ceiling, p_refusal, w.decided_at)
    ON CONFLICT (account_id, counter, credit_type) DO UPDATE
    SET ceiling = excluded.ceiling, refusal = excluded.refusal, since = excluded.since
    WHERE (l.ceiling, l.refusal) <> (excluded.ceiling, excluded.refusal);
END $$;

-- A person agreed to a way of paying by another road than the event itself: what is remembered is
-- what a confirmed debit would remember. `false`: that window is over, so the price is asked anew.
CREATE OR REPLACE FUNCTION remember_consents(
    p_account an_account, p_counters text[], p_window_start an_instant, p_at an_instant
) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    w wallets := lock_wallet(p_account, p_at);
BEGIN
    IF w.window_start IS DISTINCT FROM p_window_start OR w.window_end <= w.decided_at THEN
        RETURN false;
    END IF;
    IF p_counters IS NULL OR EXISTS (
        SELECT FROM unnest(p_counters) AS n (name) WHERE (n.name ^@ 'consent:') IS NOT TRUE) THEN
        RAISE EXCEPTION 'only consents are remembered' USING ERRCODE = 'DD004';
    END IF;
    INSERT INTO counters (account_id, counter, window_start, value)
    SELECT DISTINCT p_account, n.name, w.window_start, 1 FROM unnest(p_counters) AS n (name)
    ON CONFLICT (account_id, counter, window_start)
    DO UPDATE SET value = greatest(counters.value, 1);
    RETURN true;
END $$;
