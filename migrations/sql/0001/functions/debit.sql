-- The debit. One lock, one order: the wallet's row is locked first, everything else is read after
-- that in new statements; the insert of the key comes before any draw. Business outcomes are
-- statuses and never raise.

-- Every case that the quick path of debit_one leaves: repeats, free lines, pauses, window changes,
-- late events, several grants, shortfalls. Locks the wallet.
CREATE OR REPLACE FUNCTION debit_carefully(
    p_account bigint, p_key text, p_kind entry_kind, p_action text, p_quantity bigint,
    p_credit_type text, p_amount bigint, p_event_at timestamptz, p_tags jsonb, p_at timestamptz,
    p_revision bigint DEFAULT NULL
) RETURNS debit_outcome LANGUAGE plpgsql AS $$
DECLARE
    w       wallets;
    r       debit_outcome;
    g       record;
    need    bigint := p_amount;
    booked  bigint := 0;
    held    bigint := 0;
    free    bigint := 0;
    ids     bigint[] := '{}';
    takes   bigint[] := '{}';
    is_late boolean;
    late    text;
BEGIN
    SELECT * INTO w FROM wallets o WHERE o.account_id = p_account FOR UPDATE;
    IF NOT FOUND THEN
        RETURN ('unknown_customer', NULL, NULL, NULL, false, NULL)::debit_outcome;
    END IF;
    p_at := greatest(p_at, w.decided_at);
    IF p_kind = 'debit' AND NOT is_usage_key(p_key) THEN
        r.status := 'invalid_key';
        RETURN r;
    END IF;
    r := recall(w.account_id, p_key, p_kind, p_action, p_quantity, p_credit_type, p_amount,
                p_event_at, p_tags);
    IF r.status IS NOT NULL THEN RETURN r; END IF;
    IF w.plan_revision <> p_revision THEN r.status := 'stale_plan'; RETURN r; END IF;
    IF (p_amount BETWEEN 0 AND 1000000000000000000) IS NOT TRUE
       OR p_kind = 'debit' AND p_quantity > 0 IS NOT TRUE
       OR p_kind = 'adjustment' AND p_amount = 0 THEN
        r.status := 'invalid_quantity'; RETURN r;
    END IF;
    w := enter_window(w, p_at);
    r.status := serving_refusal(w, p_at);
    is_late := coalesce(p_kind = 'debit' AND p_event_at < w.window_start, false);
    IF p_kind = 'debit' AND r.status IS NOT NULL
       AND NOT (p_amount = 0 AND w.state = 'active') THEN
        PERFORM note_decision(w.account_id, p_at);
        RETURN r;
    END IF;
    IF is_late THEN
        SELECT late_usage INTO late FROM policies WHERE account_id = w.account_id;
    END IF;
    IF late = 'refuse' THEN
        PERFORM note_decision(w.account_id, p_at);
        r.status := 'period_closed'; RETURN r;
    END IF;
    IF late = 'reopen' THEN
        RETURN debit_on_terms(p_account, p_key, p_action, p_quantity, p_credit_type, p_event_at,
                              p_tags, plain_terms(p_action, p_quantity, p_credit_type, p_amount),
                              p_at);
    END IF;

    FOR g IN
        SELECT o.grant_id, o.remaining, o.held,
               CASE WHEN o.pays AND NOT o.is_debt THEN o.unheld ELSE 0 END AS free
        FROM grants_to_burn(w.account_id, p_credit_type, p_action, w.frozen, p_at, false) o
    LOOP
        booked := booked + g.remaining; held := held + g.held; free := free + g.free;
        IF need > 0 AND g.free > 0 THEN
            ids := ids || g.grant_id; takes := takes || least(g.free, need);
            need := need - least(g.free, need);
        END IF;
    END LOOP;
    IF need > 0 THEN
        r.missing := need; r.available := free;
        r.status := CASE p_kind WHEN 'debit' THEN shortfall_verdict(w, p_credit_type, need, p_at)
                                ELSE 'insufficient_credits' END;
        IF r.status = 'purchase_needed' THEN
            r.available := (balance_at(w.account_id, p_credit_type, p_at)).available;
        END IF;
        PERFORM note_decision(w.account_id, p_at);
        RETURN r;
    END IF;

    r := ('debited', w.seq + 1, free - p_amount, NULL, p_amount > 0 AND free = p_amount,
          NULL)::debit_outcome;
    INSERT INTO entries (account_id, seq, line, kind, grant_id, change, balance_after, held_after,
                         available_after, event_at, at, late, credit_type, key, action,
                         quantity, tags)
    SELECT w.account_id, r.seq, t.ord - 1, p_kind, t.id, -coalesce(t.take, 0), booked - p_amount,
           held, r.available, p_event_at, p_at, is_late, p_credit_type,
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
    IF p_amount > 0 AND w.alert_level >= 0 THEN PERFORM fire_alerts(w.account_id); END IF;
    RETURN r;
END $$;

