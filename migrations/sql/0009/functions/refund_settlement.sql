-- What the facts about money that went back come to: the credits of its grants, what is owed of
-- used ones, and the books. Each function may run again at any time and finds what is left to do.

CREATE OR REPLACE FUNCTION money_went_back(p_account bigint, p_charge text) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM refunds WHERE account_id = p_account AND charge_id = p_charge)
        OR EXISTS (SELECT FROM disputes WHERE account_id = p_account AND charge_id = p_charge)
        OR EXISTS (SELECT FROM charges WHERE account_id = p_account AND charge_id = p_charge
                                         AND taken_back_at IS NOT NULL AND state <> 'paid')
$$;

CREATE OR REPLACE FUNCTION refunds_of(c charges) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(r.amount_minor), 0)::bigint FROM refunds r
    WHERE r.account_id = c.account_id AND r.charge_id = c.charge_id AND r.state <> 'failed'
$$;

CREATE OR REPLACE FUNCTION disputes_of(c charges) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(d.amount_minor), 0)::bigint FROM disputes d
    WHERE d.account_id = c.account_id AND d.charge_id = c.charge_id AND d.state <> 'won'
$$;

-- The credits of a grant that an amount of its money is worth, rounded up.
CREATE OR REPLACE FUNCTION credits_worth(g grants, p_minor bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT capped(ceil(p_minor::numeric * g.granted / nullif(g.cost_minor, 0)))
$$;

-- What the unused, unheld credits of a grant cost, with those that were taken back already: rounded
-- down, so that the credits which a refund voids are there.
CREATE OR REPLACE FUNCTION returnable_minor(g grants) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT div((g.remaining - g.held + g.refunded)::numeric * g.cost_minor, g.granted)::bigint
$$;

-- The credits that are gone with so much of a grant's money: all unused, unheld ones where all the
-- money of its charge failed, those worth less than a minor unit too. What they leave in the books
-- would else be earned, or run out, of money that never came.
CREATE OR REPLACE FUNCTION credits_gone(c charges, g grants, p_minor bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN failed_of(c) > 0 THEN g.remaining - g.held + g.refunded
                ELSE credits_worth(g, p_minor) END
$$;

-- Write one line about a grant that is no usage; the balances are read after the change.
CREATE OR REPLACE FUNCTION note_return(
    g grants, p_kind entry_kind, p_change bigint, p_debt bigint, p_tags jsonb, p_at timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    b       wallet_balance := balance_at(g.account_id, g.credit_type, p_at);
    new_seq bigint;
BEGIN
    UPDATE wallets SET seq = seq + 1 WHERE account_id = g.account_id RETURNING seq INTO new_seq;
    INSERT INTO entries (account_id, seq, line, kind, grant_id, change, debt_change, balance_after,
                         held_after, available_after, event_at, at, credit_type, key, tags)
    VALUES (g.account_id, new_seq, 0, p_kind, g.grant_id, p_change, p_debt, b.booked, b.held,
            b.available, p_at, p_at, g.credit_type, 'ledger::' || p_kind || ':' || new_seq, p_tags);
END $$;

-- Take credits of a grant back, or put them back: p_minor and p_credits are what shall be gone in
-- all. What was broken is recognised anew with it: a credit that went for a part of its price broke
-- the rest of it, and more money may go back for that same credit later.
CREATE OR REPLACE FUNCTION take_back(
    g grants, p_minor bigint, p_credits bigint, p_kind entry_kind, p_tags jsonb, p_at timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    change bigint := g.refunded - p_credits;
    earned bigint;
    broken bigint;
BEGIN
    g.remaining := g.remaining + change;
    g.refunded := p_credits;
    g.refunded_minor := p_minor;
    earned := earned_minor(g);
    broken := settled_minor(g) - earned;
    PERFORM post_recognised(g, earned, broken, p_at);
    UPDATE grants SET remaining = g.remaining, is_open = g.remaining > 0, refunded = p_credits,
                      refunded_minor = p_minor, recognised_minor = earned, broken_minor = broken
    WHERE account_id = g.account_id AND grant_id = g.grant_id;
    IF change <> 0 THEN PERFORM note_return(g, p_kind, change, NULL, p_tags, p_at); END IF;
END $$;

-- Set what is owed of a grant's used credits. What falls away is taken off the debt; what new
-- credits have repaid of it meanwhile is given back as credits, until the window ends or as long as
-- the grant.
CREATE OR REPLACE FUNCTION set_owed(
    g grants, p_owed bigint, p_tags jsonb, p_at timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    w        wallets;
    debt     text := 'debt:' || g.credit_type;
    standing bigint;
    change   bigint := p_owed - g.owed;
    expires  timestamptz;
BEGIN
    IF change = 0 THEN RETURN; END IF;
    SELECT coalesce(sum(value), 0) INTO standing FROM counters
    WHERE account_id = g.account_id AND counter = debt AND window_start = '-infinity';
    INSERT INTO counters (account_id, counter, window_start, value)
    VALUES (g.account_id, debt, '-infinity', greatest(0, change))
    ON CONFLICT (account_id, counter, window_start)
    DO UPDATE SET value = greatest(0, standing + change);
    UPDATE grants SET owed = p_owed WHERE account_id = g.account_id AND grant_id = g.grant_id;
    PERFORM note_return(g, 'debt', 0, change, p_tags, p_at);
    IF standing + change >= 0 THEN RETURN; END IF;
    SELECT * INTO w FROM wallets WHERE account_id = g.account_id;
    expires := greatest(g.expires_at, w.window_end);
    PERFORM grant_credits(
        g.account_id, ':repaid:' || w.seq, 'adjustment', g.credit_type, g.scope, g.priority, p_at,
        CASE WHEN expires > p_at THEN expires ELSE 'infinity' END, g.tie_1, g.tie_2,
        -standing - change, 0, g.currency, NULL, NULL, p_tags, p_at);
END $$;

-- Bring the grants of a charge to what has gone back of its money. Nothing to settle before it is
-- booked and all its grants were given: the last of them settles it. p_kind and p_tags name the
-- cause. The latest grant gives first: of a year of windows the ones to come are unused, and the
-- customer keeps the current one. Money beyond what unused credits cost was for used ones: a refund
-- of it is a kindness, a dispute makes it a debt. What has run out after p_by counts as there.
CREATE OR REPLACE FUNCTION settle_returns(
    p_account bigint, p_charge text, p_kind entry_kind, p_tags jsonb, p_at timestamptz,
    p_by timestamptz DEFAULT NULL
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    w      wallets;
    c      charges;
    g      grants;
    total  bigint;
    change bigint;
    gone   bigint;
    unpaid bigint;
BEGIN
    w := lock_wallet(p_account, p_at);
    PERFORM expire_due(p_account, w.decided_at, p_by);
    SELECT * INTO c FROM charges WHERE account_id = p_account AND charge_id = p_charge;
    SELECT sum(o.cost_minor - o.rolled_minor),
           least(net_refunds_of(c) + net_disputes_of(c), sum(returnable_minor(o))),
           sum(o.refunded_minor)
    INTO total, unpaid, change
    FROM grants o WHERE o.account_id = p_account AND o.charge_id = p_charge;
    IF NOT is_booked(c) OR total IS DISTINCT FROM c.amount_minor THEN RETURN; END IF;
    change := unpaid - change;
    unpaid := net_disputes_of(c) - greatest(0, unpaid - net_refunds_of(c));
    FOR g IN SELECT * FROM grants o WHERE account_id = p_account AND charge_id = p_charge
                                      AND cost_minor > 0
             ORDER BY CASE WHEN change > 0 THEN effective_at END DESC,
                      CASE WHEN change > 0 THEN o.part END DESC, effective_at, o.part LOOP
        gone := CASE WHEN change > 0 THEN least(change, returnable_minor(g) - g.refunded_minor)
                     ELSE greatest(change, -g.refunded_minor) END;
        change := change - gone;
        gone := gone + g.refunded_minor;
        IF (gone, credits_gone(c, g, gone)) <> (g.refunded_minor, g.refunded) THEN
            PERFORM take_back(g, gone, credits_gone(c, g, gone), p_kind, p_tags, w.decided_at);
        END IF;
    END LOOP;
    FOR g IN SELECT * FROM grants o WHERE account_id = p_account AND charge_id = p_charge
                                      AND cost_minor > 0
             ORDER BY effective_at DESC, o.part DESC LOOP
        PERFORM set_owed(g, least(used_of(g), credits_worth(g, unpaid)), p_tags, w.decided_at);
        unpaid := greatest(
            0, unpaid - ceil(used_of(g)::numeric * g.cost_minor / g.granted)::bigint);
    END LOOP;
    PERFORM take_companions_back(c, p_kind, p_tags, w.decided_at);
    IF w.state = 'ended' THEN PERFORM void_expiring(p_account, w.decided_at); END IF;
    PERFORM expire_due(p_account, w.decided_at, p_by);
    PERFORM post_returns(c, p_kind, w.decided_at);
END $$;

-- What frees held credits, or uses more of a charge that went back, leaves more to take or to owe.
-- Return whether something was settled: the wallet is not what it was.
CREATE OR REPLACE FUNCTION settle_again(
    p_account bigint, p_grants bigint[], p_at timestamptz, p_by timestamptz DEFAULT NULL
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    charge  text;
    settled boolean := false;
BEGIN
    FOR charge IN SELECT DISTINCT g.charge_id FROM grants g
                  WHERE g.account_id = p_account AND g.grant_id = ANY (p_grants)
                    AND money_went_back(p_account, g.charge_id) ORDER BY 1 LOOP
        PERFORM settle_returns(
            p_account, charge, coalesce((
                SELECT min('chargeback'::entry_kind) FROM disputes d
                WHERE d.account_id = p_account AND d.charge_id = charge AND d.state <> 'won'
            ), (
                SELECT min('chargeback'::entry_kind) FROM charges c
                WHERE c.account_id = p_account AND c.charge_id = charge
                  AND c.taken_back_at IS NOT NULL AND c.state <> 'paid'
            ), 'refund'), NULL, p_at, p_by);
        settled := true;
    END LOOP;
    RETURN settled;
END $$;

-- Credits that came along for nothing go back in the share of the money, as far as they are unused.
CREATE OR REPLACE FUNCTION take_companions_back(
    c charges, p_kind entry_kind, p_tags jsonb, p_at timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    g     grants;
    share numeric := least(c.amount_minor, net_refunds_of(c) + net_disputes_of(c));
    gone  bigint;
BEGIN
    FOR g IN SELECT * FROM grants WHERE account_id = c.account_id AND charge_id = c.charge_id
                                    AND cost_minor = 0
             ORDER BY grant_id LOOP
        gone := least(coalesce(ceil(g.granted * share / nullif(c.amount_minor, 0)), 0),
                      g.remaining - g.held + g.refunded);
        IF gone <> g.refunded THEN PERFORM take_back(g, 0, gone, p_kind, p_tags, p_at); END IF;
    END LOOP;
END $$;

-- Where what is refunded stands: what was paid elsewhere goes back elsewhere.
CREATE OR REPLACE FUNCTION returns_book(c charges) RETURNS book LANGUAGE sql IMMUTABLE AS $$
    SELECT (CASE c.kind WHEN 'import' THEN 'opening' ELSE 'refunds' END)::book
$$;

-- Post what changed since the last time: what went back, its tax out of the tax, the rest out of
-- deferred revenue as far as unused credits cost it, else out of what was earned by use, then by
-- running out.
CREATE OR REPLACE FUNCTION post_returns(c charges, p_kind entry_kind, p_at timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    failed   bigint := failed_of(c);
    returned bigint := CASE WHEN c.state = 'paid' THEN refunds_of(c) ELSE 0 END;
    disputed bigint := CASE WHEN c.state = 'paid' THEN disputes_of(c) ELSE 0 END;
    tax      bigint := tax_in(c, returned + disputed);
    earned   bigint;
    broken   bigint;
    loss     bigint;
    transfer bigint;
BEGIN
    SELECT sum(o.recognised_minor), sum(o.broken_minor),
           failed + returned + disputed - tax - sum(o.refunded_minor)
    INTO earned, broken, loss
    FROM grants o WHERE o.account_id = c.account_id AND o.charge_id = c.charge_id;
    broken := least(greatest(0, loss - earned), broken);
    UPDATE wallets SET transfer_seq = transfer_seq + 1 WHERE account_id = c.account_id
    RETURNING transfer_seq INTO transfer;
    WITH posted AS (
        SELECT p.book, p.grant_id, sum(p.amount_minor) AS amount FROM postings p
        WHERE p.account_id = c.account_id AND p.charge_id = c.charge_id
          AND p.cause IN ('refund', 'chargeback')
        GROUP BY p.book, p.grant_id),
    due AS (
        SELECT 'deferred_revenue'::book AS book, o.grant_id, o.refunded_minor AS amount
        FROM grants o
        WHERE o.account_id = c.account_id AND o.charge_id = c.charge_id
        UNION ALL SELECT 'revenue', NULL, loss - broken
        UNION ALL SELECT 'breakage', NULL, broken
        UNION ALL SELECT 'tax', NULL, tax
        UNION ALL SELECT returns_book(c), NULL, -returned
        UNION ALL SELECT 'disputes', NULL, -disputed
        UNION ALL SELECT 'receivable', NULL, -failed)
    INSERT INTO postings (account_id, transfer_id, line, book, amount_minor, currency, cause,
                          charge_id, grant_id, at)
    SELECT c.account_id, transfer, row_number() OVER (ORDER BY d.grant_id, d.book) - 1, d.book,
           d.amount - coalesce(p.amount, 0), c.currency, p_kind::text, c.charge_id, d.grant_id, p_at
    FROM due d LEFT JOIN posted p ON p.book = d.book AND p.grant_id IS NOT DISTINCT FROM d.grant_id
    WHERE d.amount <> coalesce(p.amount, 0);
    IF NOT FOUND THEN
        UPDATE wallets SET transfer_seq = transfer - 1 WHERE account_id = c.account_id;
    END IF;
END $$;
