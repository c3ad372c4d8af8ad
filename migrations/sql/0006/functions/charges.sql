-- Charges: opened under the lock, settled once.

-- Half up, and never more than a BIGINT.
CREATE OR REPLACE FUNCTION price_minor(
    p_quantity bigint, p_num numeric, p_den numeric
) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT least(div(2 * p_quantity * p_num + p_den, 2 * p_den), 9223372036854775807)::bigint
$$;

-- What amounts sent to the processor are a multiple of, as domain/money.py has it.
CREATE OR REPLACE FUNCTION step_minor(p_currency text) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_currency IN ('BHD', 'JOD', 'KWD', 'OMR', 'TND') THEN 10
                WHEN p_currency IN ('ISK', 'UGX') THEN 100
                ELSE 1 END::bigint
$$;

-- What whole units cost, rounded once to what can be charged. A surcharge is the rounded total less
-- the rounded base.
CREATE OR REPLACE FUNCTION quote_units(p policies, p_units numeric) RETURNS purchase_outcome
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    r    purchase_outcome;
    step bigint := step_minor(p.currency);
    den  numeric := p.auto_price_den::numeric * step;
BEGIN
    r.quantity := p_units * p.auto_unit;
    r.amount_minor := capped(step::numeric * price_minor(
        r.quantity, p.auto_price_num::numeric * (p.auto_surcharge_den + p.auto_surcharge_num),
        den * p.auto_surcharge_den));
    r.surcharge_minor := r.amount_minor - capped(
        step::numeric * price_minor(r.quantity, p.auto_price_num, den));
    r.currency := p.currency;
    RETURN r;
END $$;

-- The most that the processor charges at once, as domain/money.py has it.
CREATE OR REPLACE FUNCTION most_minor(p_currency text) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE p_currency WHEN 'INR' THEN 999999999 ELSE 99999999 END::bigint
$$;

-- Why the customer's payment method does not pay what takes these kinds, or NULL.
CREATE OR REPLACE FUNCTION unpayable(p policies, p_kinds text[]) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN NOT p.card_usable THEN 'no_payment_method'
                WHEN p.pays_with <> ALL (p_kinds) THEN 'payment_method_not_accepted' END
$$;

-- Reserve the purchase that covers a shortfall, or say why not. p_needed is what the first waiting
-- event needs (0: the wallet was emptied, or an approved operation waits); p_confirmed: a person
-- agreed to this one, whatever the switch says. Everything is decided again here, under the lock:
-- reserved | repeated | purchase_pending | payment_processing | not_needed | cap_reached |
-- auto_purchase_off | not_in_plan | no_payment_method | payment_method_not_accepted |
-- above_maximum | a reason of wallet_refusal.
CREATE OR REPLACE FUNCTION reserve_auto_purchase(
    p_account an_account, p_subscription a_name, p_charge a_name, p_needed credits_or_none,
    p_at an_instant, p_confirmed boolean DEFAULT false
) RETURNS purchase_outcome LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    w     wallets;
    p     policies;
    c     charges;
    r     purchase_outcome;
    units numeric;
