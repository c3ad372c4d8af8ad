-- Charges that the processor has and the ledger lost, as after a restore.

-- Take up a purchase whose money is at the processor: opened | paid | repeated (it is here) |
-- cap_reached | purchase_pending | invoice_taken. Without p_booked it stays open until a window is
-- there to grant in. A pause is no matter, for the money has come; a cap is, for two purchases may
-- have been made of one.
CREATE OR REPLACE FUNCTION take_up_charge(
    p_account an_account, p_subscription a_name, p_charge a_name, p_kind a_name, p_currency a_name,
    p_amount_minor some_money, p_surcharge_minor some_money, p_quantity some_credits, p_pack jsonb,
    p_invoice a_name, p_booked a_choice, p_at an_instant
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    w wallets;
    p policies;
BEGIN
    IF p_kind NOT IN ('manual_purchase', 'pack', 'auto_purchase') THEN
        RAISE EXCEPTION 'only purchases are taken up, not %', p_kind USING ERRCODE = 'DD003';
    END IF;
    w := lock_wallet(p_account, p_at);
    IF EXISTS (SELECT FROM charges WHERE account_id = p_account AND charge_id = p_charge) THEN
        RETURN 'repeated';
    END IF;
    IF EXISTS (SELECT FROM charges WHERE account_id = p_account AND invoice = p_invoice) THEN
        RETURN 'invoice_taken';
    END IF;
    IF p_kind = 'auto_purchase' THEN
        SELECT * INTO p FROM policies WHERE account_id = p_account;
        IF NOT p_booked AND EXISTS (
            SELECT FROM charges WHERE account_id = p_account AND kind = 'auto_purchase'
                                  AND state IN ('open', 'processing')) THEN
            RETURN 'purchase_pending';
        END IF;
        IF auto_purchased(p_account, w.window_start, w.window_end, p.cap_bounds, w.decided_at)
           + p_quantity > p.auto_cap THEN
            RETURN 'cap_reached';
        END IF;
    END IF;
    INSERT INTO charges (account_id, charge_id, subscription_id, kind, state, currency,
                         amount_minor, surcharge_minor, quantity, pack, window_start, window_end,
                         opened_at, settled_at, invoice)
    VALUES (p_account, p_charge, p_subscription, p_kind,
            CASE WHEN p_booked THEN 'paid' ELSE 'open' END, p_currency, p_amount_minor,
            p_surcharge_minor, p_quantity, p_pack, w.window_start, w.window_end, w.decided_at,
            CASE WHEN p_booked THEN w.decided_at END, p_invoice);
    IF NOT p_booked THEN RETURN 'opened'; END IF;
    PERFORM post_transfer(p_account, 'charge_paid', ARRAY['cash', 'deferred_revenue']::book[],
                          ARRAY[p_amount_minor, -p_amount_minor], p_currency, p_charge, NULL,
                          w.decided_at);
    RETURN 'paid';
END $$;
