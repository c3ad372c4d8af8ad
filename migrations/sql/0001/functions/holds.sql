-- Holds: credits set aside for work in progress, later captured or released. A hold that lapses is
-- released by its instant: every change of the wallet first writes down what has lapsed by then.

-- What open holds of which the instant has come still hold on paper.
CREATE OR REPLACE FUNCTION lapsed_by(
    p_account bigint, p_at timestamptz
) RETURNS TABLE (grant_id bigint, amount bigint)
LANGUAGE sql STABLE AS $$
    SELECT l.grant_id, sum(l.amount)::bigint
    FROM holds h JOIN hold_lines l ON l.account_id = h.account_id AND l.hold_id = h.hold_id
    WHERE h.account_id = p_account AND h.state = 'open' AND h.lapses_at <= p_at GROUP BY l.grant_id
$$;

CREATE OR REPLACE FUNCTION next_lapse_of(p_account bigint) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT coalesce(min(h.lapses_at), 'infinity') FROM holds h
    WHERE h.account_id = p_account AND h.state = 'open'
$$;

-- What a hold sets aside, by credit type.
CREATE OR REPLACE FUNCTION held_by(h holds) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_object_agg(t.credit_type, t.amount ORDER BY t.first), '{}')
    FROM (SELECT l.credit_type, min(l.line) AS first, sum(l.amount)::bigint AS amount
          FROM hold_lines l
          WHERE l.account_id = (h).account_id AND l.hold_id = (h).hold_id GROUP BY l.credit_type) t
$$;

CREATE OR REPLACE FUNCTION hold_detail(h holds) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object(
        'held', held_by(h), 'served_as', (h).served_as, 'state', (h).state,
        'lapses_at', (h).lapses_at, 'taken', (h).taken, 'uncollected', (h).uncollected))
$$;

-- The answer to a request about a hold that ended otherwise.
CREATE OR REPLACE FUNCTION hold_answer(h holds, p_status text) RETURNS debit_outcome
LANGUAGE sql STABLE AS $$
    SELECT (p_status, coalesce((h).resolved_seq, (h).hold_id), e.available_after, NULL, false,
            hold_detail(h))::debit_outcome
    FROM journal e
    WHERE e.account_id = (h).account_id AND e.seq = coalesce((h).resolved_seq, (h).hold_id)
      AND e.line = 0
$$;

-- A hold's own credits of its types, then what else an action may draw, up to each type's cost.
CREATE OR REPLACE FUNCTION capture_draws(w wallets, h holds, p_costs jsonb, p_at timestamptz)
RETURNS TABLE (place bigint, credit_type text, grant_id bigint, take bigint, is_held boolean)
LANGUAGE sql STABLE AS $$
    WITH costs AS (
        SELECT c.key AS credit_type, c.value::numeric AS cost, c.ordinality AS nth
        FROM jsonb_each_text(p_costs) WITH ORDINALITY AS c (key, value, ordinality)),
    supply AS (
        SELECT l.credit_type, true AS is_held, l.line::bigint AS place, l.grant_id, l.amount AS free
        FROM hold_lines l WHERE l.account_id = (h).account_id AND l.hold_id = (h).hold_id
        UNION ALL
        SELECT c.credit_type, false, s.place, s.grant_id, s.free
        FROM costs c
        CROSS JOIN LATERAL stock(w, c.credit_type, coalesce((h).served_as, (h).action), p_at,
                                 false) s
        WHERE s.free > 0),
    run AS (
        SELECT s.*, c.cost, c.nth,
               sum(s.free) OVER (PARTITION BY s.credit_type ORDER BY s.is_held DESC, s.place) AS hi
        FROM supply s JOIN costs c ON c.credit_type = s.credit_type)
    SELECT row_number() OVER (ORDER BY r.nth, r.is_held DESC, r.place), r.credit_type, r.grant_id,
           (least(r.hi, r.cost) - (r.hi - r.free))::bigint, r.is_held
    FROM run r WHERE r.hi - r.free < r.cost