BEGIN
    w := lock_wallet(p_account, p_at);
    UPDATE outbox SET delivered_at = now()
    WHERE account_id = p_account AND topic = 'crossing' AND delivered_at IS NULL;
    SELECT * INTO p FROM policies WHERE account_id = p_account;
    SELECT * INTO c FROM charges WHERE account_id = p_account AND kind = 'auto_purchase'
                                   AND (charge_id = p_charge OR state IN ('open', 'processing'))
    ORDER BY charge_id = p_charge DESC LIMIT 1;
    IF FOUND AND c.state = 'processing' THEN r.status := 'payment_processing'; RETURN r; END IF;
    IF FOUND THEN
        RETURN (CASE c.charge_id WHEN p_charge THEN 'repeated' ELSE 'purchase_pending' END,
                c.charge_id, c.quantity, price_of(c),
                coalesce((c.tax ->> 'surcharge_minor')::bigint, c.surcharge_minor), c.currency,
                NULL)::purchase_outcome;
    END IF;
    r.status := coalesce(
        wallet_refusal(w, w.decided_at),
        CASE WHEN p.auto_unit IS NULL THEN 'not_in_plan'
             WHEN NOT (p.auto_on OR p_confirmed) THEN 'auto_purchase_off'
             ELSE unpayable(p, p.auto_kinds) END);
    IF r.status IS NOT NULL THEN RETURN r; END IF;
    p_needed := greatest(p_needed, needed_by_approvals(p_account, w.decided_at));
    r.available := (balance_at(p_account, p.auto_credit_type, w.decided_at)).available;
    IF r.available > 0 AND r.available >= p_needed THEN r.status := 'not_needed'; RETURN r; END IF;
    units := greatest(1, ceil(
        (p_needed - r.available + debt_of(p_account, p.auto_credit_type))::numeric / p.auto_unit));
    IF auto_purchased(p_account, w.window_start, w.window_end, p.cap_bounds, w.decided_at)
       + units * p.auto_unit > p.auto_cap THEN
        r.status := 'cap_reached'; RETURN r;
    END IF;
    r := quote_units(p, units);
    IF r.amount_minor > most_minor(r.currency) THEN
        r := NULL; r.status := 'above_maximum'; RETURN r;
    END IF;
    r.status := 'reserved'; r.charge_id := p_charge;
    INSERT INTO charges (account_id, charge_id, subscription_id, kind, currency, amount_minor,
                         surcharge_minor, quantity, window_start, window_end, opened_at)
    VALUES (p_account, p_charge, p_subscription, 'auto_purchase', r.currency, r.amount_minor,
            r.surcharge_minor, r.quantity, w.window_start, w.window_end, w.decided_at);
    RETURN r;
END $$;

