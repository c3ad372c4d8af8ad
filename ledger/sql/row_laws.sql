-- Laws of several columns of the rows that every debit writes. PostgreSQL parses and plans the
-- CHECKs of a table in every statement that writes a row, which cost a debit more than the writing:
-- so one CHECK a table asks one of these, compiled once a session, which names the law that is
-- broken. What the laws of wallets are about no debit changes: triggers on those columns ask.

CREATE OR REPLACE FUNCTION grant_is_sound(g grants) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    law text := CASE
        WHEN (0 <= g.held AND g.held <= g.remaining AND g.remaining <= g.granted) IS NOT TRUE
        THEN 'grants_bounds'
        WHEN g.remaining + g.expired + g.voided + g.refunded + g.rolled + g.unrolled > g.granted
        THEN 'grants_parts'
        WHEN g.is_open <> (g.remaining > 0) THEN 'grants_open'
        WHEN g.effective_at >= g.expires_at THEN 'grants_lifetime'
        WHEN g.cost_minor <> 0 AND g.charge_id IS NULL THEN 'grants_paid_names_charge'
        WHEN (g.charge_id IS NULL) <> (g.part IS NULL) THEN 'grants_charge_has_part'
        WHEN g.recognised_minor + g.broken_minor + g.refunded_minor + g.rolled_minor > g.cost_minor
        THEN 'grants_money'
    END;
BEGIN
    IF law IS NULL THEN RETURN true; END IF;
    RAISE EXCEPTION 'a grant of account % breaks %', g.account_id, law
        USING ERRCODE = 'check_violation', CONSTRAINT = law, TABLE = 'grants';
END $$;

CREATE OR REPLACE FUNCTION entry_is_sound(e entries) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    law text := CASE
        WHEN (0 <= e.held_after AND e.held_after <= e.balance_after) IS NOT TRUE
        THEN 'entries_balances'
        WHEN e.kind = 'debit' AND e.change > 0 THEN 'entries_debit_takes'
        WHEN (e.line = 0) <> (e.key IS NOT NULL) THEN 'entries_key_on_first_line'
    END;
BEGIN
    IF law IS NULL THEN RETURN true; END IF;
    RAISE EXCEPTION 'an entry of account % breaks %', e.account_id, law
        USING ERRCODE = 'check_violation', CONSTRAINT = law, TABLE = 'entries';
END $$;

CREATE OR REPLACE FUNCTION wallet_is_sound() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    law text := CASE
        WHEN new.window_start >= new.window_end THEN 'wallets_window'
        WHEN new.state = 'active' AND new.window_start IS NULL THEN 'wallets_active_has_window'
    END;
BEGIN
    IF law IS NULL THEN RETURN new; END IF;
    RAISE EXCEPTION 'the wallet of account % breaks %', new.account_id, law
        USING ERRCODE = 'check_violation', CONSTRAINT = law, TABLE = 'wallets';
END $$;
