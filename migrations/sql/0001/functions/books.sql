-- Money. Debits are positive; the deferred trigger refuses a transfer that does not sum to zero.

CREATE OR REPLACE FUNCTION post_transfer(
    p_account bigint, p_cause text, p_books book[], p_amounts bigint[], p_currency text,
    p_charge text, p_grant bigint, p_at timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    transfer bigint;
BEGIN
    UPDATE wallets SET transfer_seq = transfer_seq + 1 WHERE account_id = p_account
    RETURNING transfer_seq INTO transfer;
    INSERT INTO postings (account_id, transfer_id, line, book, amount_minor, currency, cause,
                          charge_id, grant_id, at)
    SELECT p_account, transfer, u.ord - 1, u.b, u.amount, p_currency, p_cause, p_charge,
           p_grant, p_at
    FROM unnest(p_books, p_amounts) WITH ORDINALITY AS u (b, amount, ord) WHERE u.amount <> 0;
END $$;

-- What debits took of a grant so far.
CREATE OR REPLACE FUNCTION used_of(g grants) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT g.granted - g.remaining - g.expired - g.voided - g.refunded - g.rolled - g.unrolled
$$;

-- The cost of all of a grant that is settled, and neither moved on nor went back; what was used.
CREATE OR REPLACE FUNCTION settled_minor(g grants) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT greatest(0, price_minor(g.granted - g.remaining, g.cost_minor, g.granted)
                       - g.refunded_minor - g.rolled_minor)
$$;

CREATE OR REPLACE FUNCTION earned_minor(g grants) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT least(price_minor(used_of(g), g.cost_minor, g.granted), settled_minor(g))
$$;

-- Post what a grant's recognition is to be, as the difference to what it is.
CREATE OR REPLACE FUNCTION post_recognised(
    g grants, p_earned bigint, p_broken bigint, p_at timestamptz
) RETURNS void LANGUAGE sql AS $$
    SELECT post_transfer(
        g.account_id, CASE WHEN p_earned = g.recognised_minor THEN 'expired' ELSE 'used' END,
        ARRAY['deferred_revenue', 'revenue', 'breakage']::book[],
        ARRAY[p_earned - g.recognised_minor + p_broken - g.broken_minor,
              g.recognised_minor - p_earned, g.broken_minor - p_broken],
        g.currency, g.charge_id, g.grant_id, p_at)
    WHERE (p_earned, p_broken) <> (g.recognised_minor, g.broken_minor)
$$;

-- Earn what was used and what ran out. Both are half-up functions of a grant's cumulative use,
-- posted as differences, so that over a grant's life they sum to its cost exactly.
CREATE OR REPLACE FUNCTION recognise(p_account an_account, p_at an_instant) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    w      wallets;
    g      grants;
    earned bigint;
    broken bigint;
BEGIN
    w := lock_wallet(p_account, p_at);
    -- What was broken early by a correction is earned if the rest is used after all.
    FOR g IN SELECT * FROM grants WHERE account_id = p_account AND cost_minor > 0
               AND (recognised_minor + refunded_minor + rolled_minor < cost_minor)
             ORDER BY grant_id LOOP
        earned := earned_minor(g);
        broken := settled_minor(g) - earned;
        IF (earned, broken) = (g.recognised_minor, g.broken_minor) THEN CONTINUE; END IF;
        PERFORM post_recognised(g, earned, broken, w.decided_at);
        UPDATE grants SET recognised_minor = earned, broken_minor = broken
        WHERE account_id = p_account AND grant_id = g.grant_id;
    END LOOP;
END $$;
