-- What the seller's systems are told. Every fact is a row already: a trigger on that row writes the
-- event as its transaction ends, so that no way of causing the fact can forget it, and the balance
-- and the sequence in it are those that were committed. Debits write none but at zero and at
-- thresholds.

CREATE OR REPLACE FUNCTION credits_text(p_micro bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT trim_scale(p_micro::numeric / 1000000)::text
$$;

-- An instant as clients read it; NULL: none, or never.
CREATE OR REPLACE FUNCTION instant_text(p_at timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN isfinite(p_at)
                THEN to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') END
$$;

-- What there is of each credit type: of those with open grants, and of those that were told before,
-- for they may be used up.
CREATE OR REPLACE FUNCTION balances_told(w wallets, p_credit_type text) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_object_agg(t.credit_type, jsonb_build_object(
               'available', credits_text(b.available), 'held', credits_text(b.held))), '{}')
    FROM (SELECT g.credit_type FROM grants g
          WHERE g.account_id = (w).account_id AND g.is_open
          UNION SELECT p_credit_type WHERE p_credit_type IS NOT NULL
          UNION SELECT jsonb_object_keys(
              (SELECT e.payload -> 'balance' FROM webhook_events e
               WHERE e.account_id = (w).account_id ORDER BY e.number DESC LIMIT 1))) t
    CROSS JOIN LATERAL balance_at((w).account_id, t.credit_type, (w).decided_at) b
$$;

-- Write one event. The lock is there already but for a writer that forgot it: without it numbers
-- would not be in the order of the commits.
CREATE OR REPLACE FUNCTION write_event(
    p_account bigint, p_type text, p_credit_type text, p_data jsonb
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    w wallets;
    c customers;
    s subscriptions;
BEGIN
    SELECT * INTO w FROM wallets WHERE account_id = p_account FOR UPDATE;
    SELECT * INTO c FROM customers WHERE account_id = p_account;
    SELECT * INTO s FROM subscriptions WHERE account_id = p_account
    ORDER BY recorded_at DESC, subscription_id DESC LIMIT 1;
    INSERT INTO webhook_events (account_id, type, catalog, credit_type, seq, at, payload)
    VALUES (p_account, p_type, s.plan ->> 'catalog', p_credit_type, w.seq, w.decided_at,
            jsonb_build_object(
                'type', p_type, 'timestamp', instant_text(w.decided_at),
                'customer_id', c.customer_id, 'subscription_id', s.subscription_id, 'seq', w.seq,
                'balance', balances_told(w, p_credit_type), 'data', p_data));
END $$;

CREATE OR REPLACE FUNCTION is_told_exhausted(p_account bigint, p_credit_type text) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT coalesce((
        SELECT e.type = 'balance.exhausted' FROM webhook_events e
        WHERE e.account_id = p_account AND e.credit_type = p_credit_type
          AND e.type IN ('balance.exhausted', 'balance.restored')
        ORDER BY e.number DESC LIMIT 1), false)
$$;

-- Say that there is credit again, if it was last said that there is none. Call it after whatever
-- may have brought some.
CREATE OR REPLACE FUNCTION tell_restored(p_account bigint, p_credit_type text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF is_told_exhausted(p_account, p_credit_type) AND EXISTS (
        SELECT FROM wallets w
        CROSS JOIN LATERAL balance_at(p_account, p_credit_type, w.decided_at) b
        WHERE w.account_id = p_account AND w.state = 'active' AND b.available > 0) THEN
        PERFORM write_event(p_account, 'balance.restored', p_credit_type,
                            jsonb_build_object('credit_type', p_credit_type));
    END IF;
END $$;

-- Of crossings and of alerts: the rows that the debit writes anyway.
CREATE OR REPLACE FUNCTION event_of_message() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    credits text := new.payload ->> 'credit_type';
BEGIN
    IF new.topic = 'alert' THEN
        PERFORM write_event(new.account_id, 'balance.low', credits, jsonb_build_object(
            'credit_type', credits, 'threshold', new.payload -> 'threshold',
            'available', credits_text((new.payload ->> 'available')::bigint),
            'base', credits_text((new.payload ->> 'base')::bigint),
            'window_end', instant_text((new.payload ->> 'window_end')::timestamptz)));
    ELSIF NOT is_told_exhausted(new.account_id, credits) THEN
        PERFORM write_event(new.account_id, 'balance.exhausted', credits,
                            jsonb_build_object('credit_type', credits));
        PERFORM tell_restored(new.account_id, credits);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION event_of_notice() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM write_event(new.account_id, 'credits.expiring', new.payload ->> 'credit_type',
                        new.payload || jsonb_build_object('expires_at', instant_text(
                            (new.payload ->> 'expires_at')::timestamptz)));
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION grant_told(g grants, p_credits bigint) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object(
        'grant', (g).grant_id, 'credit_type', (g).credit_type, 'source', (g).source,
        'credits', credits_text(p_credits), 'charge_id', (g).charge_id,
        'effective_at', instant_text((g).effective_at), 'expires_at', instant_text((g).expires_at))
$$;

CREATE OR REPLACE FUNCTION event_of_grant() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM write_event(new.account_id, 'credits.granted', new.credit_type,
                        grant_told(ROW(new.*)::grants, new.granted));
    PERFORM tell_restored(new.account_id, new.credit_type);
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION event_of_expiry() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM write_event(new.account_id, 'credits.expired', new.credit_type,
                        grant_told(ROW(new.*)::grants, new.expired - old.expired));
    RETURN NULL;
END $$;

-- A window that was paid ahead brings its credits by beginning, and thawed credits were there.
CREATE OR REPLACE FUNCTION event_of_window() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM tell_restored(new.account_id, t.credit_type)
    FROM (SELECT DISTINCT g.credit_type FROM grants g
          WHERE g.account_id = new.account_id AND g.is_open) t;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION event_of_purchase() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    paid boolean := new.state = 'paid';
    told jsonb := jsonb_build_object(
        'charge_id', new.charge_id, 'kind', new.kind, 'credits', credits_text(new.quantity),
        'amount_minor', new.amount_minor + new.tax_minor, 'currency', new.currency)
        || CASE WHEN new.tax IS NULL THEN '{}'::jsonb
                ELSE jsonb_build_object('net_minor', new.amount_minor, 'tax_minor', new.tax_minor)
           END
        || CASE WHEN new.coupon IS NULL THEN '{}'::jsonb
                ELSE jsonb_build_object('coupon', coupon_code(new.coupon),
                                        'discount_minor', new.discount_minor) END;
BEGIN
    IF paid AND (tg_op = 'INSERT' OR old.state <> 'paid') THEN
        PERFORM write_event(new.account_id, 'purchase.paid', NULL, told);
    ELSIF tg_op = 'UPDATE' AND new.declines > old.declines THEN
        PERFORM write_event(new.account_id, 'purchase.declined', NULL, told || jsonb_build_object(
            'declines', new.declines, 'decline_code', new.decline_code));
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION plan_told(p_plan jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_build_object('catalog', p_plan -> 'catalog', 'plan', p_plan -> 'plan_id',
                              'version', p_plan -> 'version', 'name', p_plan -> 'name')
$$;

-- What changed is the row's; how it stands is the transaction's, which writes the row in steps.
CREATE OR REPLACE FUNCTION event_of_subscription() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    s    subscriptions;
    told jsonb;
BEGIN
    SELECT * INTO s FROM subscriptions o
    WHERE o.account_id = new.account_id AND o.subscription_id = new.subscription_id;
    told := jsonb_build_object(
        'status', s.status, 'plan', plan_told(s.plan),
        'period_start', instant_text(s.period_start), 'period_end', instant_text(s.period_end));
    PERFORM write_event(new.account_id, 'subscription.' || t.type, NULL, told || t.more)
    FROM (VALUES
        (1, old.period_start IS NULL AND new.period_start IS NOT NULL, 'started',
         jsonb_build_object('trial_ends_at', instant_text(s.trial_ends_at))),
        (2, old.period_start IS NOT NULL AND plan_told(old.plan) <> plan_told(new.plan),
         'plan_changed', jsonb_build_object('previous', plan_told(old.plan))),
        (3, old.period_start <> new.period_start, 'renewed', '{}'),
        (4, old.status <> 'past_due' AND new.status = 'past_due' AND new.period_start IS NOT NULL,
         'past_due', '{}'),
        (5, new.cancel_at_end AND NOT old.cancel_at_end, 'canceled', '{}'),
        (6, old.cancel_at_end AND NOT new.cancel_at_end, 'uncanceled', '{}'),
        (7, old.status <> 'ended' AND new.status = 'ended', 'ended', '{}')
    ) AS t (nth, is_so, type, more) WHERE t.is_so ORDER BY t.nth;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION event_of_pause() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM write_event(new.account_id, CASE WHEN new.paused THEN 'subscription.paused'
                                             ELSE 'subscription.resumed' END,
                        NULL, jsonb_build_object('cause', new.cause, 'reason', new.reason,
                                                 'by', new.made_by));
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION event_of_approval() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    told jsonb := jsonb_build_object(
        'key', new.key, 'kind', new.kind, 'member_id', new.member_id,
        'credit_type', new.credit_type, 'credits', credits_text(new.amount),
        'asked_at', instant_text(new.asked_at), 'lapses_at', instant_text(new.lapses_at));
BEGIN
    IF tg_op = 'INSERT' THEN
        PERFORM write_event(new.account_id, 'approval.requested', new.credit_type, told);
    ELSIF old.state = 'waiting' AND new.state <> 'waiting' THEN
        PERFORM write_event(new.account_id, 'approval.decided', new.credit_type,
                            told || jsonb_build_object(
                                'state', new.state, 'by', new.decided_by, 'reason', new.reason,
                                'decided_at', instant_text(new.settled_at)));
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION returned_told(
    p_account bigint, p_charge text, p_amount bigint
) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object('charge_id', c.charge_id, 'kind', c.kind, 'amount_minor', p_amount,
                              'currency', c.currency)
    FROM charges c WHERE c.account_id = p_account AND c.charge_id = p_charge
$$;

CREATE OR REPLACE FUNCTION event_of_refund() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF new.state = 'made' AND (tg_op = 'INSERT' OR old.state <> 'made') THEN
        PERFORM write_event(new.account_id, 'refund.made', NULL,
                            returned_told(new.account_id, new.charge_id, new.amount_minor)
                            || jsonb_build_object('refund_id', new.refund_id));
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION event_of_dispute() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    told jsonb := returned_told(new.account_id, new.charge_id, new.amount_minor)
                  || jsonb_build_object('dispute_id', new.dispute_id);
BEGIN
    IF tg_op = 'INSERT' THEN
        PERFORM write_event(new.account_id, 'dispute.opened', NULL, told);
    END IF;
    IF new.state <> 'open' AND (tg_op = 'INSERT' OR old.state = 'open') THEN
        PERFORM write_event(new.account_id, 'dispute.closed', NULL,
                            told || jsonb_build_object('outcome', new.state));
    END IF;
    RETURN NULL;
END $$;

-- Give committed events their positions and every endpoint that wants them a delivery, due at a
-- real instant; return how many. One at a time, and what is given is committed before the next one
-- looks: a reader who has seen a position has seen all below it.
CREATE OR REPLACE FUNCTION publish_events(p_at an_instant, p_limit a_count) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    last bigint;
    done integer;
BEGIN
    IF NOT EXISTS (SELECT FROM webhook_events WHERE position IS NULL) THEN RETURN 0; END IF;
    PERFORM pg_advisory_xact_lock(hashtext('webhook_events'));
    SELECT coalesce(max(e.position), 0) INTO last FROM webhook_events e
    WHERE e.position IS NOT NULL;
    WITH fresh AS (
        SELECT e.account_id, e.number, row_number() OVER (ORDER BY e.number) AS nth
        FROM (SELECT f.account_id, f.number FROM webhook_events f WHERE f.position IS NULL
              ORDER BY f.number LIMIT p_limit) e),
    published AS (
        UPDATE webhook_events e SET position = last + f.nth FROM fresh f
        WHERE e.account_id = f.account_id AND e.number = f.number
        RETURNING e.account_id, e.number, e.type, e.catalog),
    addressed AS (
        INSERT INTO webhook_deliveries (account_id, number, endpoint_id, next_at)
        SELECT e.account_id, e.number, o.endpoint_id, p_at
        FROM published e JOIN webhook_endpoints o
          ON o.state = 'on' AND (o.types IS NULL OR e.type = ANY (o.types))
         AND (o.catalog IS NULL OR o.catalog = e.catalog))
    SELECT count(*) INTO done FROM published;
    RETURN done;
END $$;