-- Open a charge that somebody asked for or that is due; p_takes: the kinds of payment methods that
-- may pay it (NULL: any): opened | repeated | idempotency_conflict |
-- payment_method_not_accepted | a reason of wallet_refusal (purchases and upgrades need a serving
-- wallet). Who has no payment method yet is not refused here: the processor is asked.
CREATE OR REPLACE FUNCTION open_charge(
    p_account an_account, p_subscription a_name, p_charge a_name, p_kind a_name, p_currency a_name,
    p_amount_minor some_money, p_quantity bigint, p_at an_instant, p_pack jsonb DEFAULT NULL,
    p_takes text[] DEFAULT NULL
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    w      wallets;
    p      policies;
    c      charges;
    reason text;
BEGIN
    IF p_kind IN ('auto_purchase', 'import') THEN
        RAISE EXCEPTION 'auto-purchases are reserved and imports booked, not opened'
            USING ERRCODE = 'DD003';
    END IF;
    w := lock_wallet(p_account, p_at);
    SELECT * INTO c FROM charges WHERE account_id = p_account AND charge_id = p_charge;
    IF FOUND THEN
        RETURN CASE WHEN (c.kind, c.quantity, c.pack)
                         IS NOT DISTINCT FROM (p_kind, p_quantity, p_pack)
                         AND (p_kind = 'upgrade'
                              OR price_of(c) + c.discount_minor = p_amount_minor)
                    THEN 'repeated' ELSE 'idempotency_conflict' END;
    END IF;
    IF p_kind <> 'period' THEN
        reason := wallet_refusal(w, w.decided_at);
        SELECT * INTO p FROM policies WHERE account_id = p_account;
        IF (reason = 'paused:payment_failed'
            OR reason = 'renewal_pending' AND w.decided_at < w.kept_until)
           AND p_kind IN ('manual_purchase', 'pack') AND p.buys_while_paused THEN
            reason := NULL;
        END IF;
        IF p.card_usable THEN reason := coalesce(reason, unpayable(p, p_takes)); END IF;
        IF reason IS NOT NULL THEN RETURN reason; END IF;
    END IF;
    INSERT INTO charges (account_id, charge_id, subscription_id, kind, currency, amount_minor,
                         quantity, pack, window_start, window_end, opened_at)
    VALUES (p_account, p_charge, p_subscription, p_kind, p_currency, p_amount_minor, p_quantity,
            p_pack, CASE WHEN p_kind <> 'period' THEN w.window_start END,
            CASE WHEN p_kind <> 'period' THEN w.window_end END, w.decided_at);
    RETURN 'opened';
END $$;

-- Money arrived for a charge: book it once. paid | repeated | unknown_charge | wrong_amount.
-- A purchase whose window has ended meanwhile counts in the window of this instant, one that was
-- granted before its money in that of its grant.
CREATE OR REPLACE FUNCTION mark_paid(
    p_account an_account, p_charge a_name, p_invoice a_name_if_any, p_amount_minor some_money,
    p_at an_instant
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    w wallets;
    c charges;
BEGIN
    w := lock_wallet(p_account, p_at);
    SELECT * INTO c FROM charges WHERE account_id = p_account AND charge_id = p_charge;
    IF NOT FOUND THEN RETURN 'unknown_charge'; END IF;
    IF c.state = 'paid' THEN RETURN 'repeated'; END IF;
    IF c.amount_minor + c.tax_minor <> p_amount_minor THEN RETURN 'wrong_amount'; END IF;
    UPDATE charges SET state = 'paid', settled_at = w.decided_at, invoice = p_invoice,
                       window_start = CASE WHEN granted_at IS NOT NULL THEN window_start
                                           WHEN kind <> 'period' THEN w.window_start END,
                       window_end = CASE WHEN granted_at IS NOT NULL THEN window_end
                                         WHEN kind <> 'period' THEN w.window_end END
    WHERE account_id = p_account AND charge_id = p_charge;
    IF p_amount_minor > 0 THEN  -- else a coupon took off all of it
        PERFORM post_transfer(
            p_account, 'charge_paid',
            ARRAY['cash', CASE WHEN c.granted_at IS NULL THEN 'deferred_revenue'
                               ELSE 'receivable' END, 'tax']::book[],
            ARRAY[p_amount_minor, -c.amount_minor, -c.tax_minor], c.currency, p_charge, NULL,
            w.decided_at);
    END IF;
    IF c.granted_at IS NOT NULL THEN  -- put back what was taken, and take what went back meanwhile
        PERFORM settle_returns(
            p_account, p_charge,
            CASE WHEN c.taken_back_at IS NULL THEN 'refund' ELSE 'chargeback' END::entry_kind,
            NULL, w.decided_at);
    END IF;
    RETURN 'paid';
END $$;

-- The money of a charge is on its way: processing | repeated | unknown_charge | the state it is in.
-- It counts as bought, but nothing is granted yet (`grant_before_money` may), and nobody else buys
-- beside it.
CREATE OR REPLACE FUNCTION mark_processing(
    p_account an_account, p_charge a_name, p_invoice a_name_if_any, p_at an_instant
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    c charges;
BEGIN
    PERFORM lock_wallet(p_account, p_at);
    SELECT * INTO c FROM charges WHERE account_id = p_account AND charge_id = p_charge;
    IF NOT FOUND THEN RETURN 'unknown_charge'; END IF;
    IF c.state <> 'open' THEN
        RETURN CASE c.state WHEN 'processing' THEN 'repeated' ELSE c.state END;
    END IF;
    UPDATE charges SET state = 'processing', invoice = p_invoice
    WHERE account_id = p_account AND charge_id = p_charge;
    RETURN 'processing';
END $$;

-- The money of a charge came while no window is open to grant in: received | unknown_charge | the
-- state it is in. It is booked when it is granted, with the window that opens next, or at the end.
CREATE OR REPLACE FUNCTION mark_received(
    p_account an_account, p_charge a_name, p_invoice a_name, p_at an_instant
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    w wallets;
    c charges;
BEGIN
    w := lock_wallet(p_account, p_at);
    SELECT * INTO c FROM charges WHERE account_id = p_account AND charge_id = p_charge;
    IF NOT FOUND THEN RETURN 'unknown_charge'; END IF;
    IF c.state NOT IN ('open', 'processing') THEN RETURN c.state; END IF;
    UPDATE charges SET received_at = coalesce(received_at, w.decided_at), invoice = p_invoice
    WHERE account_id = p_account AND charge_id = p_charge;
    RETURN 'received';
END $$;

-- The processor declined an attempt; p_attempt makes a repeat harmless.
-- declined | repeated | paid | ...
CREATE OR REPLACE FUNCTION mark_declined(
    p_account an_account, p_charge a_name, p_invoice a_name_if_any, p_attempt a_count,
    p_code a_name_if_any, p_at an_instant
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    w wallets;
    c charges;
BEGIN
    w := lock_wallet(p_account, p_at);
    SELECT * INTO c FROM charges WHERE account_id = p_account AND charge_id = p_charge;
    IF NOT FOUND THEN RETURN 'unknown_charge'; END IF;
    IF c.state NOT IN ('open', 'processing') THEN RETURN c.state; END IF;
    IF c.declines >= p_attempt THEN RETURN 'repeated'; END IF;
    UPDATE charges SET state = 'open', declines = p_attempt, decline_code = p_code,
                       invoice = coalesce(nullif(p_invoice, ''), invoice)
    WHERE account_id = p_account AND charge_id = p_charge;
    PERFORM take_back_granted(c, w.decided_at);
    RETURN 'declined';
END $$;

-- Give a charge up; returns the state it is in now. Money that is on its way is never given up by
-- us: p_gone says that the processor has given the invoice up, so that none can come.
CREATE OR REPLACE FUNCTION mark_void(
    p_account an_account, p_charge a_name, p_at an_instant, p_gone boolean DEFAULT false
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    w wallets;
    c charges;
BEGIN
    w := lock_wallet(p_account, p_at);
    SELECT * INTO c FROM charges WHERE account_id = p_account AND charge_id = p_charge;
    IF NOT FOUND THEN RETURN 'unknown_charge'; END IF;
    IF c.state = 'open' OR (c.state = 'processing' AND p_gone) THEN
        UPDATE charges SET state = 'void', settled_at = w.decided_at
        WHERE account_id = p_account AND charge_id = p_charge;
        PERFORM take_back_granted(c, w.decided_at);
        RETURN 'void';
    END IF;
    RETURN c.state;
END $$;

-- Book what a customer paid elsewhere for credits that it brings along: opened and settled at once,
-- out of the opening book. paid | repeated | idempotency_conflict | unknown_customer.
CREATE OR REPLACE FUNCTION book_import(
    p_account an_account, p_subscription a_name, p_charge a_name, p_currency a_name,
    p_amount_minor some_money, p_quantity some_credits, p_at an_instant
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    w wallets;
    c charges;
BEGIN
    w := lock_wallet(p_account, p_at);
    IF w.account_id IS NULL THEN RETURN 'unknown_customer'; END IF;
    SELECT * INTO c FROM charges WHERE account_id = p_account AND charge_id = p_charge;
    IF FOUND THEN
        RETURN CASE WHEN (c.kind, c.currency, c.amount_minor, c.quantity)
                         = ('import', p_currency, p_amount_minor, p_quantity)
                    THEN 'repeated' ELSE 'idempotency_conflict' END;
    END IF;
    INSERT INTO charges (account_id, charge_id, subscription_id, kind, state, currency,
                         amount_minor, quantity, opened_at, settled_at)
    VALUES (p_account, p_charge, p_subscription, 'import', 'paid', p_currency, p_amount_minor,
            p_quantity, w.decided_at, w.decided_at);
    PERFORM post_transfer(p_account, 'imported', ARRAY['opening', 'deferred_revenue']::book[],
                          ARRAY[p_amount_minor, -p_amount_minor], p_currency, p_charge, NULL,
                          w.decided_at);
    RETURN 'paid';
END $$;
