-- Coupons: redeemed in the transaction that opens their charge. What was redeemed are the charges
-- themselves, so that one which comes to nothing gives its redemption back by that alone.

-- Whether a coupon is left that is redeemed p_most times in all. Those who redeem it come one after
-- another from here to the end of their transactions: of two, the second sees the first. Whoever
-- asks has locked its wallet, and locks no other after this.
CREATE OR REPLACE FUNCTION coupon_is_left(p_coupon a_name, p_most a_count) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('coupon'), hashtext(p_coupon));
    RETURN (SELECT count(*) FROM charges
            WHERE coupon = p_coupon AND kind <> 'period' AND state <> 'void')
           + (SELECT count(*) FROM subscriptions s WHERE s.coupon = p_coupon AND keeps_coupon(s))
           < p_most;
END $$;

-- Whether a promotion code of the processor is left that is redeemed p_most times here, in all
-- price lists: p_promotion itself or, for '', its coupon by all its codes. One after another.
CREATE OR REPLACE FUNCTION promotion_is_left(
    p_coupon a_name, p_promotion a_name, p_most a_count
) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('promotion'), hashtext(p_coupon));
    RETURN (SELECT count(*) FROM charges
            WHERE coupon IS NOT NULL AND split_part(coupon, ':', 3) = p_coupon
              AND p_promotion IN ('', split_part(coupon, ':', 4))
              AND kind <> 'period' AND state <> 'void')
           + (SELECT count(*) FROM subscriptions s
              WHERE s.coupon IS NOT NULL AND split_part(s.coupon, ':', 3) = p_coupon
                AND p_promotion IN ('', split_part(s.coupon, ':', 4)) AND keeps_coupon(s))
           < p_most;
END $$;

-- Whether the coupon of a subscription counts as redeemed: not if it ended before a period with it
-- came to something.
CREATE OR REPLACE FUNCTION keeps_coupon(s subscriptions) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT s.status <> 'ended' OR EXISTS (
        SELECT FROM charges c WHERE c.account_id = s.account_id AND c.kind = 'period'
          AND c.subscription_id = s.subscription_id AND c.coupon = s.coupon AND c.state <> 'void')
$$;

-- How often a customer redeemed a coupon: one for a plan is redeemed once, whatever it lasts.
CREATE OR REPLACE FUNCTION redemptions_of(p_account bigint, p_coupon text) RETURNS bigint
LANGUAGE sql STABLE AS $$
    SELECT (SELECT count(*) FROM charges WHERE account_id = p_account AND coupon = p_coupon
              AND kind <> 'period' AND state <> 'void')
           + (SELECT count(*) FROM subscriptions s
              WHERE s.account_id = p_account AND s.coupon = p_coupon AND keeps_coupon(s))
$$;

