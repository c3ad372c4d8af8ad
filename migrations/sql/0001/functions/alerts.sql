-- Alerts: somebody is told when what is available of one credit type falls to a threshold, once per
-- window and threshold, and again after a purchase where the threshold says so.
-- `wallets.alert_level` is the highest balance at which that happens next (-1: never), so that a
-- debit compares one number and asks nothing more.

-- Purchased credits held when the wallet's window began, from the journal: what is left of them now
-- without what has happened to them since.
CREATE OR REPLACE FUNCTION held_at_start(w wallets) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(g.remaining - coalesce(since.change, 0)), 0)::bigint
    FROM grants g LEFT JOIN (
        SELECT e.grant_id, sum(e.change) AS change FROM journal e
        WHERE e.account_id = (w).account_id AND e.seq > seq_before((w).account_id, (w).window_start)
          AND e.kind <> 'grant' GROUP BY e.grant_id) since ON since.grant_id = g.grant_id
    WHERE g.account_id = (w).account_id AND g.credit_type = (w).alert_type
      AND is_purchased(g.source) AND g.effective_at < (w).window_start
      AND g.expires_at > (w).window_start
$$;

-- What a percentage is of: the allowance granted for the window, with what rolled into it,
-- purchased credits held at its start and bought in it, unless they are frozen. What was held is
-- kept as a counter.
CREATE OR REPLACE FUNCTION alert_base(w wallets) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    name  text := 'alerts:held:' || w.alert_type;
    start bigint;
BEGIN
    SELECT c.value INTO start FROM counters c
    WHERE c.account_id = w.account_id AND c.counter = name AND c.window_start = w.window_start;
    IF NOT FOUND THEN
        start := held_at_start(w);
        INSERT INTO counters (account_id, counter, window_start, value)
        VALUES (w.account_id, name, w.window_start, start);
    END IF;
    RETURN CASE WHEN w.frozen THEN 0 ELSE start END + coalesce((
        SELECT sum(g.granted) FROM grants g
        WHERE g.account_id = w.account_id AND g.credit_type = w.alert_type
          AND (g.source IN ('allowance', 'rollover') OR is_purchased(g.source) AND NOT w.frozen)
          AND g.effective_at >= w.window_start AND g.effective_at < w.window_end), 0);
END $$;

-- A threshold's balance: an amount, or a percentage of the base, where it is reached exactly.
CREATE OR REPLACE FUNCTION threshold_level(
    p_percent integer, p_amount bigint, p_base bigint
) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(p_amount, div(p_base::numeric * p_percent, 100)::bigint)
$$;

-- Thresholds that have not fired in the wallet's window.
CREATE OR REPLACE FUNCTION armed_thresholds(w wallets) RETURNS SETOF thresholds
LANGUAGE sql STABLE AS $$
    SELECT t.* FROM thresholds t
    WHERE t.account_id = (w).account_id AND NOT EXISTS (
        SELECT FROM counters c WHERE c.account_id = t.account_id
          AND c.counter = 'alert:' || t.threshold AND c.window_start = (w).window_start)
$$;

-- Call it with the wallet locked, after its window, its thresholds or the base have changed.
CREATE OR REPLACE FUNCTION arm_alerts(w wallets) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    level bigint := -1;
    base  bigint;
BEGIN
    IF w.state = 'active' AND w.alert_type IS NOT NULL AND EXISTS (
        SELECT FROM thresholds t WHERE t.account_id = w.account_id) THEN
        base := alert_base(w);
        SELECT coalesce(max(threshold_level(t.percent, t.amount, base)), -1) INTO level
        FROM armed_thresholds(w) t;
    END IF;
    UPDATE wallets SET alert_level = level WHERE account_id = w.account_id AND alert_level <> level;
    RETURN level;
END $$;