$$;

-- Whether a way of paying needs no more asking at a capture: it never asks, a person agreed to this
-- capture, or to such payments in the window of the hold or of now.
CREATE OR REPLACE FUNCTION is_agreed(w wallets, h holds, y way, p_confirmed boolean) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT (y).consent IS NULL OR p_confirmed
           OR (y).consent <> 'every_time'
              AND (counter_value((w).account_id, (y).consent, (h).window_start) > 0
                   OR counter_value((w).account_id, (y).consent, (w).window_start) > 0)
$$;

-- What a quantity costs at the hold's own rates, by credit type, and the carries that move with it.
-- Up to the authorized quantity it is covered as it was held; what goes beyond, by what there is.
-- Of a way that asks no more is drawn than was held of it, unless a person agreed.
CREATE OR REPLACE FUNCTION capture_costs(
    w wallets, h holds, p_quantity bigint, p_confirmed boolean, p_at timestamptz
) RETURNS capture_cost LANGUAGE plpgsql STABLE AS $$
DECLARE
    r       capture_cost;
    ways    way[] := ARRAY(SELECT y FROM jsonb_populate_recordset(NULL::way, h.ways) y);
    held    jsonb := held_by(h);
    rest    numeric := least(p_quantity, h.quantity);
    beyond  numeric := p_quantity - rest;
    y       way;
    used    numeric;
    of_hold numeric;
    part    numeric;
    more    numeric;
    cost    numeric;
BEGIN
    r.costs := '{}'; r.agreed := '{}';
    r.plan.counter := '{}'; r.plan.move := '{}'; r.plan.starts := '{}';
    FOR n IN 1 .. cardinality(ways) LOOP
        y := ways[n];
        used := counter_value(w.account_id, y.carry, h.window_start);
        of_hold := coalesce((held ->> y.credit_type)::numeric, 0);
        part := rest; more := beyond;
        IF n < cardinality(ways) THEN
            part := least(rest, way_covers(y, used, of_hold));
            more := greatest(0, least(beyond, way_covers(y, used + part, (
                SELECT coalesce(sum(s.free), 0)
                FROM stock(w, y.credit_type, coalesce(h.served_as, h.action), p_at, false) s))));
        END IF;
        CONTINUE WHEN part + more = 0;
        rest := rest - part; beyond := beyond - more;
        cost := way_costs(y, used, part + more);
        r.costs := add_cost(r.costs, y.credit_type, cost);
        IF y.carry IS NOT NULL AND NOT y.started THEN
            r.plan := plan_move(r.plan, y.carry, mod(used + part + more, y.per) - used,
                                h.window_start);
        END IF;
        IF NOT is_agreed(w, h, y, p_confirmed) THEN
            cost := least(cost, of_hold);
        ELSIF p_confirmed AND y.consent <> 'every_time' AND cost > of_hold THEN
            r.plan := plan_move(r.plan, y.consent, 1, w.window_start);
        END IF;
        r.agreed := add_cost(r.agreed, y.credit_type, cost);
    END LOOP;
    RETURN r;
END $$;

CREATE OR REPLACE FUNCTION add_cost(p_costs jsonb, p_credit_type text, p_cost numeric) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
    SELECT p_costs || jsonb_build_object(
        p_credit_type, coalesce((p_costs ->> p_credit_type)::numeric, 0) + p_cost)
$$;

