-- Unused credits move into the next window, with what they cost. A grant carries the terms it was
-- given; it moves once, when the window that begins where it ended is there. What is held stays.

-- Whether it is still to be decided what of a grant moves on.
CREATE OR REPLACE FUNCTION may_roll(g grants) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT g.rolls_left > 0 AND g.rolled_at = 'infinity'
$$;

-- How much more of a window's credits of a type may move on, NULL: all. The cap is the window's,
-- and that of the plan in force at its end: of what the plan gave last.
CREATE OR REPLACE FUNCTION roll_room(g grants) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT o.roll_cap - least(o.roll_cap, (
        SELECT sum(t.rolled) FROM grants t
        WHERE t.account_id = (g).account_id AND t.expires_at = (g).expires_at
          AND t.credit_type = (g).credit_type AND t.rolls_left > 0))::bigint
    FROM grants o WHERE o.account_id = (g).account_id AND o.expires_at = (g).expires_at
                    AND o.credit_type = (g).credit_type AND o.rolls_left > 0
    ORDER BY o.source = 'rollover', o.grant_id DESC LIMIT 1
$$;

CREATE OR REPLACE FUNCTION roll_over(
    p_account bigint, p_at timestamptz, p_by timestamptz DEFAULT NULL
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    w     wallets;
    g     grants;
    until timestamptz;
    moved bigint;
    total bigint := 0;
BEGIN
    w := lock_wallet(p_account, p_at);
    LOOP
        -- What may move on the most often goes first: where the cap binds it lasts the longest.
        SELECT o.* INTO g
        FROM grants o
        JOIN windows n ON n.account_id = o.account_id AND n.window_start = o.expires_at
        WHERE o.account_id = p_account AND o.is_open AND may_roll(o)
              AND o.expires_at <= least(p_by, w.decided_at)
        ORDER BY o.expires_at, o.rolls_left DESC, o.grant_id LIMIT 1;
        EXIT WHEN NOT FOUND;
        SELECT n.window_end INTO until FROM windows n
        WHERE n.account_id = p_account AND n.window_start = g.expires_at;
        moved := least(div((g.remaining - g.held)::numeric * g.roll_num, g.roll_den), roll_room(g));
        UPDATE grants SET rolled_at = w.decided_at, rollable = g.remaining - g.held
        WHERE account_id = p_account AND grant_id = g.grant_id;
        CONTINUE WHEN moved = 0;
        -- A difference of the cumulative price, as revenue is: all steps sum to the cost.
        PERFORM move_on(g, moved,
                        price_minor(used_of(g) + moved, g.cost_minor, g.granted)
                            - price_minor(used_of(g), g.cost_minor, g.granted),
                        until, w.decided_at);
        total := total + moved;
    END LOOP;
    SELECT * INTO w FROM wallets WHERE account_id = p_account;
    IF total > 0 THEN PERFORM arm_alerts(w); END IF;
    RETURN total;
END $$;

-- Write a move: both entries, and the grant that it makes.
CREATE OR REPLACE FUNCTION move_on(
    g grants, p_moved bigint, p_money bigint, p_until timestamptz, p_at timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    w     wallets;
    b     wallet_balance;
BEGIN
    UPDATE grants SET remaining = remaining - p_moved, is_open = remaining > p_moved,
                      rolled = rolled + p_moved, rolled_minor = rolled_minor + p_money
    WHERE account_id = g.account_id AND grant_id = g.grant_id;
    PERFORM note_return(g, 'rollover', -p_moved, NULL, jsonb_build_object('minor', p_money), p_at);
    UPDATE wallets SET seq = seq + 1 WHERE account_id = g.account_id RETURNING * INTO w;
    INSERT INTO grants (account_id, grant_id, credit_type, scope, source, priority, effective_at,
                        expires_at, tie_1, tie_2, granted, remaining, cost_minor, currency,
                        charge_id, part, rolls_left, roll_num, roll_den, roll_cap, roll_priority,
                        rolled_from)
    SELECT g.account_id, w.seq, g.credit_type, g.scope, 'rollover', g.roll_priority, g.expires_at,
           p_until, g.tie_1, g.tie_2, p_moved, p_moved, p_money, g.currency, g.charge_id,
           (SELECT max(o.part) + 1 FROM grants o
            WHERE o.account_id = g.account_id AND o.charge_id = g.charge_id),
           g.rolls_left - 1, g.roll_num, g.roll_den, g.roll_cap, g.roll_priority, g.grant_id;
    b := balance_at(g.account_id, g.credit_type, p_at);
    INSERT INTO entries (account_id, seq, line, kind, grant_id, change, balance_after, held_after,
                         available_after, event_at, at, credit_type, key, tags)
    VALUES (g.account_id, w.seq, 0, 'grant', w.seq, p_moved, b.booked, b.held, b.available,
            g.expires_at, p_at, g.credit_type, 'ledger::rollover:' || w.seq || ':in',
            jsonb_build_object('rolled_from', g.grant_id));
END $$;

-- The renewal under way may yet open the window that a grant moves into.
CREATE OR REPLACE FUNCTION waits_to_roll(w wallets, g grants) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT may_roll(g) AND w.state = 'active' AND NOT EXISTS (
        SELECT FROM windows n WHERE n.account_id = g.account_id AND n.window_start > g.expires_at)
$$;

-- A window that is looked at again: what it had is what expired in it and what moved on out of it.

-- What moved on out of a grant and was not used since, wherever it is now.
CREATE OR REPLACE FUNCTION unused_of_rolled(p_account bigint, p_grant bigint) RETURNS bigint
LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(r.remaining - r.held + r.expired
                        + unused_of_rolled(r.account_id, r.grant_id)), 0)::bigint
    FROM grants r WHERE r.account_id = p_account AND r.rolled_from = p_grant
$$;

-- Change what is left of a grant that was looked at again, with what that makes of its money, and
-- write one entry.
CREATE OR REPLACE FUNCTION put_again(
    g grants, p_kind entry_kind, p_change bigint, p_tags jsonb, p_at timestamptz
) RETURNS grants LANGUAGE plpgsql AS $$
DECLARE
    earned bigint;
    broken bigint;
BEGIN
    g.remaining := g.remaining + p_change;
    earned := earned_minor(g); broken := settled_minor(g) - earned;
    PERFORM post_recognised(g, earned, broken, p_at);
    UPDATE grants SET remaining = g.remaining, is_open = g.remaining > 0, expired = g.expired,
                      rolled = g.rolled, unrolled = g.unrolled, rolled_minor = g.rolled_minor,
                      recognised_minor = earned, broken_minor = broken
    WHERE account_id = g.account_id AND grant_id = g.grant_id RETURNING * INTO g;
    PERFORM note_return(g, p_kind, p_change, NULL, p_tags, p_at);
    RETURN g;
END $$;

-- Bring credits back that moved on out of a grant, with their money: at most what is unused.
CREATE OR REPLACE FUNCTION move_back(g grants, p_amount bigint, p_at timestamptz) RETURNS grants
LANGUAGE plpgsql AS $$
DECLARE
    r     grants;
    rest  bigint := p_amount;
    part  bigint;
    money bigint;
BEGIN
    FOR r IN SELECT * FROM grants o WHERE o.account_id = g.account_id AND o.rolled_from = g.grant_id
             ORDER BY o.grant_id DESC LOOP
        part := least(rest, r.remaining - r.held + r.expired
                            + unused_of_rolled(r.account_id, r.grant_id));
        CONTINUE WHEN part <= 0;
        rest := rest - part;
        IF r.remaining - r.held + r.expired < part THEN
            r := move_back(r, part - (r.remaining - r.held + r.expired), p_at);
        END IF;
        r := reopen_again(r, part - (r.remaining - r.held), p_at);
        money := price_minor(r.granted - r.remaining + part, r.cost_minor, r.granted)
                 - price_minor(r.granted - r.remaining, r.cost_minor, r.granted);
        r.unrolled := r.unrolled + part; r.rolled_minor := r.rolled_minor + money;
        PERFORM put_again(r, 'rollover', -part, jsonb_build_object('minor', money, 'back', true),
                          p_at);
        g.rolled := g.rolled - part; g.rolled_minor := g.rolled_minor - money;
        g := put_again(g, 'rollover', part, jsonb_build_object('minor', -money), p_at);
    END LOOP;
    RETURN g;
END $$;

-- Give back what had expired of a grant, if an amount above zero.
CREATE OR REPLACE FUNCTION reopen_again(g grants, p_amount bigint, p_at timestamptz) RETURNS grants
LANGUAGE plpgsql AS $$
BEGIN
    IF p_amount <= 0 THEN RETURN g; END IF;
    g.expired := g.expired - p_amount;
    RETURN put_again(g, 'reopen', p_amount, NULL, p_at);
END $$;

-- Decide anew what moves on out of the windows of these grants, of which p_used more (less: below
-- zero) was used in their own time. What was used since stays where it was used.
CREATE OR REPLACE FUNCTION roll_again(
    p_account bigint, p_grants bigint[], p_used bigint[], p_at timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    g      grants;
    until  timestamptz;
    target bigint;
BEGIN
    UPDATE grants o SET rollable = greatest(0, o.rollable - u.used)
    FROM (SELECT t.id, sum(t.used)::bigint AS used FROM unnest(p_grants, p_used) AS t (id, used)
          GROUP BY t.id) u
    WHERE o.account_id = p_account AND o.grant_id = u.id AND o.rolled_at < 'infinity';
    FOR g IN SELECT * FROM grants o
             WHERE o.account_id = p_account AND o.rolls_left > 0 AND o.rolled_at < 'infinity'
               AND (o.credit_type, o.expires_at) IN (
                   SELECT t.credit_type, t.expires_at FROM grants t
                   WHERE t.account_id = p_account AND t.grant_id = ANY (p_grants))
             ORDER BY o.expires_at, o.rolls_left DESC, o.grant_id LOOP
        SELECT * INTO g FROM grants o WHERE o.account_id = p_account AND o.grant_id = g.grant_id;
        target := least(div(g.rollable::numeric * g.roll_num, g.roll_den), roll_room(g) + g.rolled);
        IF target < g.rolled THEN
            target := least(g.rolled - target, unused_of_rolled(g.account_id, g.grant_id));
            CONTINUE WHEN target = 0;
            g := move_back(g, target, p_at);
            g.expired := g.expired + target;
            PERFORM put_again(g, 'expiry', -target, NULL, p_at);
            CONTINUE;
        END IF;
        SELECT n.window_end INTO until FROM windows n
        WHERE n.account_id = p_account AND n.window_start = g.expires_at;
        target := least(target - g.rolled, g.expired);
        CONTINUE WHEN target = 0 OR until <= p_at OR until IS NULL;
        g := reopen_again(g, target, p_at);
        -- What else was settled of it has its money already: the move takes what is left.
        PERFORM move_on(g, target,
                        price_minor(g.granted - g.remaining + target, g.cost_minor, g.granted)
                            - price_minor(g.granted - g.remaining, g.cost_minor, g.granted),
                        until, p_at);
    END LOOP;
END $$;
