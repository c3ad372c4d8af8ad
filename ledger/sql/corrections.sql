-- Corrections of usage: an event's quantity becomes less, or none. Its draws are undone in reverse
-- order, into the grants they came from; what of them has run out meanwhile runs out at once.

-- What an event still takes of each grant, after its corrections; `place` as it was drawn.
CREATE OR REPLACE FUNCTION draws_of(p_account bigint, p_seq bigint)
RETURNS TABLE (place integer, grant_id bigint, credit_type text, amount bigint)
LANGUAGE sql STABLE AS $$
    SELECT max(e.line) FILTER (WHERE e.seq = p_seq AND e.change < 0)::integer, e.grant_id,
           e.credit_type, -sum(e.change)::bigint
    FROM journal e WHERE e.account_id = p_account AND e.grant_id IS NOT NULL
                     AND (e.seq = p_seq OR e.corrects = p_seq)
    GROUP BY e.grant_id, e.credit_type HAVING sum(e.change) < 0
$$;

CREATE OR REPLACE FUNCTION quantity_of(e entries) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT (e).quantity - coalesce(sum(c.quantity), 0)::bigint FROM journal c
    WHERE c.account_id = (e).account_id AND c.corrects = (e).seq
$$;

-- The window whose counters an event moved: of its own time if it was reopened for it.
CREATE OR REPLACE FUNCTION window_of(e entries) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT max(n.window_start) FROM windows n
    WHERE n.account_id = (e).account_id AND n.window_start <= CASE
        WHEN (e).late AND EXISTS (
            SELECT FROM draws_of((e).account_id, (e).seq) d
            JOIN grants g ON g.account_id = (e).account_id AND g.grant_id = d.grant_id
                         AND g.expires_at <= (e).at)
        THEN (e).event_at ELSE (e).at END
$$;

-- Why an event cannot be corrected, or NULL.
CREATE OR REPLACE FUNCTION correction_refusal(e entries, p_quantity bigint) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN (e).kind = 'hold' THEN 'event_held'
        WHEN (e).kind = 'release' THEN 'event_free'
        WHEN ((e).kind IN ('debit', 'capture')) IS NOT TRUE THEN 'unknown_event'
        WHEN (p_quantity BETWEEN 0 AND 1000000000000000000) IS NOT TRUE THEN 'invalid_quantity'
        WHEN EXISTS (SELECT FROM jsonb_each_text((e).tags) t
                     WHERE counter_value((e).account_id, 'once:' || (e).action || ':' || t.value,
                                         '-infinity') > 0) THEN 'bought_for_ever'
        WHEN NOT EXISTS (SELECT FROM journal d
                         WHERE d.account_id = (e).account_id AND d.seq = (e).seq
                           AND d.change < 0) THEN 'event_free'
        WHEN p_quantity >= quantity_of(e) THEN 'not_less'
    END
$$;

-- What held work cost and there was no credit for, by credit type, after its corrections.
CREATE OR REPLACE FUNCTION short_of(h holds) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_object_agg(
        t.key, t.value::numeric - coalesce(((h).forgiven ->> t.key)::numeric, 0)), '{}')
    FROM jsonb_each_text((h).uncollected) t
$$;

-- How held work was paid: at the rates and on the counters of its authorization.
CREATE OR REPLACE FUNCTION terms_of(h holds) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object('counters', to_jsonb((h).counters), 'attempts', jsonb_build_array(
        jsonb_build_object('action', coalesce((h).served_as, (h).action), 'ways', (h).ways)))
$$;

-- What a smaller quantity costs less of each credit type, in `charged`, and the carries that go
-- with it: the way that paid last gives first. Without ways each type gives in proportion.
CREATE OR REPLACE FUNCTION plan_correction(
    e entries, p_quantity bigint, p_ways way[], p_window timestamptz, p_short jsonb
) RETURNS debit_plan LANGUAGE plpgsql STABLE AS $$
DECLARE
    p     debit_plan;
    y     way;
    whole bigint := quantity_of(e);
    rest  numeric := whole - p_quantity;
    cost_of jsonb := (SELECT jsonb_object_agg(t.credit_type, t.amount) FROM (
        SELECT d.credit_type, sum(d.amount)::bigint AS amount FROM (
            SELECT o.credit_type, o.amount FROM draws_of(e.account_id, e.seq) o
            UNION ALL SELECT o.key, o.value::bigint FROM jsonb_each_text(p_short) o) d
        GROUP BY d.credit_type) t);
    have  numeric;
    part  numeric;
    used  numeric;
    cost  numeric;
