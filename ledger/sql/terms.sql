-- Terms: how an event may be paid, resolved to draws and counters without writing anything. Debits
-- and holds write what is planned here; the model is domain/reference/resolving.py. Arithmetic is
-- numeric, so that no quantity overflows.

-- A debt counter and keys seen have no window.
CREATE OR REPLACE FUNCTION counter_value(
    p_account bigint, p_counter text, p_window_start timestamptz
) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT c.value FROM counters c WHERE c.account_id = p_account
                     AND c.counter = p_counter AND c.window_start = p_window_start), 0)
$$;

-- What a counter can hold, nearly a BIGINT's most: nothing that is counted comes near it, and
-- whatever is sent, no sum overflows.
CREATE OR REPLACE FUNCTION capped(p_value numeric) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT least(p_value, 9000000000000000000)::bigint
$$;

-- The counter of a member's credits of one type; ceilings are kept per type.
CREATE OR REPLACE FUNCTION counter_of_type(p_counter text, p_credit_type text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$ SELECT p_counter || '@' || p_credit_type $$;

CREATE OR REPLACE FUNCTION half_up(p_num numeric, p_den numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$
    SELECT div(2 * p_num + p_den, 2 * p_den)
$$;

-- What a quantity costs after `p_used` of it; started units are counted per event.
CREATE OR REPLACE FUNCTION way_costs(y way, p_used numeric, p_quantity numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN (y).started THEN div(p_quantity + (y).per - 1, (y).per) * (y).credits
                ELSE half_up((p_used + p_quantity) * (y).credits, (y).per)
                     - half_up(p_used * (y).credits, (y).per) END
$$;

-- The largest quantity that costs no more than `p_free`.
CREATE OR REPLACE FUNCTION way_covers(y way, p_used numeric, p_free numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN (y).started THEN div(p_free, (y).credits) * (y).per
                ELSE div((2 * (p_free + half_up(p_used * (y).credits, (y).per)) + 1) * (y).per - 1,
                         2 * (y).credits) - p_used END
$$;

-- What an action may draw at an instant, numbered in burn order.
CREATE OR REPLACE FUNCTION stock(
    w wallets, p_credit_type text, p_action text, p_at timestamptz, p_reopens boolean
) RETURNS TABLE (place bigint, grant_id bigint, free bigint, is_debt boolean)
LANGUAGE sql STABLE AS $$
    SELECT row_number() OVER (), g.grant_id, g.unheld, g.is_debt
    FROM grants_to_burn((w).account_id, p_credit_type, p_action, (w).frozen, p_at, false) g
    WHERE g.pays AND NOT p_reopens
    UNION ALL
    SELECT row_number() OVER (), g.grant_id, g.unheld, g.is_debt
    FROM grants_to_burn((w).account_id, p_credit_type, p_action, (w).frozen, p_at, true) g
    WHERE g.pays AND p_reopens
$$;

-- Draw a way's cost, as far as there is, out of grants in burn order with what is free of each.
CREATE OR REPLACE FUNCTION plan_draw(
    p debit_plan, p_credit_type text, p_cost numeric, p_grants bigint[], p_free bigint[]
) RETURNS debit_plan LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    rest numeric := p_cost;
    part bigint;
BEGIN
    FOR i IN 1 .. cardinality(p_grants) LOOP
        EXIT WHEN rest <= 0;
        part := least(p_free[i], rest);
        CONTINUE WHEN part <= 0;
        p.credit_type := p.credit_type || p_credit_type;
        p.grant_id := p.grant_id || p_grants[i]; p.take := p.take || part;
        rest := rest - part;
    END LOOP;
    p.charged := p.charged || jsonb_build_object(
        p_credit_type, coalesce((p.charged ->> p_credit_type)::numeric, 0) + p_cost);
    RETURN p;
END $$;

-- Cover a quantity way by way: quota first, the rest by the wallet. All of it must be covered; a
-- shortfall is the last way's. What must be asked for is collected in `asked`.
CREATE OR REPLACE FUNCTION plan_ways(
    p debit_plan, w wallets, p_ways way[], p_confirmed boolean, p_quantity numeric,
    p_at timestamptz, p_window_start timestamptz, p_reopens boolean
) RETURNS debit_plan LANGUAGE plpgsql STABLE AS $$
DECLARE
    y      way;
    rest   numeric := p_quantity;
    used   numeric;
    free   numeric;
    debt   numeric;
    part   numeric;
    cost   numeric;
    ids    bigint[];
    frees  bigint[];
    n      integer := 0;
BEGIN
    FOREACH y IN ARRAY p_ways LOOP
        n := n + 1;
        EXIT WHEN rest = 0;
        used := counter_value(w.account_id, y.carry, p_window_start);
        SELECT coalesce(sum(o.free), 0), coalesce(sum(o.free) FILTER (WHERE o.is_debt), 0),
               coalesce(array_agg(o.grant_id ORDER BY o.place), '{}'),
               array_agg(o.free ORDER BY o.place)
        INTO free, debt, ids, frees
        FROM stock(w, y.credit_type, p.action, p_at, p_reopens) o;
        IF y.credit_type = ANY (p.credit_type) THEN  -- an earlier way draws of it
            free := free - (SELECT sum(t.take) FROM unnest(p.credit_type, p.take) AS t (type, take)
                            WHERE t.type = y.credit_type);
            frees := ARRAY(SELECT u.free - coalesce((
                               SELECT sum(t.take) FROM unnest(p.grant_id, p.take) AS t (id, take)
                               WHERE t.id = u.id), 0)::bigint
                           FROM unnest(ids, frees) WITH ORDINALITY AS u (id, free, ord)
                           ORDER BY u.ord);
        END IF;
        part := CASE WHEN n = cardinality(p_ways) THEN rest
                     ELSE greatest(0, least(rest, way_covers(y, used, free))) END;
        CONTINUE WHEN part = 0;
        cost := way_costs(y, used, part);
        IF cost > 1000000000000000000 THEN p.status := 'invalid_quantity'; RETURN p; END IF;
        p := plan_draw(p, y.credit_type, cost, ids, frees);
        p.last_type := y.credit_type;
        p.missing := nullif(greatest(cost - free, 0), 0); p.available := greatest(free - debt, 0);
        rest := rest - part;
        IF y.carry IS NOT NULL AND NOT y.started THEN  -- rounding repeats with the unit
            p := plan_move(p, y.carry, mod(used + part, y.per) - used, p_window_start);
        END IF;
        CONTINUE WHEN cost = 0 OR y.consent IS NULL;
        IF y.consent <> 'every_time' AND p_confirmed THEN
            p := plan_move(p, y.consent, 1, p_window_start);
        ELSIF NOT p_confirmed AND counter_value(w.account_id, y.consent, p_window_start) = 0 THEN
            p.asked := jsonb_set(coalesce(p.asked, '{"credits": {}}'),
                                 ARRAY['credits', y.credit_type], p.charged -> y.credit_type);
        END IF;
    END LOOP;
    RETURN p;
END $$;

CREATE OR REPLACE FUNCTION plan_move(
    p debit_plan, p_counter text, p_move numeric, p_window_start timestamptz
) RETURNS debit_plan LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    p.counter := p.counter || p_counter; p.move := p.move || p_move::bigint;
    p.starts := p.starts || p_window_start;
    RETURN p;
END $$;

-- Move the counters of credits; a ceiling that it would exceed refuses it, by how much in `missing`
-- unless somebody is not to use anything.
CREATE OR REPLACE FUNCTION plan_counters(
    p debit_plan, w wallets, p_counters jsonb, p_window_start timestamptz
) RETURNS debit_plan LANGUAGE plpgsql STABLE AS $$
DECLARE
    c      record;
    over   numeric;
    reason text := 'user_limit';
BEGIN
    FOR c IN SELECT n.name, t.key AS credit_type, t.value::numeric AS cost, l.refusal,
                    l.ceiling::numeric + counter_value(
                        w.account_id, raise_counter(n.name, t.key), p_window_start) AS ceiling,
                    counter_value(
                        w.account_id, counter_of_type(n.name, t.key), p_window_start) AS value
             FROM jsonb_array_elements_text(p_counters) AS n (name)
             CROSS JOIN jsonb_each_text(p.charged) t
             LEFT JOIN limits l ON l.account_id = w.account_id AND l.counter = n.name
                               AND l.credit_type = t.key
             WHERE t.value::numeric > 0 LOOP
        p := plan_move(p, counter_of_type(c.name, c.credit_type), c.cost, p_window_start);
        over := greatest(over, c.value + c.cost - c.ceiling);
        IF c.refusal <> 'user_limit' THEN reason := c.refusal; END IF;
    END LOOP;
    IF over > 0 THEN
        p.status := reason; p.available := NULL;
        p.missing := CASE reason WHEN 'user_limit' THEN capped(over) END;
    END IF;
    RETURN p;
END $$;

-- Whether terms are what the functions here read.
CREATE OR REPLACE FUNCTION terms_have_shape(p_terms jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_typeof(p_terms -> 'attempts') IS NOT DISTINCT FROM 'array'
       AND coalesce(jsonb_typeof(p_terms -> 'counters'), 'array') = 'array'
       AND coalesce(jsonb_typeof(p_terms -> 'confirmed'), 'boolean') IN ('boolean', 'null')
       AND coalesce(jsonb_typeof(p_terms -> 'once'), 'string') IN ('string', 'null')
       AND NOT p_terms @? '$.attempts[*] ? (@.type() != "object" || exists(@.ways[*] ? (
               @.type() != "object" || exists(@.started ? (@.type() != "boolean"))
               || exists(@.credits ? (@.type() != "number"))
               || exists(@.per ? (@.type() != "number")))))'
$$;

-- Whether the terms can be reckoned with: rates above zero and of a size that sums fit. A loop,
-- because every event on terms is looked at: as one query it takes three times as long.
CREATE OR REPLACE FUNCTION terms_are_sound(p_terms jsonb) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    attempts jsonb := p_terms -> 'attempts';
    ways     jsonb;
    y        way;
BEGIN
    IF terms_have_shape(p_terms) IS NOT TRUE THEN RETURN false; END IF;
    FOR i IN 0 .. jsonb_array_length(attempts) - 1 LOOP
        ways := attempts -> i -> 'ways';
        IF attempts -> i ->> 'action' IS NULL
           OR jsonb_typeof(ways) IS DISTINCT FROM 'array' THEN RETURN false; END IF;
        FOR k IN 0 .. jsonb_array_length(ways) - 1 LOOP
            y := jsonb_populate_record(NULL::way, ways -> k);
            IF (y.credit_type IS NOT NULL AND y.started IS NOT NULL
                AND y.credits BETWEEN 1 AND 1000000000000000000
                AND y.per BETWEEN 1 AND 1000000000000000000) IS NOT TRUE THEN
                RETURN false;
            END IF;
        END LOOP;
    END LOOP;
    RETURN true;
END $$;

-- What a shortfall comes to: block it, ask for a purchase that would cure it, or buy if that is on.
-- What a purchase must cover in all is what is missing and all that is available, whatever that may
-- be used for: so it is looked at again when the purchase is reserved, which knows no action.
CREATE OR REPLACE FUNCTION plan_shortfall(
    p debit_plan, w wallets, p_at_zero text, p_confirmed boolean, p_at timestamptz
) RETURNS debit_plan LANGUAGE plpgsql STABLE AS $$
DECLARE
    o     policies;
    units numeric;
BEGIN
    p.status := CASE WHEN p_at_zero IN ('purchase', 'prompt')
                     THEN shortfall_verdict(w, p.last_type, p.missing, p_at, p_at_zero = 'prompt')
                     ELSE 'insufficient_credits' END;
    IF p.status = 'purchase_needed' AND p_confirmed IS NOT TRUE THEN
        SELECT * INTO o FROM policies WHERE account_id = w.account_id;
        units := units_short(o, p.missing);
        IF p_at_zero = 'prompt' AND units > 0 THEN
            p.asked := coalesce(p.asked, '{}')
                       || jsonb_build_object('purchase', to_jsonb(quote_units(o, units)));
        END IF;
        IF p.asked IS NOT NULL THEN p.status := 'confirmation_required'; END IF;
    END IF;
    IF p.status = 'purchase_needed' THEN
        p.available := (balance_at(w.account_id, p.last_type, p_at)).available;
    END IF;
    RETURN p;
END $$;

-- One attempt: its draws, or why not. A ceiling is looked at before anything is bought or asked.
CREATE OR REPLACE FUNCTION plan_attempt(
    p debit_plan, w wallets, p_terms jsonb, p_at_zero text, p_quantity bigint, p_at timestamptz,
    p_window_start timestamptz, p_reopens boolean
) RETURNS debit_plan LANGUAGE plpgsql STABLE AS $$
DECLARE
    attempt   jsonb := p_terms -> 'attempts' -> (p.attempt - 1);
    confirmed boolean := coalesce((p_terms ->> 'confirmed')::boolean, false);
BEGIN
    p.action := attempt ->> 'action';
    p := plan_ways(
        p, w, ARRAY(SELECT y FROM jsonb_populate_recordset(NULL::way, attempt -> 'ways') y),
        confirmed, p_quantity, p_at, p_window_start, p_reopens);
    IF p.status IS NOT NULL THEN RETURN p; END IF;
    p := plan_counters(p, w, coalesce(p_terms -> 'counters', '[]'), p_window_start);
    IF p.status IS NOT NULL THEN RETURN p; END IF;
    IF p.missing IS NOT NULL THEN
        p := plan_shortfall(p, w, p_at_zero, confirmed, p_at);
    ELSIF p.asked IS NOT NULL THEN
        p.status := 'confirmation_required';
    ELSE
        p.status := 'fits';
        IF p.attempt = 1 AND p_terms ->> 'once' IS NOT NULL THEN
            p := plan_move(p, 'once:' || (p_terms ->> 'once'), 1, '-infinity');
        END IF;
    END IF;
    RETURN p;
END $$;

-- Resolve terms for a quantity: the first attempt that fits, else what the last one came to. Called
-- with the wallet locked and in its window. `p_at` is the instant whose credits pay,
-- `p_window_start` the window whose counters move; `p_reopens` when both are past.
CREATE OR REPLACE FUNCTION plan_debit(
    w wallets, p_terms jsonb, p_quantity bigint, p_at timestamptz, p_window_start timestamptz,
    p_reopens boolean DEFAULT false
) RETURNS debit_plan LANGUAGE plpgsql STABLE AS $$
DECLARE
    empty    debit_plan;
    p        debit_plan;
    attempts integer;
BEGIN
    empty.credit_type := '{}'; empty.grant_id := '{}'; empty.take := '{}'; empty.charged := '{}';
    empty.counter := '{}'; empty.move := '{}'; empty.starts := '{}';
    p := empty;
    IF NOT terms_are_sound(p_terms) THEN p.status := 'invalid_rate'; RETURN p; END IF;
    IF (p_quantity BETWEEN 1 AND 1000000000000000000) IS NOT TRUE THEN
        p.status := 'invalid_quantity'; RETURN p;
    END IF;
    IF p_terms ->> 'once' IS NOT NULL AND p_quantity <> 1000000 THEN
        -- a part of it would buy all of it
        p.status := 'quantity_not_one'; RETURN p;
    END IF;
    IF counter_value(w.account_id, 'once:' || (p_terms ->> 'once'), '-infinity') > 0 THEN
        p.status := 'already_unlocked';
        p.action := p_terms -> 'attempts' -> 0 ->> 'action';
        p.attempt := 1;
        RETURN p;
    END IF;
    attempts := jsonb_array_length(p_terms -> 'attempts');
    FOR i IN 1 .. attempts LOOP
        p := empty; p.attempt := i;
        p := plan_attempt(
            p, w, p_terms,
            CASE WHEN i < attempts OR p_reopens THEN 'block' ELSE p_terms ->> 'at_zero' END,
            p_quantity, p_at, p_window_start, p_reopens);
        EXIT WHEN p.status NOT IN ('insufficient_credits', 'user_limit', 'member_removed',
                                   'member_restricted');
    END LOOP;
    RETURN p;
END $$;
