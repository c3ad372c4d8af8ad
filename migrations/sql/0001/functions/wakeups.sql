-- Who waits for credits is told when a wallet gets some, or ceases to serve or serves again: by the
-- account's key on a channel, with the commit. Debits tell nothing here: a notice inside their
-- transaction would halve their rate.

CREATE OR REPLACE FUNCTION tell_of_wallet() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_notify('wallets', NEW.account_id::text);
    RETURN NULL;
END $$;