-- What p_costs takes of a hold and beyond it, then what goes back.
CREATE OR REPLACE FUNCTION plan_end(
    w wallets, h holds, p_state text, p_costs jsonb, p_at timestamptz
) RETURNS hold_end LANGUAGE sql STABLE AS $$
    WITH draws AS MATERIALIZED (SELECT * FROM capture_draws(w, h, p_costs, p_at)),
    ends AS (
        SELECT 0 AS step, d.place, 'capture'::entry_kind AS kind, d.credit_type, d.grant_id, d.take,
               CASE WHEN d.is_held THEN d.take ELSE 0 END AS back
        FROM draws d
        UNION ALL
        SELECT 0, 0, 'capture', (h).credit_type, NULL, 0, 0
        WHERE p_state = 'captured' AND NOT EXISTS (SELECT FROM draws)
        UNION ALL
        SELECT 1, l.line, 'release', l.credit_type, l.grant_id, 0, l.amount - coalesce(d.take, 0)
        FROM hold_lines l LEFT JOIN draws d ON d.grant_id = l.grant_id AND d.is_held
        WHERE l.account_id = (h).account_id AND l.hold_id = (h).hold_id
          AND l.amount > coalesce(d.take, 0)
        UNION ALL
        SELECT 1, 0, 'release', (h).credit_type, NULL, 0, 0
        WHERE p_state <> 'captured' AND held_by(h) = '{}')
    SELECT array_agg(e.kind ORDER BY e.step, e.place),
           array_agg(e.credit_type ORDER BY e.step, e.place),
           array_agg(e.grant_id ORDER BY e.step, e.place),
           array_agg(e.take ORDER BY e.step, e.place), array_agg(e.back ORDER BY e.step, e.place),
           (SELECT coalesce(jsonb_object_agg(t.credit_type, t.take), '{}')
            FROM (SELECT d.credit_type, sum(d.take)::bigint AS take FROM draws d
                  GROUP BY d.credit_type) t)
    FROM ends e
$$;

-- What was held counted against the limits of its window; what was taken counts in its place.
CREATE OR REPLACE FUNCTION plan_limits(p debit_plan, h holds, p_took jsonb) RETURNS debit_plan
LANGUAGE plpgsql STABLE AS $$
DECLARE
    m record;
BEGIN
    FOR m IN
        SELECT counter_of_type(n.name, t.credit_type) AS counter, sum(t.move) AS move
        FROM unnest(h.counters) AS n (name)
        CROSS JOIN (SELECT o.key AS credit_type, o.value::bigint AS move
                    FROM jsonb_each_text(p_took) o
                    UNION ALL SELECT o.key, -o.value::bigint FROM jsonb_each_text(held_by(h)) o) t
        GROUP BY n.name, t.credit_type
    LOOP
        p := plan_move(p, m.counter, m.move, h.window_start);
    END LOOP;
    RETURN p;
END $$;

-- Write how a hold ends: one sequence number, and a key that allows one end. `w` is locked and in
-- its window; `c` is what a capture costs, NULL where nothing is.
CREATE OR REPLACE FUNCTION end_hold(
    w wallets, h holds, p_state text, p_quantity bigint, c capture_cost, p_at timestamptz
) RETURNS wallets LANGUAGE plpgsql AS $$
DECLARE
    served text := coalesce(h.served_as, h.action);
    x      hold_end := plan_end(w, h, p_state, coalesce(c.agreed, '{}'), p_at);
    p      debit_plan := c.plan;
