-- Money that goes back: refunds and disputes. Each message only notes a fact, whose state moves
-- forward; settle_returns (refund_settlement.sql) then brings credits, debt and books to what all
-- facts of the charge say. So any order and any repetition of messages ends in the same state.

-- Ask for a refund of p_amount (NULL: all that can be): the credits go first, then the money. At
-- most what the unused, unheld part cost, with its tax, in steps that the processor sends; what was
-- paid elsewhere goes back elsewhere. refunded | repeated | idempotency_conflict | unknown_charge |
-- charge_not_paid | charge_disputed | nothing_paid | above_refundable | invalid_amount.
CREATE OR REPLACE FUNCTION refund_charge(
    p_account an_account, p_refund a_name, p_charge a_name, p_amount bigint, p_reason text,
    p_by text, p_at an_instant
) RETURNS refund_outcome LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    w    wallets;
    c    charges;
    old  refunds;
    r    refund_outcome;
    step bigint;
BEGIN
    w := lock_wallet(p_account, p_at);
    SELECT * INTO c FROM charges WHERE account_id = p_account AND charge_id = p_charge;
    step := CASE c.kind WHEN 'import' THEN 1 ELSE step_minor(c.currency) END;
    r.currency := c.currency; r.invoice := c.invoice;
    SELECT * INTO old FROM refunds WHERE account_id = p_account AND refund_id = p_refund;
    IF FOUND THEN
        r.status := CASE WHEN old.charge_id = p_charge
                              AND coalesce(p_amount, old.amount_minor) = old.amount_minor
                         THEN 'repeated' ELSE 'idempotency_conflict' END;
        r.amount_minor := old.amount_minor; r.refund_state := old.state;
        RETURN r;
    END IF;
    r.status := CASE WHEN c.charge_id IS NULL THEN 'unknown_charge'
                     WHEN c.state <> 'paid' THEN 'charge_not_paid'
                     WHEN disputes_of(c) > 0 THEN 'charge_disputed'
                     WHEN c.amount_minor + c.tax_minor = 0 THEN 'nothing_paid' END;
    IF r.status IS NOT NULL THEN RETURN r; END IF;
    PERFORM expire_due(p_account, w.decided_at);
    SELECT greatest(0, with_tax(c, sum(returnable_minor(g))::bigint) - refunds_of(c))
    INTO r.most_minor
    FROM grants g WHERE g.account_id = p_account AND g.charge_id = p_charge;
    r.most_minor := r.most_minor - r.most_minor % step;
    r.amount_minor := coalesce(p_amount, r.most_minor);
    r.status := CASE WHEN NOT r.amount_minor BETWEEN 1 AND r.most_minor THEN 'above_refundable'
                     WHEN r.amount_minor % step <> 0 THEN 'invalid_amount'
                     ELSE 'refunded' END;
    r.refund_state := 'asked';
    IF r.status <> 'refunded' THEN RETURN r; END IF;
    INSERT INTO refunds (account_id, refund_id, charge_id, amount_minor, state, reason, made_by, at)
    VALUES (p_account, p_refund, p_charge, r.amount_minor, 'asked', p_reason, p_by, w.decided_at);
    PERFORM settle_returns(p_account, p_charge, 'refund', jsonb_build_object('refund', p_refund),
                           w.decided_at);
    RETURN r;
END $$;

-- Note what the processor says about a refund (made | failed), whoever asked for it and however
-- much: noted | repeated | idempotency_conflict | unknown_charge.
CREATE OR REPLACE FUNCTION note_refund(
    p_account an_account, p_refund a_name, p_charge a_name, p_amount some_money, p_state a_name,
    p_at an_instant
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    w   wallets;
    old refunds;
BEGIN
    w := lock_wallet(p_account, p_at);
    SELECT * INTO old FROM refunds WHERE account_id = p_account AND refund_id = p_refund;
    IF (old.charge_id, old.amount_minor) <> (p_charge, p_amount) THEN
        RETURN 'idempotency_conflict';
    END IF;
    IF p_state IN (old.state, 'made') AND old.state <> 'asked' THEN RETURN 'repeated'; END IF;
    IF NOT EXISTS (SELECT FROM charges WHERE account_id = p_account AND charge_id = p_charge) THEN
        RETURN 'unknown_charge';
    END IF;
    INSERT INTO refunds (account_id, refund_id, charge_id, amount_minor, state, at)
    VALUES (p_account, p_refund, p_charge, p_amount, p_state, w.decided_at)
    ON CONFLICT (account_id, refund_id) DO UPDATE SET state = p_state;
    PERFORM settle_returns(p_account, p_charge, 'refund', jsonb_build_object('refund', p_refund),
                           w.decided_at);
    RETURN 'noted';
END $$;

-- Note where a dispute stands (open | lost | won, in this order whatever the messages' order was):
-- noted | repeated | idempotency_conflict | unknown_charge. Nothing is bought by itself from a
-- disputed card: auto-purchase goes off, and only the customer can switch it on again.
CREATE OR REPLACE FUNCTION note_dispute(
    p_account an_account, p_dispute a_name, p_charge a_name, p_amount some_money, p_state a_name,
    p_at an_instant
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    w    wallets;
    old  disputes;
    ways text[] := ARRAY['open', 'lost', 'won'];
BEGIN
    w := lock_wallet(p_account, p_at);
    SELECT * INTO old FROM disputes WHERE account_id = p_account AND dispute_id = p_dispute;
    IF (old.charge_id, old.amount_minor) <> (p_charge, p_amount) THEN
        RETURN 'idempotency_conflict';
    END IF;
    IF array_position(ways, p_state) <= array_position(ways, old.state) THEN
        RETURN 'repeated';
    END IF;
    IF NOT EXISTS (SELECT FROM charges WHERE account_id = p_account AND charge_id = p_charge) THEN
        RETURN 'unknown_charge';
    END IF;
    IF old.state IS NULL THEN
        UPDATE policies SET auto_on = false WHERE account_id = p_account;
    END IF;
    INSERT INTO disputes (account_id, dispute_id, charge_id, amount_minor, state, at)
    VALUES (p_account, p_dispute, p_charge, p_amount, p_state, w.decided_at)
    ON CONFLICT (account_id, dispute_id) DO UPDATE SET state = p_state;
    PERFORM settle_returns(p_account, p_charge, 'chargeback',
                           jsonb_build_object('dispute', p_dispute), w.decided_at);
    RETURN 'noted';
END $$;
