-- Credits granted before their money has come: a claim on the customer, the book `receivable`,
-- stands for it without tax (which is booked when it is paid). The money comes, and the claim is
-- settled; or it fails, and what was granted is taken back as after a chargeback (refunds.sql).

-- Whether a charge is in the books: its grants stand for money that came or is still to come.
CREATE OR REPLACE FUNCTION is_booked(c charges) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT c.state = 'paid' OR c.granted_at IS NOT NULL
$$;

-- What was granted of a charge and taken back because its money failed; it may still come.
CREATE OR REPLACE FUNCTION failed_of(c charges) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN c.state <> 'paid' AND c.taken_back_at IS NOT NULL
                THEN c.amount_minor ELSE 0 END
$$;

-- What is still expected of the money of a charge that was granted before it.
CREATE OR REPLACE FUNCTION receivable_of(c charges) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN c.state <> 'paid' AND c.granted_at IS NOT NULL
                THEN c.amount_minor - failed_of(c) ELSE 0 END
$$;

-- Whether credits are owed that were used of a charge whose money failed.
CREATE OR REPLACE FUNCTION owes_failed(p_account bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM charges c WHERE c.account_id = p_account AND failed_of(c) > 0)
       AND EXISTS (SELECT FROM counters n WHERE n.account_id = p_account
                     AND n.counter LIKE 'debt:%' AND n.value > 0)
$$;

-- Whether the subscription of a charge has ended; another one of its customer may begin.
CREATE OR REPLACE FUNCTION is_over(c charges) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM subscriptions s
                   WHERE s.account_id = c.account_id AND s.subscription_id = c.subscription_id
                     AND s.status = 'ended')
$$;

-- Book a charge before its money: its grants may then be given, in the same transaction. Once a
-- charge: what failed is granted again only when it is paid. granted | repeated | unknown_charge |
-- subscription_ended | declined (it was, once) | credits_owed (an earlier one failed) | the state
-- it is in.
CREATE OR REPLACE FUNCTION grant_before_money(
    p_account an_account, p_charge a_name, p_at an_instant
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    w      wallets;
    c      charges;
    reason text;
BEGIN
    w := lock_wallet(p_account, p_at);
    SELECT * INTO c FROM charges WHERE account_id = p_account AND charge_id = p_charge;
    reason := CASE WHEN c.charge_id IS NULL THEN 'unknown_charge'
                   WHEN c.granted_at IS NOT NULL THEN 'repeated'
                   WHEN c.state NOT IN ('open', 'processing') THEN c.state
                   WHEN w.state = 'ended' AND (c.kind <> 'period' OR is_over(c))
                   THEN 'subscription_ended'
                   WHEN c.declines > 0 THEN 'declined'
                   WHEN owes_failed(p_account) THEN 'credits_owed' END;
    IF reason IS NOT NULL THEN RETURN reason; END IF;
    UPDATE charges SET granted_at = w.decided_at,
                       window_start = CASE WHEN kind <> 'period' THEN w.window_start END,
                       window_end = CASE WHEN kind <> 'period' THEN w.window_end END
    WHERE account_id = p_account AND charge_id = p_charge;
    PERFORM post_transfer(p_account, 'granted', ARRAY['receivable', 'deferred_revenue']::book[],
                          ARRAY[c.amount_minor, -c.amount_minor], c.currency, p_charge, NULL,
                          w.decided_at);
    RETURN 'granted';
END $$;

-- The money of a charge failed or is given up: take back what was granted before it. Only the first
-- time something happens, and nothing to a charge that was not granted.
CREATE OR REPLACE FUNCTION take_back_granted(c charges, p_at timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF c.granted_at IS NULL OR c.taken_back_at IS NOT NULL THEN RETURN; END IF;
    UPDATE charges SET taken_back_at = p_at
    WHERE account_id = c.account_id AND charge_id = c.charge_id;
    PERFORM settle_returns(c.account_id, c.charge_id, 'chargeback',
                           jsonb_build_object('failed', c.charge_id), p_at);
END $$;
