-- Who waits for credits or watches a balance is told when a wallet gets some, ceases to serve or
-- serves again, or what no debit writes is booked: by the account's key on a channel, with the
-- commit. Debits and holds tell nothing here: a notice inside their transaction would halve their
-- rate. Their process tells afterwards (ledger/direct/telling.py).

CREATE OR REPLACE FUNCTION tell_of_wallet() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_notify('wallets', NEW.account_id::text);
    RETURN NULL;
END $$;
