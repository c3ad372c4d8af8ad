-- Credits come in and run out.

-- What is booked, held, and spendable by some action: neither frozen nor a debt to be made. What
-- has lapsed by then is held no more, though nobody may have written it down yet.
CREATE OR REPLACE FUNCTION balance_at(
    p_account bigint, p_credit_type text, p_at timestamptz
) RETURNS wallet_balance LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(g.remaining), 0)::bigint,
           coalesce(sum(g.held - coalesce(l.amount, 0)), 0)::bigint,
           coalesce(sum(g.unheld + coalesce(l.amount, 0)) FILTER (
               WHERE g.is_usable AND NOT g.is_debt), 0)::bigint
    FROM wallets w
    CROSS JOIN LATERAL grants_to_burn(p_account, p_credit_type, NULL, w.frozen, p_at, false) g
    LEFT JOIN lapsed_by(p_account, p_at) l ON l.grant_id = g.grant_id
    WHERE w.account_id = p_account
$$;

-- Give credits once per key. Status: granted | repeated | idempotency_conflict | unknown_customer |
-- invalid_quantity (an adjustment beyond what a wallet holds: a person's figure, which nothing
-- bounds; any other grant beyond what a BIGINT holds).
CREATE OR REPLACE FUNCTION grant_credits(
    p_account an_account, p_key a_name, p_source a_name, p_credit_type a_name, p_scope text[],
    p_priority smallint, p_effective_at an_instant, p_expires_at an_expiry, p_tie_1 bigint,
    p_tie_2 bigint, p_quantity some_credits, p_cost_minor some_money, p_currency a_name,
    p_charge text, p_part integer, p_tags jsonb, p_at an_instant, p_rolls a_count DEFAULT 0,
    p_roll_num some_credits DEFAULT 1, p_roll_den some_credits DEFAULT 1,
    p_roll_cap bigint DEFAULT NULL, p_roll_priority a_priority DEFAULT 15
) RETURNS grant_outcome LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    w   wallets;
    b   wallet_balance;
    old record;
BEGIN
    w := lock_wallet(p_account, p_at);
    IF w.account_id IS NULL THEN RETURN ('unknown_customer', NULL, NULL)::grant_outcome; END IF;
    p_key := 'ledger:' || p_key;
    SELECT e.seq, e.available_after,
           (g.granted, g.credit_type, g.source, g.cost_minor, g.charge_id, g.part, e.tags)
           IS NOT DISTINCT FROM
           (p_quantity, p_credit_type, p_source, p_cost_minor, p_charge, p_part, p_tags) AS same
    INTO old
    FROM journal e LEFT JOIN grants g ON g.account_id = e.account_id AND g.grant_id = e.seq
    WHERE e.account_id = p_account AND e.key = p_key;
    IF FOUND THEN
        RETURN (CASE WHEN old.same THEN 'repeated' ELSE 'idempotency_conflict' END,
                old.seq, old.available_after)::grant_outcome;
    END IF;
    b := balance_at(p_account, p_credit_type, w.decided_at);
    IF p_source = 'adjustment' AND b.booked::numeric + p_quantity > 1000000000000000000
       OR b.booked::numeric + p_quantity > 9000000000000000000 THEN
        RETURN ('invalid_quantity', NULL, b.available)::grant_outcome;
    END IF;
    b.booked := b.booked + p_quantity;
    IF is_usable(p_effective_at, p_expires_at, p_source, w.frozen, w.decided_at)
       AND p_source <> 'overdraft'
    THEN
        b.available := b.available + p_quantity;
    END IF;
    INSERT INTO entries (account_id, seq, line, kind, grant_id, change, balance_after, held_after,
                         available_after, event_at, at, credit_type, key, tags)
    VALUES (p_account, w.seq + 1, 0, 'grant', w.seq + 1, p_quantity, b.booked, b.held, b.available,
            p_effective_at, w.decided_at, p_credit_type, p_key, p_tags);
    INSERT INTO grants (account_id, grant_id, credit_type, scope, source, priority, effective_at,
                        expires_at, tie_1, tie_2, granted, remaining, cost_minor, currency,
                        charge_id, part, rolls_left, roll_num, roll_den, roll_cap, roll_priority)
    VALUES (p_account, w.seq + 1, p_credit_type, p_scope, p_source, p_priority, p_effective_at,
            p_expires_at, p_tie_1, p_tie_2, p_quantity, p_quantity, p_cost_minor, p_currency,
            p_charge, p_part, p_rolls, p_roll_num, p_roll_den, p_roll_cap, p_roll_priority);
    UPDATE wallets SET seq = w.seq + 1 WHERE account_id = p_account RETURNING * INTO w;
    IF p_source NOT IN ('overdraft', 'rollover') AND repay_debt(w, w.seq) > 0 THEN
        b := balance_at(p_account, p_credit_type, w.decided_at);
    END IF;
    IF is_purchased(p_source) AND p_credit_type = w.alert_type AND w.state = 'active' THEN
        PERFORM rearm_alerts(w);
    END IF;
    PERFORM arm_alerts(w);
    IF money_went_back(p_account, p_charge) THEN
        PERFORM settle_returns(p_account, p_charge, 'refund', NULL, w.decided_at);
        b := balance_at(p_account, p_credit_type, w.decided_at);
    END IF;
    RETURN ('granted', w.seq, b.available)::grant_outcome;