-- One debit alone: what `debit` answers to a batch of one, without arrays; p_terms (NULL: none)
-- says how it may be paid, p_revision by which revision of the wallet's plan it was priced (NULL:
-- by whoever changes the plan). The quick path: a serving wallet whose first grant covers it, a key
-- never seen, and of terms their first way. There the lock is the wallet's own update, taken back
-- if the debit turns out to need more care.
CREATE OR REPLACE FUNCTION debit_one(
    p_account bigint, p_key text, p_action text, p_quantity bigint, p_credit_type text,
    p_amount bigint, p_event_at timestamptz, p_tags jsonb, p_at an_instant,
    p_terms jsonb DEFAULT NULL, p_revision bigint DEFAULT NULL
) RETURNS debit_outcome
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    y          way;
    u          way_use;
    g          record;
    served     text := p_action;
    paid_in    text := p_credit_type;
    cost       bigint := p_amount;
    new_seq    bigint;
    decided    timestamptz;
    starts     timestamptz;
    level      bigint;
    archived   bigint;
    first      bigint;
    first_free bigint := 0;
    booked     bigint := 0;
    on_hold    bigint := 0;
    available  bigint := 0;
BEGIN
    IF p_action IS NULL OR p_credit_type IS NULL
       OR (p_event_at >= '0001-01-01Z' AND p_event_at <= '9999-12-31T23:59:59Z') IS NOT TRUE THEN
        RAISE EXCEPTION 'an event has no action, type or time' USING ERRCODE = 'DD005';
    END IF;
    IF p_terms IS NOT NULL THEN
        y := first_way(p_terms);
        paid_in := y.credit_type;
        served := p_terms -> 'attempts' -> 0 ->> 'action';
    END IF;
    IF (p_amount > 0 OR p_terms IS NOT NULL) AND paid_in IS NOT NULL AND p_quantity > 0
       AND is_usage_key(p_key) THEN
        UPDATE wallets AS o SET seq = o.seq + 1, decided_at = greatest(p_at, o.decided_at)
        WHERE o.account_id = p_account AND o.state = 'active' AND o.paused_by = '{}'
          AND NOT o.frozen
          AND greatest(p_at, o.decided_at) < least(o.window_end, o.next_lapse)
          AND p_event_at >= o.window_start
          AND o.plan_revision = coalesce(p_revision, o.plan_revision)
        RETURNING o.seq, o.decided_at, o.window_start,
                  CASE WHEN o.alert_type = paid_in THEN o.alert_level ELSE -1 END,
                  o.archived_seq
        INTO new_seq, decided, starts, level, archived;
    END IF;
    IF new_seq IS NOT NULL THEN
        IF p_terms IS NOT NULL THEN
            u := use_of_way(p_account, y, p_terms, p_quantity, starts);
            cost := u.cost;
        END IF;
        FOR g IN
            SELECT o.grant_id, o.remaining, o.held,
                   CASE WHEN o.pays AND NOT o.is_debt THEN o.unheld ELSE 0 END AS free
            FROM grants_to_burn(p_account, paid_in, served, false, decided, false) o
        LOOP
            IF available = 0 AND g.free > 0 THEN first := g.grant_id; first_free := g.free; END IF;
            booked := booked + g.remaining;
            on_hold := on_hold + g.held;
            available := available + g.free;
        END LOOP;
        IF archived > 0 THEN
            IF is_archived(p_account, p_key) THEN first_free := -1; END IF;  -- not new
        END IF;
        IF first_free >= cost THEN
            available := available - cost;
            INSERT INTO entries (account_id, seq, line, kind, grant_id, change, balance_after,
                                 held_after, available_after, event_at, at, credit_type, key,
                                 action, quantity, tags)
            VALUES (p_account, new_seq, 0, 'debit', first, -cost, booked - cost, on_hold,
                    available, p_event_at, decided, paid_in, p_key, p_action, p_quantity, p_tags)
            ON CONFLICT (account_id, key) DO NOTHING;
            IF FOUND THEN
                UPDATE grants o SET remaining = o.remaining - cost, is_open = o.remaining > cost
                WHERE o.account_id = p_account AND o.grant_id = first;
                IF u.counter IS NOT NULL THEN
                    PERFORM put_counters(p_account, u.counter, u.value, u.starts);
                END IF;
                IF available = 0 THEN PERFORM note_crossing(p_account, new_seq, paid_in); END IF;
                IF available <= level THEN PERFORM fire_alerts(p_account); END IF;
                RETURN ('debited', new_seq, available, NULL, available = 0,
                        CASE WHEN p_terms IS NOT NULL THEN all_charged(paid_in, cost) END
                       )::debit_outcome;
            END IF;
        END IF;
        UPDATE wallets o SET seq = o.seq - 1 WHERE o.account_id = p_account;
    END IF;
    IF p_terms IS NOT NULL THEN
        RETURN debit_on_terms(p_account, p_key, p_action, p_quantity, p_credit_type, p_event_at,
                              p_tags, p_terms, p_at, p_revision);
    END IF;
    RETURN debit_carefully(p_account, p_key, 'debit', p_action, p_quantity, p_credit_type, p_amount,
                           p_event_at, p_tags, p_at, p_revision);
END $$;
