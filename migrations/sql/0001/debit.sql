-- The debit. One lock, one order: the wallet's row is locked first, everything else is read after
-- that in new statements; the insert of the key comes before any change. Business outcomes are
-- statuses and never raise.

CREATE TYPE debit_outcome AS (
    status    text,      -- debited | repeated | a reason of docs/contract.md
    seq       bigint,
    available bigint,    -- spendable after it
    missing   bigint,    -- what it would have needed more
    crossed   boolean    -- it left exactly zero
);

-- The window that holds p_at; windows that are paid for are entered by the instant, not by a sweep.
CREATE FUNCTION enter_window(w wallets, p_at timestamptz) RETURNS wallets LANGUAGE plpgsql AS $$
BEGIN
    IF p_at < w.window_end OR w.state <> 'active' THEN RETURN w; END IF;
    SELECT n.window_start, n.window_end INTO w.window_start, w.window_end FROM windows n
    WHERE n.account_id = w.account_id AND n.window_start <= p_at
    ORDER BY n.window_start DESC LIMIT 1;
    UPDATE wallets SET window_start = w.window_start, window_end = w.window_end
    WHERE account_id = w.account_id AND window_start <> w.window_start;
    RETURN w;
END $$;

CREATE FUNCTION auto_purchased(p_account bigint, p_window_start timestamptz) RETURNS bigint
LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(c.quantity), 0)::bigint FROM charges c
    WHERE c.account_id = p_account AND c.window_start = p_window_start
      AND c.kind = 'auto_purchase' AND c.state IN ('open', 'paid')
$$;

-- What a shortfall of p_missing comes to: purchase_needed | cap_reached | insufficient_credits. An
-- open purchase that covers it is waited for, though the cap may leave no other.
CREATE FUNCTION shortfall_verdict(w wallets, p_credit_type text, p_missing bigint) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
    p         policies;
    in_flight bigint;
    units     bigint;
BEGIN
    SELECT * INTO p FROM policies WHERE account_id = w.account_id;
    IF NOT coalesce(p.auto_on AND p.card_usable AND p.auto_credit_type = p_credit_type, false) THEN
        RETURN 'insufficient_credits';
    END IF;
    SELECT c.quantity INTO in_flight FROM charges c
    WHERE c.account_id = w.account_id AND c.kind = 'auto_purchase' AND c.state = 'open';
    IF in_flight >= p_missing THEN RETURN 'purchase_needed'; END IF;
    units := ceil((p_missing - coalesce(in_flight, 0))::numeric / p.auto_unit)::bigint;
    IF auto_purchased(w.account_id, w.window_start) + units::numeric * p.auto_unit > p.auto_cap THEN
        RETURN 'cap_reached';
    END IF;
    RETURN 'purchase_needed';
END $$;

-- Why the wallet does not serve at p_at, or NULL. `w` has entered its window.
CREATE FUNCTION wallet_refusal(w wallets, p_at timestamptz) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN w.state = 'none' THEN 'no_subscription'
        WHEN w.state = 'ended' THEN 'subscription_ended'
        WHEN w.paused_by <> '{}' THEN 'paused:' || w.paused_by[1]
        WHEN p_at >= w.window_end THEN 'renewal_pending'
    END
$$;

