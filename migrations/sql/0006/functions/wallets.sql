-- Changes of a wallet that move no credits. Each locks the wallet first.

CREATE OR REPLACE FUNCTION lock_wallet(p_account an_account, p_at an_instant) RETURNS wallets
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    w wallets;
BEGIN
    SELECT * INTO w FROM wallets WHERE account_id = p_account FOR UPDATE;
    IF NOT FOUND THEN RETURN NULL; END IF;
    p_at := greatest(w.decided_at, p_at);
    w := enter_window(w, p_at);  -- what lapsed is decided at its own instant, before this one
    UPDATE wallets SET decided_at = p_at WHERE account_id = p_account AND decided_at < p_at;
    w.decided_at := p_at;
    RETURN w;
END $$;

CREATE OR REPLACE FUNCTION open_wallet(
    p_customer a_name, p_name wording, p_email wording, p_locale a_name, p_time_zone a_name,
    p_currency a_name
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    account bigint;
BEGIN
    INSERT INTO customers (customer_id, name, email, locale, time_zone)
    VALUES (p_customer, p_name, p_email, p_locale, p_time_zone)
    ON CONFLICT (customer_id) DO NOTHING;
    SELECT account_id INTO account FROM customers WHERE customer_id = p_customer;
    INSERT INTO wallets (account_id) VALUES (account) ON CONFLICT DO NOTHING;
    INSERT INTO policies (account_id, currency) VALUES (account, p_currency) ON CONFLICT DO NOTHING;
    RETURN account;
END $$;

CREATE OR REPLACE FUNCTION windows_overlap(p_account bigint) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM (SELECT n.window_end,
                            lead(n.window_start) OVER (ORDER BY n.window_start) AS next_start
                     FROM windows n WHERE n.account_id = p_account) o
        WHERE o.next_start < o.window_end)
$$;

-- Add paid windows in order and serve from the one that holds p_at, else from the next to come: a
-- window that is paid early does not begin early. Repeating it changes nothing.
CREATE OR REPLACE FUNCTION open_windows(
    p_account an_account, p_subscription a_name, p_starts some_instants, p_ends some_instants,
    p_at an_instant
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    w wallets;
BEGIN
    w := lock_wallet(p_account, p_at);
    INSERT INTO windows (account_id, window_start, window_end, subscription_id)
    SELECT p_account, s, e, p_subscription FROM unnest(p_starts, p_ends) AS u (s, e)
    ON CONFLICT (account_id, window_start) DO NOTHING;
    IF NOT FOUND THEN RETURN; END IF;
    IF windows_overlap(p_account) THEN
        RAISE EXCEPTION 'windows of account % overlap', p_account USING ERRCODE = 'DD006';
    END IF;
    UPDATE wallets SET (state, window_start, window_end) = (
        SELECT 'active', n.window_start, n.window_end FROM windows n WHERE n.account_id = p_account
        ORDER BY n.window_start <= w.decided_at DESC,
                 abs(extract(epoch FROM n.window_start - w.decided_at))
        LIMIT 1)
    WHERE account_id = p_account RETURNING * INTO w;
    PERFORM arm_alerts(w);
END $$;

-- A new period begins at p_at in place of the running one: the rest of its windows is given up,
-- with the service on credit and, unless they are p_kept, what is left of their allowances. What
-- was bought, given or moved on keeps its end, and what is held stays held.
CREATE OR REPLACE FUNCTION cut_windows(
    p_account an_account, p_at an_instant, p_kept a_choice
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM expire_due(p_account, p_at);
    DELETE FROM windows WHERE account_id = p_account AND window_start >= p_at;
    UPDATE windows SET window_end = p_at WHERE account_id = p_account AND window_end > p_at;
    PERFORM void_grants(
        p_account, p_at,
        CASE WHEN p_kept THEN '{overdraft}' ELSE '{allowance,overdraft}' END::text[],
        'a new period began');
END $$;

CREATE OR REPLACE FUNCTION set_paused(
    p_account an_account, p_cause a_name, p_paused a_choice, p_at an_instant
) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    w wallets;
BEGIN
    w := lock_wallet(p_account, p_at);
    IF (p_cause = ANY (w.paused_by)) = p_paused THEN RETURN false; END IF;
    UPDATE wallets SET paused_by = CASE WHEN p_paused THEN paused_by || p_cause
                                        ELSE array_remove(paused_by, p_cause) END,
                       kept_until = CASE WHEN p_paused OR p_cause <> 'payment_failed'
                                         THEN kept_until END
    WHERE account_id = p_account;
    RETURN true;
END $$;

-- Let what is left serve until an instant although the renewal is unpaid.
CREATE OR REPLACE FUNCTION keep_serving(
    p_account an_account, p_until an_expiry, p_at an_instant
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM lock_wallet(p_account, p_at);
    UPDATE wallets SET kept_until = p_until WHERE account_id = p_account;
END $$;

-- The subscription is over: nothing is served any more; what never expires stays, frozen. The rest
-- of its windows is given up, so that another subscription can have windows there. Holds are
-- released: no message can reach a subscription that is over to capture them.
CREATE OR REPLACE FUNCTION end_wallet(p_account an_account, p_at an_instant) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    w wallets;
BEGIN
    w := lock_wallet(p_account, p_at);
    DELETE FROM windows WHERE account_id = p_account AND window_start >= w.decided_at;
    UPDATE windows SET window_end = w.decided_at
    WHERE account_id = p_account AND window_end > w.decided_at;
    PERFORM release_open(w);
    -- Nothing waits for a window any more: what could have moved on runs out here, at the end.
    UPDATE wallets SET state = 'ended', paused_by = '{}' WHERE account_id = p_account;
    PERFORM expire_due(p_account, p_at);
    PERFORM void_expiring(p_account, p_at);
    UPDATE policies SET auto_on = false WHERE account_id = p_account;
END $$;