-- Take a coupon's worth off a charge that was just opened; p_each: how often one customer redeems
-- it (NULL: at will), p_first: only whoever never bought credits: redeemed | repeated |
-- unknown_charge | the state it is in | coupon_already_used | coupon_for_first_purchase |
-- wrong_amount (more than its price).
CREATE OR REPLACE FUNCTION redeem_coupon(
    p_account an_account, p_charge a_name, p_coupon a_name, p_discount_minor some_money,
    p_each integer, p_first a_choice, p_at an_instant
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    c charges;
BEGIN
    PERFORM lock_wallet(p_account, p_at);
    SELECT * INTO c FROM charges WHERE account_id = p_account AND charge_id = p_charge;
    IF NOT FOUND THEN RETURN 'unknown_charge'; END IF;
    IF c.coupon = p_coupon THEN RETURN 'repeated'; END IF;
    IF c.state <> 'open' THEN RETURN c.state; END IF;
    IF c.coupon IS NOT NULL OR c.tax IS NOT NULL
       OR p_discount_minor NOT BETWEEN 1 AND c.amount_minor THEN
        RETURN 'wrong_amount';
    END IF;
    IF redemptions_of(p_account, p_coupon) >= p_each THEN RETURN 'coupon_already_used'; END IF;
    IF p_first AND EXISTS (
        SELECT FROM charges WHERE account_id = p_account AND charge_id <> p_charge
          AND kind NOT IN ('period', 'upgrade') AND state <> 'void') THEN
        RETURN 'coupon_for_first_purchase';
    END IF;
    UPDATE charges SET coupon = p_coupon, discount_minor = p_discount_minor,
                       amount_minor = amount_minor - p_discount_minor
    WHERE account_id = p_account AND charge_id = p_charge;
    RETURN 'redeemed';
END $$;

-- Keep a coupon with a subscription that was just created; p_terms is what it promises, p_first:
-- only for who never paid for a plan: redeemed | repeated | no_subscription | coupon_already_used |
-- coupon_for_first_purchase.
CREATE OR REPLACE FUNCTION redeem_for_plan(
    p_account an_account, p_subscription a_name, p_coupon a_name, p_terms jsonb, p_each integer,
    p_first a_choice, p_at an_instant
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    s subscriptions;
BEGIN
    PERFORM lock_wallet(p_account, p_at);
    SELECT * INTO s FROM subscriptions
    WHERE account_id = p_account AND subscription_id = p_subscription;
    IF NOT FOUND THEN RETURN 'no_subscription'; END IF;
    IF s.coupon = p_coupon THEN RETURN 'repeated'; END IF;
    IF redemptions_of(p_account, p_coupon) >= p_each THEN RETURN 'coupon_already_used'; END IF;
    IF p_first AND EXISTS (SELECT FROM charges WHERE account_id = p_account
                             AND kind IN ('period', 'upgrade') AND state = 'paid') THEN
        RETURN 'coupon_for_first_purchase';
    END IF;
    UPDATE subscriptions SET coupon = p_coupon, coupon_terms = p_terms
    WHERE account_id = p_account AND subscription_id = p_subscription;
    RETURN 'redeemed';
END $$;

-- In how many periods a subscription's coupon took something off, but for one charge.
CREATE OR REPLACE FUNCTION periods_with_coupon(
    p_account an_account, p_subscription a_name, p_charge a_name
) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT count(*) FROM charges c
    JOIN subscriptions s ON s.account_id = c.account_id AND s.subscription_id = c.subscription_id
    WHERE c.account_id = p_account AND c.subscription_id = p_subscription AND c.kind = 'period'
      AND c.coupon = s.coupon AND c.state <> 'void' AND c.charge_id <> p_charge
$$;

-- Take what a subscription's coupon is worth off the charge of a period that was just opened;
-- p_periods: in how many it does (NULL: in all): redeemed | repeated | unknown_charge | the state
-- it is in | coupon_already_used | wrong_amount.
CREATE OR REPLACE FUNCTION discount_period(
    p_account an_account, p_charge a_name, p_discount_minor some_money, p_periods integer,
    p_at an_instant
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    c charges;
    s subscriptions;
BEGIN
    PERFORM lock_wallet(p_account, p_at);
    SELECT * INTO c FROM charges WHERE account_id = p_account AND charge_id = p_charge;
    IF NOT FOUND THEN RETURN 'unknown_charge'; END IF;
    IF c.coupon IS NOT NULL THEN RETURN 'repeated'; END IF;
    IF c.state <> 'open' THEN RETURN c.state; END IF;
    SELECT * INTO s FROM subscriptions
    WHERE account_id = p_account AND subscription_id = c.subscription_id;
    IF c.kind <> 'period' OR c.tax IS NOT NULL OR s.coupon IS NULL
       OR p_discount_minor NOT BETWEEN 1 AND c.amount_minor THEN
        RETURN 'wrong_amount';
    END IF;
    IF periods_with_coupon(p_account, c.subscription_id, p_charge) >= p_periods THEN
        RETURN 'coupon_already_used';
    END IF;
    UPDATE charges SET coupon = s.coupon, discount_minor = p_discount_minor,
                       amount_minor = amount_minor - p_discount_minor
    WHERE account_id = p_account AND charge_id = p_charge;
    RETURN 'redeemed';
END $$;

-- A coupon as people type it: it is kept as its price list, a colon, its code; if it is the
-- processor's, with its ids of the coupon and of the promotion code behind, a colon before each.
CREATE OR REPLACE FUNCTION coupon_code(p_coupon text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT split_part(p_coupon, ':', 2)
$$;
