-- Members and their limits, changed under the wallet's lock.

-- Counts what was added to a limit for one window.
CREATE FUNCTION raise_counter(p_counter text, p_credit_type text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT 'raised:' || counter_of_type(p_counter, p_credit_type)
$$;

-- Let the lock know how far a member may go: as far as set, or to what is free (p_ceilings NULL), which
-- takes back what was added for this window.
CREATE FUNCTION limit_member(w wallets, p_member text, p_ceilings jsonb, p_credit_types text[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY p_credit_types LOOP
        PERFORM set_limit(w.account_id, 'member:' || p_member, t,
                          CASE WHEN p_ceilings IS NULL THEN 0 ELSE (p_ceilings ->> t)::bigint END, w.decided_at);
        IF p_ceilings IS NULL THEN
            UPDATE counters SET value = 0
            WHERE account_id = w.account_id AND counter = raise_counter('member:' || p_member, t) AND window_start = w.window_start;
        END IF;
    END LOOP;
END $$;

-- Make or change a member, restored if it was removed.
CREATE FUNCTION set_member(
    p_account bigint, p_member text, p_name text, p_email text, p_role text, p_restricted boolean,
    p_limits jsonb, p_credit_types text[], p_at timestamptz
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    w wallets;
BEGIN
    w := lock_wallet(p_account, p_at);
    INSERT INTO members (account_id, member_id, name, email, role, restricted, limits)
    VALUES (p_account, p_member, p_name, p_email, p_role, p_restricted, p_limits)
    ON CONFLICT (account_id, member_id) DO UPDATE SET
        name = excluded.name, email = excluded.email, role = excluded.role,
        restricted = excluded.restricted, limits = excluded.limits, removed_at = NULL;
    PERFORM limit_member(w, p_member, CASE WHEN NOT p_restricted THEN p_limits END, p_credit_types);
END $$;

-- Remove a member: removed | unknown_member. What it used stays; it uses nothing metered any more.
CREATE FUNCTION remove_member(p_account bigint, p_member text, p_credit_types text[], p_at timestamptz)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    w wallets;
BEGIN
    w := lock_wallet(p_account, p_at);
    UPDATE members SET removed_at = w.decided_at
    WHERE account_id = p_account AND member_id = p_member AND removed_at IS NULL;
    IF NOT FOUND THEN RETURN 'unknown_member'; END IF;
    PERFORM limit_member(w, p_member, NULL, p_credit_types);
    RETURN 'removed';
END $$;
