-- Members, their limits, and what they ask admins for. Everything is decided under the wallet's
-- lock: two admins at the same instant make one approval, and one after its lapse makes none.

-- Counts what was added to a limit for one window.
CREATE OR REPLACE FUNCTION raise_counter(p_counter text, p_credit_type text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT 'raised:' || counter_of_type(p_counter, p_credit_type)
$$;

-- Why a member may ask for nothing and use nothing that is metered, or NULL.
CREATE OR REPLACE FUNCTION member_refusal(p_account bigint, p_member text) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN m.removed_at IS NOT NULL THEN 'member_removed'
                WHEN m.restricted THEN 'member_restricted' END
    FROM members m WHERE m.account_id = p_account AND m.member_id = p_member
$$;

-- Let the lock know how far a member may go: as far as set, or to what is free (p_ceilings NULL),
-- which takes back what was added for this window.
CREATE OR REPLACE FUNCTION limit_member(
    w wallets, p_member text, p_ceilings jsonb, p_credit_types text[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    t text;
BEGIN
    -- Whatever the caller knows of: types that are limited or shall be are among them.
    FOR t IN SELECT unnest(p_credit_types) UNION SELECT jsonb_object_keys(p_ceilings)
             UNION SELECT l.credit_type FROM limits l
             WHERE l.account_id = w.account_id AND l.counter = 'member:' || p_member LOOP
        PERFORM set_limit(w.account_id, 'member:' || p_member, t,
                          CASE WHEN p_ceilings IS NULL THEN 0 ELSE (p_ceilings ->> t)::bigint END,
                          w.decided_at,
                          coalesce(member_refusal(w.account_id, p_member), 'user_limit'));
        IF p_ceilings IS NULL THEN
            UPDATE counters SET value = 0
            WHERE account_id = w.account_id AND counter = raise_counter('member:' || p_member, t)
              AND window_start = w.window_start;
        END IF;
    END LOOP;
END $$;

-- Make or change a member, restored if it was removed.
CREATE OR REPLACE FUNCTION set_member(
    p_account an_account, p_member a_name, p_name wording, p_email wording, p_role a_name,
    p_restricted a_choice, p_limits credits_by_type, p_credit_types some_names, p_at an_instant
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

-- Remove a member: removed | member_removed (before) | unknown_member. What it used stays; it uses
-- nothing metered any more.
CREATE OR REPLACE FUNCTION remove_member(
    p_account an_account, p_member a_name, p_credit_types some_names, p_at an_instant
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    w wallets;
BEGIN
    w := lock_wallet(p_account, p_at);
    UPDATE members SET removed_at = w.decided_at
    WHERE account_id = p_account AND member_id = p_member AND removed_at IS NULL;
    IF NOT FOUND THEN
        RETURN coalesce(member_refusal(p_account, p_member), 'unknown_member');
    END IF;
    PERFORM limit_member(w, p_member, NULL, p_credit_types);
    RETURN 'removed';
END $$;

-- Keep a request for an admin: waiting | repeated | idempotency_conflict | unknown_member |
-- member_removed | member_restricted | not_needed (no limit to raise) | why there are no windows.
CREATE OR REPLACE FUNCTION ask_approval(
    p_account an_account, p_key a_name, p_subscription a_name, p_kind a_name, p_member a_name,
    p_wish jsonb, p_credit_type a_name, p_amount some_credits, p_waits a_while, p_at an_instant
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    w wallets;
    a approvals;
    m members;
BEGIN
    w := lock_wallet(p_account, p_at);
    SELECT * INTO a FROM approvals WHERE account_id = p_account AND key = p_key;
    IF FOUND THEN
        RETURN CASE WHEN (a.kind, a.member_id, a.wish) = (p_kind, p_member, p_wish)
                    THEN 'repeated' ELSE 'idempotency_conflict' END;
    END IF;
    IF w.state <> 'active' THEN RETURN wallet_refusal(w, w.decided_at); END IF;
    SELECT * INTO m FROM members WHERE account_id = p_account AND member_id = p_member;
    IF NOT FOUND THEN RETURN 'unknown_member'; END IF;
    IF member_refusal(p_account, p_member) IS NOT NULL THEN
        RETURN member_refusal(p_account, p_member);
    END IF;
    IF p_kind = 'credits' AND NOT m.limits ? p_credit_type THEN RETURN 'not_needed'; END IF;
    IF p_kind = 'operation'
       AND EXISTS (SELECT FROM journal WHERE account_id = p_account AND key = p_key) THEN
        RETURN 'idempotency_conflict';
    END IF;
    INSERT INTO approvals (account_id, key, subscription_id, kind, member_id, wish, credit_type,
                           amount, asked_at, lapses_at)
    VALUES (p_account, p_key, p_subscription, p_kind, p_member, p_wish, p_credit_type, p_amount,
            w.decided_at, w.decided_at + p_waits);
    RETURN 'waiting';
END $$;

-- Write down a lapse whose instant has come; answer with the state: waiting | approved | refused |
-- lapsed | unknown_approval.
CREATE OR REPLACE FUNCTION lapse_approval(
    p_account an_account, p_key a_name, p_at an_instant
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    w wallets;
    a approvals;
BEGIN
    w := lock_wallet(p_account, p_at);
    UPDATE approvals SET state = 'lapsed', settled_at = lapses_at, needed = NULL
    WHERE account_id = p_account AND key = p_key AND state = 'waiting'
      AND lapses_at <= w.decided_at;
    SELECT * INTO a FROM approvals WHERE account_id = p_account AND key = p_key;
    RETURN coalesce(a.state, 'unknown_approval');
END $$;

-- Whether a person may give this word on a request: decidable | repeated | already_decided |
-- approval_lapsed | own_request | member_removed | not_an_admin | unknown_approval.
CREATE OR REPLACE FUNCTION may_decide(
    p_account an_account, p_key a_name, p_state a_name, p_by a_name, p_at an_instant
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    state text := lapse_approval(p_account, p_key, p_at);
    a     approvals;
BEGIN
    IF state = 'unknown_approval' THEN RETURN state; END IF;
    IF state = 'lapsed' THEN RETURN 'approval_lapsed'; END IF;
    SELECT * INTO a FROM approvals WHERE account_id = p_account AND key = p_key;
    IF state <> 'waiting' THEN
        RETURN CASE WHEN (a.state, a.decided_by) = (p_state, p_by) THEN 'repeated'
                    ELSE 'already_decided' END;
    END IF;
    IF p_by = a.member_id THEN RETURN 'own_request'; END IF;
    IF member_refusal(p_account, p_by) = 'member_removed' THEN RETURN 'member_removed'; END IF;
    IF NOT EXISTS (SELECT FROM members WHERE account_id = p_account AND member_id = p_by
                                         AND role = 'admin' AND removed_at IS NULL) THEN
        RETURN 'not_an_admin';
    END IF;
    RETURN 'decidable';
END $$;

-- An approved operation is short: what it needs in all, for a purchase to cover; NULL: none does.
CREATE OR REPLACE FUNCTION need_for_approval(
    p_account an_account, p_key a_name, p_needed bigint, p_at an_instant
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM lock_wallet(p_account, p_at);
    UPDATE approvals SET needed = nullif(greatest(p_needed, 0), 0)
    WHERE account_id = p_account AND key = p_key AND state = 'waiting' AND kind = 'operation';
END $$;

-- What the largest of such operations needs at an instant.
CREATE OR REPLACE FUNCTION needed_by_approvals(p_account bigint, p_at timestamptz) RETURNS bigint
LANGUAGE sql STABLE AS $$
    SELECT coalesce(max(a.needed), 0) FROM approvals a
    WHERE a.account_id = p_account AND a.state = 'waiting' AND a.lapses_at > p_at
$$;

-- End a request by an admin's word: approved | refused | an answer of may_decide. An operation is
-- approved by its hold, in the same transaction; credits are added to the limit for this window.
CREATE OR REPLACE FUNCTION settle_approval(
    p_account an_account, p_key a_name, p_state a_name, p_by a_name, p_reason text, p_at an_instant
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    answer text := may_decide(p_account, p_key, p_state, p_by, p_at);
    w      wallets;
    a      approvals;
BEGIN
    IF answer <> 'decidable' THEN RETURN answer; END IF;
    w := lock_wallet(p_account, p_at);
    SELECT * INTO a FROM approvals WHERE account_id = p_account AND key = p_key;
    IF p_state = 'approved' AND a.kind = 'operation' AND NOT EXISTS (
        SELECT FROM journal WHERE account_id = p_account AND key = p_key) THEN
        RAISE EXCEPTION 'an approved operation is held first' USING ERRCODE = 'DD004';
    END IF;
    IF p_state = 'approved' AND a.kind = 'credits' THEN
        answer := coalesce(wallet_refusal(w, w.decided_at), member_refusal(p_account, a.member_id));
        IF answer IS NOT NULL THEN RETURN answer; END IF;
        INSERT INTO counters (account_id, counter, window_start, value)
        VALUES (p_account, raise_counter('member:' || a.member_id, a.credit_type),
                w.window_start, a.amount)
        ON CONFLICT (account_id, counter, window_start) DO UPDATE SET
            value = capped(counters.value::numeric + a.amount);
    END IF;
    UPDATE approvals SET state = p_state, settled_at = w.decided_at, decided_by = p_by,
                         reason = p_reason, needed = NULL
    WHERE account_id = p_account AND key = p_key;
    RETURN p_state;
END $$;
