-- Credits set aside for work in progress, at the rates of their authorization. A hold is named by
-- the sequence of its entry; its end is an entry too.
CREATE TABLE holds (
    account_id   bigint      NOT NULL REFERENCES wallets,
    hold_id      bigint      NOT NULL,
    key          text        NOT NULL,                              -- the sender's
    action       text        NOT NULL,
    served_as    text,                                              -- another action in its place
    quantity     bigint      NOT NULL CONSTRAINT holds_quantity CHECK (quantity > 0),
    credit_type  text        NOT NULL,                              -- of a line that takes nothing
    ways         jsonb       NOT NULL,                              -- of paying, as authorized
    counters     text[]      NOT NULL,                              -- of credits, with limits
    once         text,                                              -- what a capture buys for ever
    window_start timestamptz NOT NULL,                              -- whose counters it moves
    asked_lapse  timestamptz NOT NULL,                              -- as the sender first said
    lapses_at    timestamptz NOT NULL,
    state        text        NOT NULL DEFAULT 'open'
                 CONSTRAINT holds_state CHECK (state IN ('open', 'captured', 'released', 'lapsed')),
    resolved_seq bigint,
    resolved_at  timestamptz,
    captured     bigint,                                            -- the quantity
    taken        jsonb,                                             -- {credit type: micro-credits}
    uncollected  jsonb,                                             -- what there was no credit for
    forgiven     jsonb       NOT NULL DEFAULT '{}',                 -- of it, by corrections
    CONSTRAINT holds_pk PRIMARY KEY (account_id, hold_id),
    CONSTRAINT holds_key UNIQUE (account_id, key),
    CONSTRAINT holds_end UNIQUE (account_id, resolved_seq),
    CONSTRAINT holds_resolved CHECK ((state = 'open') = (resolved_seq IS NULL)
                                     AND (state = 'open') = (resolved_at IS NULL)),
    CONSTRAINT holds_captured CHECK ((state = 'captured') = (captured IS NOT NULL)
                                     AND (state = 'captured') = (taken IS NOT NULL)),
    CONSTRAINT holds_in_time CHECK (resolved_at <= lapses_at
                                    AND (state = 'lapsed') = (resolved_at = lapses_at))
);
CREATE INDEX holds_open ON holds (account_id, lapses_at) WHERE state = 'open';

CREATE TABLE hold_lines (
    account_id   bigint      NOT NULL,
    hold_id      bigint      NOT NULL,
    line         smallint    NOT NULL,                              -- in burn order
    grant_id     bigint      NOT NULL,
    credit_type  text        NOT NULL,
    amount       bigint      NOT NULL CONSTRAINT hold_lines_amount CHECK (amount > 0),
    CONSTRAINT hold_lines_pk PRIMARY KEY (account_id, hold_id, grant_id),
    CONSTRAINT hold_lines_hold FOREIGN KEY (account_id, hold_id) REFERENCES holds,
    CONSTRAINT hold_lines_grant FOREIGN KEY (account_id, grant_id) REFERENCES grants
);
