-- The peer of a single debit: the least that a debit out of prepaid credits can do and still be
-- right, on narrow rows. No windows, pauses, scopes, alerts, holds, tags or laws between columns.
CREATE TABLE account (
    account_id bigint PRIMARY KEY,
    balance    bigint NOT NULL DEFAULT 0 CHECK (balance >= 0),
    seq        bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
CREATE TABLE lot (
    account_id bigint NOT NULL,
    lot_id     bigint NOT NULL,
    priority   smallint NOT NULL DEFAULT 0,
    expires_at timestamptz NOT NULL DEFAULT 'infinity',
    remaining  bigint NOT NULL CHECK (remaining >= 0),
    is_open    boolean NOT NULL DEFAULT true,
    PRIMARY KEY (account_id, lot_id)
) WITH (fillfactor = 50);
CREATE INDEX lot_burn ON lot (account_id, priority, expires_at, lot_id) WHERE is_open;
CREATE TABLE entry (
    account_id    bigint NOT NULL,
    seq           bigint NOT NULL,
    lot_id        bigint NOT NULL,
    amount        bigint NOT NULL,
    balance_after bigint NOT NULL,
    event_at      timestamptz NOT NULL,
    recorded_at   timestamptz NOT NULL DEFAULT now(),
    key           uuid NOT NULL,
    PRIMARY KEY (account_id, seq),
    UNIQUE (account_id, key)
);
INSERT INTO account SELECT n, 60000000000, 0 FROM generate_series(1, 5000) n;
INSERT INTO lot SELECT n, k, k, 'infinity', 20000000000
FROM generate_series(1, 5000) n, generate_series(1, 3) k;

VACUUM ANALYZE account, lot;

CREATE FUNCTION debit_narrow(
    p_account bigint, p_key uuid, p_amount bigint, p_at timestamptz,
    OUT status smallint, OUT o_seq bigint, OUT o_balance bigint
) LANGUAGE plpgsql SET search_path = public AS $$
DECLARE
    first bigint;
    free  bigint;
BEGIN
    SELECT a.seq + 1, a.balance - p_amount INTO o_seq, o_balance
    FROM account a WHERE a.account_id = p_account FOR UPDATE;
    SELECT l.lot_id, l.remaining INTO first, free FROM lot l
    WHERE l.account_id = p_account AND l.is_open AND l.expires_at > now()
    ORDER BY l.priority, l.expires_at, l.lot_id LIMIT 1;
    IF free >= p_amount THEN
        INSERT INTO entry (account_id, seq, lot_id, amount, balance_after, event_at, key)
        VALUES (p_account, o_seq, first, -p_amount, o_balance, p_at, p_key)
        ON CONFLICT DO NOTHING;
        IF FOUND THEN
            UPDATE lot SET remaining = remaining - p_amount, is_open = remaining > p_amount
            WHERE account_id = p_account AND lot_id = first;
            UPDATE account SET seq = o_seq, balance = o_balance WHERE account_id = p_account;
            status := 0; RETURN;
        END IF;
    END IF;
    status := 2;
END $$;

-- The peer of a batch: rows as wide as the journal's under its two indexes, and nothing else.
CREATE TABLE raw_entry (
    account_id bigint NOT NULL, seq bigint NOT NULL, grant_id bigint, change bigint NOT NULL,
    held_change bigint NOT NULL DEFAULT 0, balance_after bigint NOT NULL,
    held_after bigint NOT NULL, available_after bigint NOT NULL, event_at timestamptz NOT NULL,
    at timestamptz NOT NULL, recorded_at timestamptz NOT NULL DEFAULT now(), quantity bigint,
    kind integer NOT NULL, line smallint NOT NULL, late boolean NOT NULL DEFAULT false,
    credit_type text NOT NULL, key text, action text,
    PRIMARY KEY (account_id, seq, line),
    UNIQUE (account_id, key)
);
CREATE SEQUENCE raw_seq CACHE 1000;