-- Usage keys are the senders' own; the ledger's begin with ledger: and cannot be taken by a sender,
-- who could otherwise keep paid credits from being granted.
CREATE FUNCTION is_usage_key(p_key text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(length(p_key) BETWEEN 1 AND 200 AND NOT p_key ^@ 'ledger:', false)
$$;

-- A refusal is a decision too: what comes after it cannot be decided before it.
CREATE FUNCTION note_decision(p_account bigint, p_at timestamptz) RETURNS void LANGUAGE sql AS $$
    UPDATE wallets SET decided_at = p_at WHERE account_id = p_account AND decided_at < p_at
$$;

CREATE FUNCTION note_crossing(p_account bigint, p_seq bigint, p_credit_type text) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO outbox (account_id, message_key, lane, payload)
    VALUES (p_account, 'zero:' || p_seq, 'crossing',
            jsonb_build_object('crossing', 'zero', 'seq', p_seq, 'credit_type', p_credit_type))
$$;

-- Every case that the quick path of debit_one leaves: repeats, free lines, pauses, window changes,
-- late events, several grants, shortfalls. Called with the wallet locked.
CREATE FUNCTION debit_carefully(
    w wallets, p_key text, p_kind entry_kind, p_action text, p_quantity bigint, p_credit_type text,
    p_amount bigint, p_event_at timestamptz, p_tags jsonb, p_at timestamptz
) RETURNS debit_outcome LANGUAGE plpgsql AS $$
DECLARE
    r       debit_outcome;
    old     entries;
    g       record;
    need    bigint := p_amount;
    booked  bigint := 0;
    held    bigint := 0;
    free    bigint := 0;
    ids     bigint[] := '{}';
    takes   bigint[] := '{}';
    is_late boolean;
BEGIN
    IF p_kind = 'debit' AND NOT is_usage_key(p_key) THEN r.status := 'invalid_key'; RETURN r; END IF;
    SELECT * INTO old FROM entries e WHERE e.account_id = w.account_id AND e.key = p_key;
    IF FOUND THEN
        r.status := CASE WHEN (old.kind, old.action, old.quantity, old.tags)
                              IS NOT DISTINCT FROM (p_kind, p_action, p_quantity, p_tags)
                         AND CASE p_kind WHEN 'debit' THEN old.event_at = p_event_at
                             ELSE (p_credit_type, p_amount) = (
                                 SELECT old.credit_type, -sum(e.change) FROM entries e
                                 WHERE e.account_id = w.account_id AND e.seq = old.seq) END
                         THEN 'repeated' ELSE 'idempotency_conflict' END;
        r.seq := old.seq; r.available := old.available_after; r.crossed := false;
        RETURN r;
    END IF;
    IF p_amount NOT BETWEEN 0 AND 1000000000000000000 OR p_quantity <= 0
       OR p_kind = 'adjustment' AND p_amount = 0 THEN
        r.status := 'invalid_quantity'; RETURN r;
    END IF;
    w := enter_window(w, p_at);
    r.status := wallet_refusal(w, p_at);
    is_late := coalesce(p_kind = 'debit' AND p_event_at < w.window_start, false);
    IF p_kind = 'debit' AND r.status IS NOT NULL
       AND NOT (p_amount = 0 AND w.state = 'active') THEN
        PERFORM note_decision(w.account_id, p_at);
        RETURN r;
    END IF;
    IF is_late AND (SELECT late_usage FROM policies WHERE account_id = w.account_id) = 'refuse' THEN
        PERFORM note_decision(w.account_id, p_at);
        r.status := 'period_closed'; RETURN r;
    END IF;

    FOR g IN
        SELECT grant_id, remaining, o.held AS g_held,
               CASE WHEN effective_at <= p_at AND expires_at > p_at
                         AND (scope IS NULL OR p_action = ANY (scope)) THEN remaining - o.held ELSE 0 END AS usable
        FROM grants o WHERE account_id = w.account_id AND is_open AND credit_type = p_credit_type
        ORDER BY priority, expires_at, tie_1, tie_2, grant_id
    LOOP
        booked := booked + g.remaining; held := held + g.g_held; free := free + g.usable;
        IF need > 0 AND g.usable > 0 THEN
            ids := ids || g.grant_id; takes := takes || least(g.usable, need);
            need := need - least(g.usable, need);
        END IF;
    END LOOP;
    IF need > 0 THEN
        r.missing := need; r.available := free;
        r.status := CASE p_kind WHEN 'debit' THEN shortfall_verdict(w, p_credit_type, need)
                                ELSE 'insufficient_credits' END;
        PERFORM note_decision(w.account_id, p_at);
        RETURN r;
    END IF;

    r := ('debited', w.seq + 1, free - p_amount, NULL, p_amount > 0 AND free = p_amount)::debit_outcome;
    INSERT INTO entries (account_id, seq, line, kind, grant_id, change, balance_after, held_after,
                         available_after, event_at, at, late, credit_type, key, action, quantity, tags)
    SELECT w.account_id, r.seq, t.ord - 1, p_kind, t.id, -coalesce(t.take, 0), booked - p_amount, held,
           r.available, p_event_at, p_at, is_late, p_credit_type,
           CASE t.ord WHEN 1 THEN p_key END, p_action, CASE t.ord WHEN 1 THEN p_quantity END,
           CASE t.ord WHEN 1 THEN p_tags END
    FROM (SELECT * FROM unnest(ids, takes) WITH ORDINALITY AS u (id, take, ord)
          UNION ALL SELECT NULL, NULL, 1 WHERE p_amount = 0) t;
    UPDATE grants SET remaining = remaining - u.take, is_open = remaining > u.take,
                      voided = voided + CASE p_kind WHEN 'adjustment' THEN u.take ELSE 0 END
    FROM unnest(ids, takes) AS u (id, take)
    WHERE grants.account_id = w.account_id AND grants.grant_id = u.id;
    UPDATE wallets SET seq = r.seq, decided_at = p_at WHERE account_id = w.account_id;
    IF r.crossed THEN PERFORM note_crossing(w.account_id, r.seq, p_credit_type); END IF;
    RETURN r;
END $$;

-- One debit. The quick path: a serving wallet whose first grant covers it, a key never seen.
CREATE FUNCTION debit_one(
    p_account bigint, p_key text, p_kind entry_kind, p_action text, p_quantity bigint, p_credit_type text,
    p_amount bigint, p_event_at timestamptz, p_tags jsonb, p_at timestamptz
) RETURNS debit_outcome LANGUAGE plpgsql AS $$
DECLARE
    w wallets;
    g record;
BEGIN
    SELECT * INTO w FROM wallets WHERE account_id = p_account FOR UPDATE;
    IF NOT FOUND THEN RETURN ('unknown_customer', NULL, NULL, NULL, false)::debit_outcome; END IF;
    p_at := greatest(p_at, w.decided_at);
    IF p_kind = 'debit' AND p_amount > 0 AND p_quantity > 0 AND is_usage_key(p_key) AND w.state = 'active' AND w.paused_by = '{}'
       AND p_at < w.window_end AND p_event_at >= w.window_start THEN
        SELECT o.grant_id, o.remaining - o.held AS free, o.usable,
               (sum(o.remaining) OVER ())::bigint AS booked, (sum(o.held) OVER ())::bigint AS held,
               (sum(CASE WHEN o.usable THEN o.remaining - o.held END) OVER ())::bigint AS available
        INTO g
        FROM (SELECT *, effective_at <= p_at AND expires_at > p_at AND remaining > grants.held
                        AND (scope IS NULL OR p_action = ANY (scope)) AS usable
              FROM grants WHERE account_id = p_account AND is_open AND credit_type = p_credit_type) o
        ORDER BY o.usable DESC, o.priority, o.expires_at, o.tie_1, o.tie_2, o.grant_id LIMIT 1;
        IF g.usable AND g.free >= p_amount THEN
            INSERT INTO entries (account_id, seq, line, kind, grant_id, change, balance_after, held_after,
                                 available_after, event_at, at, credit_type, key, action, quantity, tags)
            VALUES (p_account, w.seq + 1, 0, 'debit', g.grant_id, -p_amount, g.booked - p_amount, g.held,
                    g.available - p_amount, p_event_at, p_at, p_credit_type, p_key, p_action, p_quantity, p_tags)
            ON CONFLICT (account_id, key) DO NOTHING;
            IF FOUND THEN
                UPDATE grants SET remaining = remaining - p_amount, is_open = remaining > p_amount
                WHERE account_id = p_account AND grant_id = g.grant_id;
                UPDATE wallets SET seq = w.seq + 1, decided_at = p_at WHERE account_id = p_account;
                IF g.available = p_amount THEN
                    PERFORM note_crossing(p_account, w.seq + 1, p_credit_type);
                END IF;
                RETURN ('debited', w.seq + 1, g.available - p_amount, NULL, g.available = p_amount)::debit_outcome;
            END IF;
        END IF;
    END IF;
    RETURN debit_carefully(w, p_key, p_kind, p_action, p_quantity, p_credit_type, p_amount, p_event_at,
                           p_tags, p_at);
END $$;

CREATE TYPE debit_row AS (
    ord integer, status text, seq bigint, available bigint, missing bigint, crossed boolean);

-- Many events at once, set-based, for the accounts whose events are all plain (one credit type, no
-- scoped grant, serving, in the window, fitting together); the status of all others stays NULL.
-- force_custom_plan: the planner must see the arrays' lengths.
CREATE FUNCTION debit_plain_accounts(
    p_account bigint[], p_key text[], p_action text[], p_quantity bigint[], p_credit_type text[],
    p_amount bigint[], p_event_at timestamptz[], p_tags jsonb[], p_at timestamptz
) RETURNS debit_row[] LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    outcomes debit_row[];
BEGIN
    WITH asked AS MATERIALIZED (
        SELECT u.*, e.seq AS old_seq, e.available_after AS old_available,
               (e.kind = 'debit' AND (e.action, e.quantity, e.event_at, e.tags)
                IS NOT DISTINCT FROM (u.action, u.quantity, u.event_at, u.tags)) AS same
        FROM unnest(p_account, p_key, p_action, p_quantity, p_credit_type, p_amount, p_event_at, p_tags)
             WITH ORDINALITY AS u (account_id, key, action, quantity, credit_type, amount, event_at, tags, ord)
        LEFT JOIN LATERAL (
            SELECT * FROM entries o WHERE o.account_id = u.account_id AND o.key = u.key LIMIT 1
        ) e ON true),
    demand AS MATERIALIZED (
        SELECT account_id, min(credit_type) AS credit_type, sum(amount) FILTER (WHERE old_seq IS NULL) AS amount,
               count(*) FILTER (WHERE old_seq IS NULL) AS fresh, min(event_at) AS oldest,
               min(credit_type) = max(credit_type) AND min(amount) > 0 AND min(quantity) > 0
               AND count(DISTINCT key) = count(*) AND bool_and(is_usage_key(key)) AS regular
        FROM asked GROUP BY account_id),
    stock AS MATERIALIZED (
        SELECT g.account_id, g.grant_id, g.usable,
               sum(CASE WHEN g.usable THEN g.remaining - g.held ELSE 0 END) OVER burn AS hi,
               sum(CASE WHEN g.usable THEN g.remaining - g.held ELSE 0 END) OVER burn
                   - CASE WHEN g.usable THEN g.remaining - g.held ELSE 0 END AS lo,
               g.remaining, g.held, g.scope
        FROM (SELECT o.*, o.effective_at <= greatest(p_at, w.decided_at)
                          AND o.expires_at > greatest(p_at, w.decided_at) AND o.remaining > o.held AS usable
              FROM grants o JOIN wallets w ON w.account_id = o.account_id
              JOIN demand d ON d.account_id = o.account_id AND d.credit_type = o.credit_type
              WHERE o.account_id = ANY (p_account) AND o.is_open) g
        WINDOW burn AS (PARTITION BY g.account_id ORDER BY g.priority, g.expires_at, g.tie_1, g.tie_2, g.grant_id)),
    plain AS MATERIALIZED (
        SELECT w.account_id, w.seq, greatest(p_at, w.decided_at) AS at, d.amount, d.fresh, d.credit_type,
               s.booked, s.held, s.available
        FROM wallets w JOIN demand d ON d.account_id = w.account_id
        JOIN (SELECT account_id, sum(remaining) AS booked, sum(held) AS held, max(hi) AS available,
                     bool_or(scope IS NOT NULL) AS scoped
              FROM stock GROUP BY account_id) s ON s.account_id = w.account_id
        WHERE w.account_id = ANY (p_account) AND d.regular AND NOT s.scoped AND d.amount <= s.available
          AND w.state = 'active' AND w.paused_by = '{}'
          AND greatest(p_at, w.decided_at) < w.window_end AND d.oldest >= w.window_start),
    run AS MATERIALIZED (
        SELECT a.*, p.seq AS seq0, p.at, p.booked, p.held, p.available, p.account_id IS NOT NULL AS is_plain,
               sum(CASE WHEN a.old_seq IS NULL THEN a.amount ELSE 0 END) OVER acc AS hi,
               count(*) FILTER (WHERE a.old_seq IS NULL) OVER acc AS n
        FROM asked a LEFT JOIN plain p ON p.account_id = a.account_id
        WINDOW acc AS (PARTITION BY a.account_id ORDER BY a.ord)),
    draws AS MATERIALIZED (
        SELECT r.*, s.grant_id, least(r.hi, s.hi) - greatest(r.hi - r.amount, s.lo) AS take,
               row_number() OVER (PARTITION BY r.ord ORDER BY s.lo) - 1 AS line
        FROM run r JOIN stock s ON s.account_id = r.account_id AND s.usable
                               AND s.lo < r.hi AND s.hi > r.hi - r.amount
        WHERE r.is_plain AND r.old_seq IS NULL),
    drawn AS (
        UPDATE grants SET remaining = remaining - t.take, is_open = remaining > t.take
        FROM (SELECT account_id, grant_id, sum(take)::bigint AS take FROM draws GROUP BY 1, 2) t
        WHERE grants.account_id = t.account_id AND grants.grant_id = t.grant_id),
    counted AS (
        UPDATE wallets SET seq = wallets.seq + p.fresh, decided_at = p.at
        FROM plain p WHERE wallets.account_id = p.account_id AND p.fresh > 0),
    crossings AS (
        INSERT INTO outbox (account_id, message_key, lane, payload)
        SELECT p.account_id, 'zero:' || p.seq + p.fresh, 'crossing', jsonb_build_object(
                   'crossing', 'zero', 'seq', p.seq + p.fresh, 'credit_type', p.credit_type)
        FROM plain p WHERE p.fresh > 0 AND p.amount = p.available),
    written AS (
        INSERT INTO entries (account_id, seq, line, kind, grant_id, change, balance_after, held_after,
                             available_after, event_at, at, credit_type, key, action, quantity, tags)
        SELECT d.account_id, d.seq0 + d.n, d.line, 'debit', d.grant_id, -d.take, d.booked - d.hi, d.held,
               d.available - d.hi, d.event_at, d.at, d.credit_type, CASE d.line WHEN 0 THEN d.key END,
               d.action, CASE d.line WHEN 0 THEN d.quantity END, CASE d.line WHEN 0 THEN d.tags END
        FROM draws d)
    SELECT array_agg(ROW(
               r.ord,
               CASE WHEN NOT r.is_plain THEN NULL WHEN r.old_seq IS NULL THEN 'debited'
                    WHEN r.same THEN 'repeated' ELSE 'idempotency_conflict' END,
               coalesce(r.old_seq, r.seq0 + r.n), coalesce(r.old_available, (r.available - r.hi)::bigint), NULL,
               r.old_seq IS NULL AND r.available = r.hi)::debit_row ORDER BY r.ord)
    INTO outcomes FROM run r;
    RETURN outcomes;
END $$;

-- Debit any events of any accounts, each accepted or refused on its own, one outcome per event.
-- Events of one account are decided in the order given; one that does not fit is refused alone,
-- unless a purchase can cover it: then it and all later events of that account wait for it
-- (status purchase_needed; `missing` is the first one's).
CREATE FUNCTION debit(
    p_account bigint[], p_key text[], p_action text[], p_quantity bigint[], p_credit_type text[],
    p_amount bigint[], p_event_at timestamptz[], p_tags jsonb[], p_at timestamptz
) RETURNS SETOF debit_row LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    outcomes debit_row[];
    r        debit_outcome;
    i        integer;
    waiting  bigint[] := '{}';
BEGIN
    IF cardinality(p_key) = 1 THEN
        r := debit_one(p_account[1], p_key[1], 'debit', p_action[1], p_quantity[1], p_credit_type[1],
                       p_amount[1], p_event_at[1], p_tags[1], p_at);
        RETURN NEXT (1, r.status, r.seq, r.available, r.missing, r.crossed)::debit_row;
        RETURN;
    END IF;
    PERFORM 1 FROM wallets w WHERE w.account_id = ANY (p_account) ORDER BY w.account_id FOR UPDATE;
    outcomes := debit_plain_accounts(p_account, p_key, p_action, p_quantity, p_credit_type, p_amount,
                                     p_event_at, p_tags, p_at);
    FOR i IN SELECT o.ord FROM unnest(outcomes) o WHERE o.status IS NULL ORDER BY o.ord LOOP
        IF p_account[i] = ANY (waiting) THEN
            outcomes[i] := (i, 'purchase_needed', NULL, NULL, NULL, false)::debit_row;
        ELSE
            r := debit_one(p_account[i], p_key[i], 'debit', p_action[i], p_quantity[i], p_credit_type[i],
                           p_amount[i], p_event_at[i], p_tags[i], p_at);
            outcomes[i] := (i, r.status, r.seq, r.available, r.missing, r.crossed)::debit_row;
            IF r.status = 'purchase_needed' THEN waiting := waiting || p_account[i]; END IF;
        END IF;
    END LOOP;
    RETURN QUERY SELECT * FROM unnest(outcomes);
END $$;
