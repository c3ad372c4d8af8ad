-- Old lines of the journal, as they were; functions/archive.sql moves them. On a server with slow
-- and fast disks this is the table for the slow one. It is never emptied: keys bind for ever.
CREATE TABLE archived_entries (
    LIKE entries,
    CONSTRAINT archived_entries_pk PRIMARY KEY (account_id, seq, line),
    CONSTRAINT archived_entries_key UNIQUE (account_id, key)
);
CREATE INDEX archived_entries_corrections ON archived_entries (account_id, corrects, credit_type)
    WHERE corrects IS NOT NULL OR grant_id IS NULL;
CREATE INDEX archived_entries_not_use ON archived_entries (account_id, credit_type, seq)
    WHERE kind NOT IN ('debit', 'hold', 'capture', 'release');

-- What the archived lines of a grant come to, so that the laws are checked without reading them.
CREATE TABLE carried (
    account_id   bigint     NOT NULL,
    grant_id     bigint     NOT NULL,
    kind         entry_kind NOT NULL,
    credit_type  text       NOT NULL,
    change       numeric    NOT NULL,
    held_change  numeric    NOT NULL,
    debt_change  numeric    NOT NULL,
    minor        numeric    NOT NULL,                        -- money that rolled over with credits
    given_back   numeric    NOT NULL,                        -- of repaid debts, by won disputes
    CONSTRAINT carried_pk PRIMARY KEY (account_id, grant_id, kind),
    CONSTRAINT carried_grant FOREIGN KEY (account_id, grant_id) REFERENCES grants
);