BEGIN
    w.seq := w.seq + 1;
    UPDATE grants g SET remaining = g.remaining - t.take, held = g.held - t.back,
                        is_open = g.remaining > t.take
    FROM (SELECT u.id, sum(u.take)::bigint AS take, sum(u.back)::bigint AS back
          FROM unnest(x.grant_id, x.take, x.back) AS u (id, take, back) GROUP BY u.id) t
    WHERE g.account_id = h.account_id AND g.grant_id = t.id;
    INSERT INTO entries (account_id, seq, line, kind, grant_id, change, held_change, balance_after,
                         held_after, available_after, event_at, at, late, credit_type, key, action,
                         served_as, quantity, tags)
    SELECT h.account_id, w.seq, u.ord - 1, u.kind, u.id, -u.take, -u.back, b.booked, b.held,
           b.available, f.event_at, p_at, coalesce(f.event_at < w.window_start, false), u.type,
           CASE u.ord WHEN 1 THEN 'ledger::hold:' || h.hold_id END, h.action, h.served_as,
           CASE u.ord WHEN 1 THEN p_quantity END, CASE u.ord WHEN 1 THEN f.tags END
    FROM unnest(x.kind, x.credit_type, x.grant_id, x.take, x.back)
         WITH ORDINALITY AS u (kind, type, id, take, back, ord)
    JOIN journal f ON f.account_id = h.account_id AND f.seq = h.hold_id AND f.line = 0
    CROSS JOIN LATERAL balance_for(w, u.type, served, p_at) b;
    UPDATE holds o SET state = p_state, resolved_seq = w.seq, resolved_at = p_at,
                       captured = p_quantity,
        taken = CASE p_state WHEN 'captured' THEN x.took END,
        uncollected = (
            SELECT jsonb_object_agg(
                u.key, u.value::numeric - coalesce((x.took ->> u.key)::numeric, 0))
            FROM jsonb_each_text(c.costs) u
            WHERE u.value::numeric > coalesce((x.took ->> u.key)::numeric, 0))
    WHERE o.account_id = h.account_id AND o.hold_id = h.hold_id;
    p := plan_limits(p, h, x.took);
    p.grant_id := x.grant_id; p.take := x.take;
    PERFORM write_counters(w, p);
    w.decided_at := greatest(w.decided_at, p_at); w.next_lapse := next_lapse_of(h.account_id);
    UPDATE wallets SET seq = w.seq, decided_at = w.decided_at, next_lapse = w.next_lapse
    WHERE account_id = h.account_id;
    IF p_state <> 'lapsed' AND settle_again(h.account_id, x.grant_id, p_at) THEN
        SELECT * INTO w FROM wallets WHERE account_id = h.account_id;
    END IF;
    RETURN w;
END $$;

-- Write down, each at its own instant, the releases of what has lapsed by p_at. Nothing was decided
-- between that instant and now: whatever changes a wallet passes here first. Money that went back
-- takes what was released as it stood then, and is booked at p_at: the books of an instant that is
-- past stay as they were read.
CREATE OR REPLACE FUNCTION release_lapsed(w wallets, p_at timestamptz) RETURNS wallets
LANGUAGE plpgsql AS $$
DECLARE
    due bigint[] := ARRAY(
        SELECT o.hold_id FROM holds o
        WHERE o.account_id = w.account_id AND o.state = 'open' AND o.lapses_at <= p_at
        ORDER BY o.lapses_at, o.hold_id);
    one bigint;
    h   holds;
BEGIN
    FOREACH one IN ARRAY due LOOP
        SELECT * INTO h FROM holds o WHERE o.account_id = w.account_id AND o.hold_id = one;
        w := end_hold(w, h, 'lapsed', NULL, NULL, h.lapses_at);
    END LOOP;
    FOREACH one IN ARRAY due LOOP
        SELECT * INTO h FROM holds o WHERE o.account_id = w.account_id AND o.hold_id = one;
        IF settle_again(w.account_id, ARRAY(
               SELECT l.grant_id FROM hold_lines l
               WHERE l.account_id = h.account_id AND l.hold_id = h.hold_id),
               p_at, h.lapses_at) THEN
            SELECT * INTO w FROM wallets WHERE account_id = w.account_id;
        END IF;
    END LOOP;
    RETURN w;
END $$;

-- Release what is still open: at a subscription's end.
CREATE OR REPLACE FUNCTION release_open(w wallets) RETURNS wallets LANGUAGE plpgsql AS $$
DECLARE
    h holds;
BEGIN
    FOR h IN SELECT * FROM holds o WHERE o.account_id = w.account_id AND o.state = 'open'
             ORDER BY o.hold_id LOOP
        w := end_hold(w, h, 'released', NULL, NULL, w.decided_at);
    END LOOP;
    RETURN w;
END $$;
