-- What an activity does for a request is noted beside it. The worker names the request at the start
-- of each of its transactions (`drawdown.request`); the door's debits and holds come many in a
-- transaction, and note theirs themselves (ledger/usage/naming.py).

CREATE OR REPLACE FUNCTION note_line_of_request() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO named_requests (account_id, seq, request_id)
    VALUES (NEW.account_id, NEW.seq, current_setting('drawdown.request'))
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION note_charge_of_request() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO named_requests (account_id, charge_id, request_id)
    VALUES (NEW.account_id, NEW.charge_id, current_setting('drawdown.request'))
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