END $$;

-- What is owed of a type: taken on credit or charged back.
CREATE OR REPLACE FUNCTION debt_of(p_account bigint, p_credit_type text) RETURNS bigint
LANGUAGE sql STABLE AS $$
    SELECT counter_value(p_account, 'debt:' || p_credit_type, '-infinity')
$$;

-- Repay what is owed of a type out of new purchased credits, or where the plan says so out of all
-- that is given; what repays is used, so that its money is earned. A grant that is not in effect
-- yet repays nothing. Return the micro-credits.
CREATE OR REPLACE FUNCTION repay_debt(w wallets, p_grant bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    g   grants;
    b   wallet_balance;
    due bigint;
BEGIN
    SELECT * INTO g FROM grants WHERE account_id = w.account_id AND grant_id = p_grant;
    IF NOT is_purchased(g.source)
       AND (SELECT debt_repaid_from FROM policies WHERE account_id = w.account_id) = 'purchases'
    THEN
        RETURN 0;
    END IF;
    due := least(g.remaining, debt_of(w.account_id, g.credit_type));
    IF due = 0 OR NOT is_usable(g.effective_at, g.expires_at, g.source, false, w.decided_at) THEN
        RETURN 0;
    END IF;
    UPDATE grants SET remaining = remaining - due, is_open = remaining > due,
                      held = held  -- named, so that alerts are looked at
    WHERE account_id = w.account_id AND grant_id = p_grant;
    UPDATE counters SET value = value - due
    WHERE account_id = w.account_id AND counter = 'debt:' || g.credit_type
      AND window_start = '-infinity';
    b := balance_at(w.account_id, g.credit_type, w.decided_at);
    INSERT INTO entries (account_id, seq, line, kind, grant_id, change, balance_after, held_after,
                         available_after, event_at, at, credit_type, key)
    VALUES (w.account_id, w.seq + 1, 0, 'repayment', p_grant, -due, b.booked, b.held, b.available,
            w.decided_at, w.decided_at, g.credit_type, 'ledger::repayment:' || w.seq + 1);
    UPDATE wallets SET seq = w.seq + 1 WHERE account_id = w.account_id;
    RETURN due;
END $$;

-- Move on what may, book what else has expired by p_at, or of that what had by p_by; return the
-- micro-credits that expired. What is held waits for its hold, what may move on for the window it
-- moves into, while there may be one. The instant decided long before: this only writes it down.
CREATE OR REPLACE FUNCTION expire_due(
    p_account an_account, p_at an_instant, p_by timestamptz DEFAULT NULL
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    w     wallets;
    b     wallet_balance;
    g     grants;
    total bigint := 0;
BEGIN
    PERFORM roll_over(p_account, p_at, p_by);
    w := lock_wallet(p_account, p_at);
    FOR g IN SELECT * FROM grants WHERE account_id = p_account AND is_open
                                    AND expires_at <= least(p_by, w.decided_at)
                                    AND remaining > held AND NOT waits_to_roll(w, grants)
             ORDER BY expires_at, grant_id LOOP
        w.seq := w.seq + 1;
        total := total + g.remaining - g.held;
        b := balance_at(p_account, g.credit_type, w.decided_at);
        INSERT INTO entries (account_id, seq, line, kind, grant_id, change, balance_after,
                             held_after, available_after, event_at, at, credit_type, key)
        VALUES (p_account, w.seq, 0, 'expiry', g.grant_id, g.held - g.remaining,
                b.booked - g.remaining + g.held, b.held, b.available, g.expires_at, w.decided_at,
                g.credit_type, 'ledger::expiry:' || w.seq);
        UPDATE grants SET remaining = held, is_open = held > 0,
                          expired = expired + g.remaining - g.held
        WHERE account_id = p_account AND grant_id = g.grant_id;
    END LOOP;
    UPDATE wallets SET seq = w.seq WHERE account_id = p_account;
    PERFORM recognise(p_account, p_at);
    RETURN total;
END $$;

-- Void what is left of credits that would expire later, of these sources or (NULL) of all; what is
-- held stays held, and what never expires stays. Return the micro-credits.
CREATE OR REPLACE FUNCTION void_grants(
    p_account bigint, p_at timestamptz, p_sources text[], p_reason text
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    w     wallets;
    b     wallet_balance;
    g     grants;
    total bigint := 0;
BEGIN
    w := lock_wallet(p_account, p_at);
    FOR g IN SELECT * FROM grants WHERE account_id = p_account AND is_open AND remaining > held
                                    AND expires_at > w.decided_at AND expires_at < 'infinity'
                                    AND (p_sources IS NULL OR source::text = ANY (p_sources))
             ORDER BY grant_id LOOP
        w.seq := w.seq + 1;
        total := total + g.remaining - g.held;
        UPDATE grants SET remaining = held, is_open = held > 0,
                          voided = voided + g.remaining - g.held
        WHERE account_id = p_account AND grant_id = g.grant_id;
        b := balance_at(p_account, g.credit_type, w.decided_at);
        INSERT INTO entries (account_id, seq, line, kind, grant_id, change, balance_after,
                             held_after, available_after, event_at, at, credit_type, key, tags)
        VALUES (p_account, w.seq, 0, 'void', g.grant_id, g.held - g.remaining, b.booked, b.held,
                b.available, w.decided_at, w.decided_at, g.credit_type, 'ledger::void:' || w.seq,
                jsonb_build_object('reason', p_reason));
    END LOOP;
    UPDATE wallets SET seq = w.seq WHERE account_id = p_account;
    PERFORM recognise(p_account, p_at);
    RETURN total;
END $$;

-- A subscription that ends early: the next one must not find what it leaves. What never expires
-- stays, frozen.
CREATE OR REPLACE FUNCTION void_expiring(p_account bigint, p_at timestamptz) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT void_grants(p_account, p_at, NULL, 'the subscription ended')
$$;

-- Take credits away for a reason that is not usage (an operator's correction); all or nothing.
CREATE OR REPLACE FUNCTION remove_credits(
    p_account an_account, p_key a_name, p_credit_type a_name, p_amount bigint, p_tags jsonb,
    p_at an_instant
) RETURNS debit_outcome LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT debit_carefully(p_account, 'ledger:' || p_key, 'adjustment', NULL, NULL, p_credit_type,
                           p_amount, p_at, p_tags, p_at)
$$;

-- Freeze what was purchased (a free plan keeps it, unspendable), or thaw it. No instant: it decides
-- nothing else.
CREATE OR REPLACE FUNCTION set_frozen(
    p_account an_account, p_frozen a_choice, p_at timestamptz
) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    w wallets;
BEGIN
    IF p_at IS NULL THEN PERFORM FROM wallets WHERE account_id = p_account FOR UPDATE;
    ELSE PERFORM lock_wallet(p_account, p_at); END IF;
    UPDATE wallets SET frozen = p_frozen WHERE account_id = p_account AND frozen <> p_frozen
    RETURNING * INTO w;
    IF w.account_id IS NULL THEN RETURN false; END IF;
    PERFORM arm_alerts(w);  -- the base is another
    RETURN true;
END $$;