BEGIN
    p.counter := '{}'; p.move := '{}'; p.starts := '{}'; p.charged := '{}';
    IF cardinality(p_ways) = 0 THEN
        SELECT jsonb_object_agg(t.key, half_up(t.value::numeric * rest, whole)) INTO p.charged
        FROM jsonb_each_text(cost_of) t;
    END IF;
    FOR n IN REVERSE cardinality(p_ways) .. 1 LOOP
        y := p_ways[n];
        have := coalesce((cost_of ->> y.credit_type)::numeric, 0);
        CONTINUE WHEN have = 0 OR rest = 0;
        part := CASE WHEN n = 1 THEN rest
                     ELSE least(rest, div(have * y.per + y.credits - 1, y.credits)) END;
        used := CASE WHEN n = 1 THEN p_quantity ELSE 0 END;
        IF y.carry IS NOT NULL AND NOT y.started THEN
            used := mod(counter_value(e.account_id, y.carry, p_window) - mod(part, y.per) + y.per,
                        y.per);
            p := plan_move(p, y.carry, used - counter_value(e.account_id, y.carry, p_window),
                           p_window);
        END IF;
        cost := CASE WHEN y.started AND n = 1
                     THEN way_costs(y, 0, p_quantity + part) - way_costs(y, 0, p_quantity)
                     ELSE way_costs(y, used, part) END;
        p.charged := p.charged || jsonb_build_object(y.credit_type, least(have, cost));
        rest := rest - part;
    END LOOP;
    IF p_quantity = 0 THEN p.charged := cost_of; END IF;  -- none is left, whatever was rounded
    RETURN p;
END $$;

-- What costs less takes off first what was never collected: the rest is given back, in `charged`.
CREATE OR REPLACE FUNCTION forgive_short(h holds, p debit_plan) RETURNS debit_plan
LANGUAGE plpgsql AS $$
DECLARE
    spared jsonb := (SELECT jsonb_object_agg(t.key, least(
                         t.value::numeric, coalesce((p.charged ->> t.key)::numeric, 0)))
                     FROM jsonb_each_text(short_of(h)) t);
BEGIN
    IF spared IS NULL THEN RETURN p; END IF;
    UPDATE holds o SET forgiven = (
        SELECT jsonb_object_agg(
            t.key, coalesce((o.forgiven ->> t.key)::numeric, 0) + t.value::numeric)
        FROM jsonb_each_text(spared) t)
    WHERE o.account_id = h.account_id AND o.hold_id = h.hold_id;
    p.charged := (SELECT jsonb_object_agg(
                      t.key, t.value::numeric - coalesce((spared ->> t.key)::numeric, 0))
                  FROM jsonb_each_text(p.charged) t);
    RETURN p;
END $$;

