-- Unused credits move into the next window, with what they cost. A grant carries the terms it was
-- given; it moves once, when the window that begins where it ended is there. What is held does not move.
CREATE FUNCTION roll_over(
    p_account bigint, p_at timestamptz, p_by timestamptz DEFAULT NULL
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    w     wallets;
    g     grants;
    until timestamptz;
    moved bigint;
    money bigint;
    total bigint := 0;
BEGIN
    w := lock_wallet(p_account, p_at);
    LOOP
        SELECT o.* INTO g
        FROM grants o JOIN windows n ON n.account_id = o.account_id AND n.window_start = o.expires_at
        WHERE o.account_id = p_account AND o.is_open AND may_roll(o)
              AND o.expires_at <= least(p_by, w.decided_at)
        ORDER BY o.expires_at, o.grant_id LIMIT 1;
        EXIT WHEN NOT FOUND;
        SELECT n.window_end INTO until FROM windows n
        WHERE n.account_id = p_account AND n.window_start = g.expires_at;
        moved := least(div((g.remaining - g.held)::numeric * g.roll_num, g.roll_den), g.roll_cap);
        -- A difference of the cumulative price, as revenue is: whatever the steps, they sum to the cost.
        money := price_minor(used_of(g) + moved, g.cost_minor, g.granted)
               - price_minor(used_of(g), g.cost_minor, g.granted);
        UPDATE grants SET rolled_at = w.decided_at, remaining = remaining - moved, is_open = remaining > moved,
                          rolled = moved, rolled_minor = money
        WHERE account_id = p_account AND grant_id = g.grant_id;
        CONTINUE WHEN moved = 0;
        PERFORM enter_rolled(g, moved, money, until, w.decided_at);
        total := total + moved;
    END LOOP;
    SELECT * INTO w FROM wallets WHERE account_id = p_account;
    IF total > 0 THEN PERFORM arm_alerts(w); END IF;
    RETURN total;
END $$;

-- Whether it is still to be decided what of a grant moves on.
CREATE FUNCTION may_roll(g grants) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT g.rolls_left > 0 AND g.rolled_at = 'infinity'
$$;

-- Write both entries of a move and the grant that it makes.
CREATE FUNCTION enter_rolled(
    g grants, p_moved bigint, p_money bigint, p_until timestamptz, p_at timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    w wallets;
    b wallet_balance := balance_at(g.account_id, g.credit_type, p_at);
BEGIN
    UPDATE wallets SET seq = seq + 2 WHERE account_id = g.account_id RETURNING * INTO w;
    INSERT INTO grants (account_id, grant_id, credit_type, scope, source, priority, effective_at, expires_at,
                        tie_1, tie_2, granted, remaining, cost_minor, currency, charge_id, part,
                        rolls_left, roll_num, roll_den, roll_cap, roll_priority)
    SELECT g.account_id, w.seq, g.credit_type, g.scope, 'rollover', g.roll_priority, g.expires_at, p_until,
           g.tie_1, g.tie_2, p_moved, p_moved, p_money, g.currency, g.charge_id,
           (SELECT max(o.part) + 1 FROM grants o WHERE o.account_id = g.account_id AND o.charge_id = g.charge_id),
           g.rolls_left - 1, g.roll_num, g.roll_den, g.roll_cap, g.roll_priority;
    INSERT INTO entries (account_id, seq, line, kind, grant_id, change, balance_after, held_after,
                         available_after, event_at, at, credit_type, key, tags)
    VALUES (g.account_id, w.seq - 1, 0, 'rollover', g.grant_id, -p_moved, b.booked, b.held, b.available,
            g.expires_at, p_at, g.credit_type, 'ledger::rollover:' || g.grant_id || ':out', NULL);
    b := balance_at(g.account_id, g.credit_type, p_at);
    INSERT INTO entries (account_id, seq, line, kind, grant_id, change, balance_after, held_after,
                         available_after, event_at, at, credit_type, key, tags)
    VALUES (g.account_id, w.seq, 0, 'grant', w.seq, p_moved, b.booked, b.held, b.available, g.expires_at, p_at,
            g.credit_type, 'ledger::rollover:' || g.grant_id || ':in',
            jsonb_build_object('rolled_from', g.grant_id));
END $$;

-- The renewal under way may yet open the window that a grant moves into.
CREATE FUNCTION waits_to_roll(w wallets, g grants) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT may_roll(g) AND w.state = 'active' AND NOT EXISTS (
        SELECT FROM windows n WHERE n.account_id = g.account_id AND n.window_start > g.expires_at)
$$;