-- Call it with the wallet locked, after purchased credits have come: a threshold that says so fires
-- again in its window, once the balance is above it.
CREATE OR REPLACE FUNCTION rearm_alerts(w wallets) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    base bigint;
    free bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM thresholds t WHERE t.account_id = w.account_id AND t.rearms) THEN
        RETURN;
    END IF;
    base := alert_base(w);
    free := (balance_at(w.account_id, w.alert_type, w.decided_at)).available;
    DELETE FROM counters c USING thresholds t
    WHERE t.account_id = w.account_id AND t.rearms
      AND threshold_level(t.percent, t.amount, base) < free
      AND c.account_id = t.account_id AND c.counter = 'alert:' || t.threshold
      AND c.window_start = w.window_start;
END $$;

-- Call it with the wallet locked, after credits have left: every threshold that is reached fires,
-- once per window. A window that is over fires nothing: what expires with it is no low balance.
CREATE OR REPLACE FUNCTION fire_alerts(p_account bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    w    wallets;
    t    thresholds;
    base bigint;
    free bigint;
BEGIN
    SELECT * INTO w FROM wallets WHERE account_id = p_account;
    IF w.alert_level < 0 OR w.state <> 'active' OR w.decided_at >= w.window_end THEN RETURN; END IF;
    free := (balance_at(p_account, w.alert_type, w.decided_at)).available;
    IF free > w.alert_level THEN RETURN; END IF;
    base := alert_base(w);
    FOR t IN SELECT * FROM armed_thresholds(w) o
             WHERE threshold_level(o.percent, o.amount, base) >= free
             ORDER BY o.threshold LOOP
        INSERT INTO counters (account_id, counter, window_start, value)
        VALUES (p_account, 'alert:' || t.threshold, w.window_start, 1);
        INSERT INTO outbox (account_id, message_key, topic, payload)
        VALUES (p_account, 'alert:' || t.threshold || ':' || w.seq, 'alert', jsonb_build_object(
            'threshold', t.threshold, 'channel', t.channel, 'percent', t.percent,
            'amount', t.amount, 'credit_type', w.alert_type, 'available', free, 'base', base,
            'at', w.decided_at, 'window_start', w.window_start, 'window_end', w.window_end));
    END LOOP;
    PERFORM arm_alerts(w);
END $$;

-- Debits and holds look at the level themselves. All other ways of sinking (captures, removals,
-- refunds, expiries, voids) are looked at when their transaction ends: a renewal in it has filled
-- the wallet. Some of them bring credits back: that is told as well.
CREATE OR REPLACE FUNCTION credits_left() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM fire_alerts(new.account_id);
    PERFORM tell_restored(new.account_id, new.credit_type);
    RETURN NULL;
END $$;
-- Put thresholds in force in place of those there are; no credit type: the one that is watched
-- stays. The customer's own stay when the plan's come (p_own false), until `own_alerts` is switched
-- off. A threshold that has fired in this window does not fire again in it, whoever puts it back.
CREATE OR REPLACE FUNCTION put_thresholds(
    p_account an_account, p_own a_choice, p_credit_type a_name_if_any, p_thresholds some_names,
    p_percents integer[], p_amounts bigint[], p_channels some_names, p_rearms boolean[]
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    w wallets;
BEGIN
    SELECT * INTO w FROM wallets WHERE account_id = p_account FOR UPDATE;  -- decides nothing
    w.alert_type := coalesce(p_credit_type, w.alert_type);
    UPDATE wallets SET alert_type = w.alert_type
    WHERE account_id = p_account AND alert_type IS DISTINCT FROM w.alert_type;
    IF p_own OR NOT (SELECT own_alerts FROM policies WHERE account_id = p_account) THEN
        DELETE FROM thresholds WHERE account_id = p_account;
        INSERT INTO thresholds (account_id, threshold, percent, amount, channel, rearms)
        SELECT p_account, u.*
        FROM unnest(p_thresholds, p_percents, p_amounts, p_channels, p_rearms) AS u;
        UPDATE policies SET own_alerts = p_own WHERE account_id = p_account;
    END IF;
    PERFORM arm_alerts(w);
END $$;