-- Recognise these grants anew: what was earned may be used no more.
CREATE OR REPLACE FUNCTION recognise_grants(
    p_account bigint, p_grants bigint[], p_at timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    g      grants;
    earned bigint;
    broken bigint;
BEGIN
    FOR g IN SELECT * FROM grants o WHERE o.account_id = p_account AND o.grant_id = ANY (p_grants)
                                      AND o.cost_minor > 0
             ORDER BY o.grant_id LOOP
        earned := earned_minor(g); broken := settled_minor(g) - earned;
        PERFORM post_recognised(g, earned, broken, p_at);
        UPDATE grants SET recognised_minor = earned, broken_minor = broken
        WHERE account_id = p_account AND grant_id = g.grant_id;
    END LOOP;
END $$;

-- What was taken on credit and is given back is owed no more; what repaid it comes back as credits.
CREATE OR REPLACE FUNCTION forgive_debt(g grants, p_amount bigint, p_at timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    w        wallets;
    standing bigint := counter_value(g.account_id, 'debt:' || g.credit_type, '-infinity');
BEGIN
    UPDATE counters SET value = greatest(0, standing - p_amount)
    WHERE account_id = g.account_id AND counter = 'debt:' || g.credit_type
      AND window_start = '-infinity';
    IF p_amount <= standing THEN RETURN; END IF;
    SELECT * INTO w FROM wallets WHERE account_id = g.account_id;
    PERFORM grant_credits(
        g.account_id, ':repaid:' || w.seq, 'adjustment', g.credit_type, g.scope, g.priority, p_at,
        CASE WHEN w.window_end > p_at THEN w.window_end ELSE 'infinity' END, g.tie_1, g.tie_2,
        p_amount - standing, 0, g.currency, NULL, NULL, NULL, p_at);
END $$;

-- Give credits back to the grants of an event: one entry, a line per draw, the last draw first.
CREATE OR REPLACE FUNCTION write_correction(
    w wallets, e entries, p_given jsonb, p_key text, p_quantity bigint, p_tags jsonb
) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    ids   bigint[];
    backs bigint[];
BEGIN
    SELECT array_agg(b.grant_id ORDER BY b.place DESC),
           array_agg(b.back::bigint ORDER BY b.place DESC)
    INTO ids, backs
    FROM (SELECT d.place, d.grant_id,
                 greatest(0, least(d.amount, coalesce((p_given ->> d.credit_type)::numeric, 0)
                     - sum(d.amount) OVER later + d.amount)) AS back
          FROM draws_of(e.account_id, e.seq) d
          WINDOW later AS (PARTITION BY d.credit_type ORDER BY d.place DESC)) b
    WHERE b.back > 0;
    UPDATE grants g SET remaining = g.remaining + u.back, is_open = true
    FROM unnest(ids, backs) AS u (id, back) WHERE g.account_id = w.account_id AND g.grant_id = u.id;
    INSERT INTO entries (account_id, seq, line, kind, grant_id, change, balance_after, held_after,
                         available_after, event_at, at, late, credit_type, key, action, served_as,
                         quantity, corrects, tags)
    SELECT w.account_id, w.seq + 1, u.ord - 1, 'correction', u.id, coalesce(u.back, 0), b.booked,
           b.held, b.available, e.event_at, w.decided_at, e.late,
           coalesce(g.credit_type, e.credit_type), CASE u.ord WHEN 1 THEN p_key END, e.action,
           e.served_as, CASE u.ord WHEN 1 THEN p_quantity END, e.seq,
           CASE u.ord WHEN 1 THEN p_tags END
    FROM (SELECT * FROM unnest(ids, backs) WITH ORDINALITY AS t (id, back, ord)
          UNION ALL SELECT NULL, NULL, 1 WHERE ids IS NULL) u
    LEFT JOIN grants g ON g.account_id = w.account_id AND g.grant_id = u.id
    CROSS JOIN LATERAL balance_at(w.account_id, coalesce(g.credit_type, e.credit_type),
                                  w.decided_at) b;
    UPDATE wallets SET seq = w.seq + 1 WHERE account_id = w.account_id;
    PERFORM forgive_debt(g, u.back, w.decided_at)
    FROM unnest(ids, backs) AS u (id, back)
    JOIN grants g ON g.account_id = w.account_id AND g.grant_id = u.id AND g.source = 'overdraft';
    RETURN coalesce(ids, '{}');
END $$;

-- The answer to a correction, read from its entry.
CREATE OR REPLACE FUNCTION correction_answer(p_status text, c entries) RETURNS correction_outcome
LANGUAGE sql STABLE AS $$
    SELECT (p_status, (c).seq, (c).available_after,
            coalesce(jsonb_object_agg(t.credit_type, t.given) FILTER (WHERE t.given > 0), '{}'),
            coalesce(jsonb_object_agg(t.credit_type, t.closed) FILTER (WHERE t.closed > 0), '{}')
           )::correction_outcome
    FROM (SELECT e.credit_type, sum(e.change)::bigint AS given,
                 coalesce(sum(e.change) FILTER (WHERE g.expires_at <= e.at), 0)::bigint AS closed
          FROM journal e
          LEFT JOIN grants g ON g.account_id = e.account_id AND g.grant_id = e.grant_id
          WHERE e.account_id = (c).account_id AND e.seq = (c).seq GROUP BY e.credit_type) t
$$;

-- Let an event's quantity be less, once per key; of held work, that which was captured. p_terms:
-- how it was paid, to know its rates and counters (NULL: in proportion; held work knows its own).
-- corrected | repeated | idempotency_conflict | unknown_customer | unknown_event | event_held |
-- event_free | bought_for_ever | not_less | invalid_quantity | invalid_key.
CREATE OR REPLACE FUNCTION correct_usage(
    p_account an_account, p_key a_name, p_event a_name, p_quantity bigint, p_terms jsonb,
    p_tags jsonb, p_at an_instant
) RETURNS correction_outcome
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    w      wallets;
    e      entries;
    h      holds;
    c      entries;
    p      debit_plan;
    r      correction_outcome;
    starts timestamptz;
    ids    bigint[];
    backs  bigint[];
BEGIN
    w := lock_wallet(p_account, p_at);
    IF w.account_id IS NULL THEN r.status := 'unknown_customer'; RETURN r; END IF;
    IF NOT is_usage_key(p_key) OR NOT is_usage_key(p_event) THEN
        r.status := 'invalid_key';
        RETURN r;
    END IF;
    p_tags := coalesce(p_tags, '{}')
              || jsonb_build_object('event', p_event, 'quantity', p_quantity);
    p_key := 'ledger:correction:' || p_key;
    SELECT * INTO c FROM journal o WHERE o.account_id = p_account AND o.key = p_key;
    IF FOUND THEN
        RETURN correction_answer(CASE WHEN c.tags = p_tags THEN 'repeated'
                                      ELSE 'idempotency_conflict' END, c);
    END IF;
    SELECT * INTO h FROM holds o
    WHERE o.account_id = p_account AND o.key = p_event AND o.state <> 'open';
    SELECT * INTO e FROM journal o
    WHERE o.account_id = p_account AND o.key = coalesce('ledger::hold:' || h.hold_id, p_event);
    r.status := correction_refusal(e, p_quantity);
    IF r.status IS NOT NULL THEN RETURN r; END IF;
    IF p_terms IS NOT NULL AND NOT terms_have_shape(p_terms) THEN
        r.status := 'invalid_rate';
        RETURN r;
    END IF;
    IF h.hold_id IS NOT NULL THEN p_terms := terms_of(h); END IF;
    starts := coalesce(h.window_start, window_of(e));
    p := plan_correction(e, p_quantity, ARRAY(
        SELECT y FROM jsonb_array_elements(p_terms -> 'attempts') a,
                      jsonb_populate_recordset(NULL::way, a.value -> 'ways') y
        WHERE a.value ->> 'action' = coalesce(e.served_as, e.action)), starts, short_of(h));
    p := forgive_short(h, p);
    ids := write_correction(w, e, p.charged, p_key, quantity_of(e) - p_quantity, p_tags);
    UPDATE counters o SET value = greatest(0, o.value + m.move)
    FROM (SELECT * FROM unnest(p.counter, p.move) AS u (counter, move)
          UNION ALL
          SELECT counter_of_type(n.name, t.key), -t.value::bigint
          FROM jsonb_array_elements_text(p_terms -> 'counters') AS n (name),
               jsonb_each_text(p.charged) t) m
    WHERE o.account_id = p_account AND o.counter = m.counter AND o.window_start = starts;
    SELECT array_agg(o.change ORDER BY o.line) INTO backs FROM entries o
    WHERE o.account_id = p_account AND o.seq = w.seq + 1 AND o.grant_id IS NOT NULL;
    PERFORM recognise_grants(p_account, ids, w.decided_at);
    IF w.state = 'ended' THEN PERFORM void_expiring(p_account, w.decided_at); END IF;
    PERFORM expire_due(p_account, w.decided_at);
    PERFORM roll_again(p_account, ids, ARRAY(SELECT -o FROM unnest(backs) o), w.decided_at);
    PERFORM recognise_grants(p_account, ids, w.decided_at);
    PERFORM settle_again(p_account, ids, w.decided_at);
    PERFORM tell_restored(p_account, t.key) FROM jsonb_each_text(p.charged) t;
    SELECT * INTO c FROM entries o WHERE o.account_id = p_account AND o.key = p_key;
    RETURN correction_answer('corrected', c);
END $$;
