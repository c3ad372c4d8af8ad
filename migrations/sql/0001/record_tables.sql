-- Beside the journal: money, and what people were told, asked and found.

-- Money, double entry beside the journal: every transfer sums to zero (debits positive).
CREATE TABLE postings (
    account_id   bigint      NOT NULL REFERENCES wallets,
    transfer_id  bigint      NOT NULL,
    line         smallint    NOT NULL,
    book         book        NOT NULL,
    amount_minor bigint      NOT NULL CONSTRAINT postings_amount CHECK (amount_minor <> 0),
    currency     text        NOT NULL,
    cause        text        NOT NULL,
    charge_id    text,
    grant_id     bigint,
    at           timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT postings_pk PRIMARY KEY (account_id, transfer_id, line)
);

-- Money sent back. `asked` until the processor has confirmed it; `failed` undoes it. A state only
-- ever moves on in this order, so that messages may come in any.
CREATE TABLE refunds (
    account_id   bigint      NOT NULL,
    refund_id    text        NOT NULL
                 CONSTRAINT refunds_id_length CHECK (length(refund_id) BETWEEN 1 AND 200),
    charge_id    text        NOT NULL,
    amount_minor bigint      NOT NULL CONSTRAINT refunds_amount CHECK (amount_minor > 0),
    state        text        NOT NULL
                 CONSTRAINT refunds_state CHECK (state IN ('asked', 'made', 'failed')),
    reason       text,                                              -- NULL: made at the processor
    made_by      text,
    at           timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT refunds_pk PRIMARY KEY (account_id, refund_id),
    CONSTRAINT refunds_charge FOREIGN KEY (account_id, charge_id) REFERENCES charges
);
CREATE INDEX refunds_of_charge ON refunds (account_id, charge_id);

-- Money that a bank took back. `won` is final and puts it back, `lost` leaves it gone.
CREATE TABLE disputes (
    account_id   bigint      NOT NULL,
    dispute_id   text        NOT NULL
                 CONSTRAINT disputes_id_length CHECK (length(dispute_id) BETWEEN 1 AND 200),
    charge_id    text        NOT NULL,
    amount_minor bigint      NOT NULL CONSTRAINT disputes_amount CHECK (amount_minor > 0),
    state        text        NOT NULL
                 CONSTRAINT disputes_state CHECK (state IN ('open', 'lost', 'won')),
    at           timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT disputes_pk PRIMARY KEY (account_id, dispute_id),
    CONSTRAINT disputes_charge FOREIGN KEY (account_id, charge_id) REFERENCES charges
);
CREATE INDEX disputes_of_charge ON disputes (account_id, charge_id);

-- What people read inside the product.
CREATE TABLE notices (
    account_id  bigint      NOT NULL REFERENCES wallets,
    notice_id   text        NOT NULL,
    kind        text        NOT NULL
                CONSTRAINT notices_kind CHECK (kind IN ('low_balance', 'credits_expiring')),
    payload     jsonb       NOT NULL,
    at          timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    read_at     timestamptz,
    CONSTRAINT notices_pk PRIMARY KEY (account_id, notice_id)
);

-- Usage that was sent without waiting for an answer and was refused: people can read why.
CREATE TABLE refusals (
    account_id  bigint      NOT NULL REFERENCES wallets,
    refusal_id  text        NOT NULL,
    key         text,
    reason      text        NOT NULL,
    request     text        NOT NULL,                               -- as it came, shortened
    at          timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT refusals_pk PRIMARY KEY (account_id, refusal_id)
);
CREATE INDEX refusals_recent ON refusals (recorded_at);

-- What a request did whose sender named it (`X-Request-Id`), and what an act over HTTP did: lines
-- of the journal by `seq`, and charges. A table of its own: most events come without a name.
CREATE TABLE named_requests (
    account_id  bigint      NOT NULL,
    seq         bigint      NOT NULL DEFAULT 0,    -- 0: a charge
    charge_id   text        NOT NULL DEFAULT '',   -- '': lines of the journal
    request_id  text        NOT NULL CONSTRAINT named_requests_length
                            CHECK (length(request_id) BETWEEN 1 AND 64),
    CONSTRAINT named_requests_pk PRIMARY KEY (account_id, seq, charge_id),
    CONSTRAINT named_requests_one CHECK ((seq = 0) <> (charge_id = ''))
);
CREATE INDEX named_requests_by_name ON named_requests (request_id);

-- What the outside must be told, written in the transaction that caused it; delivered at least
-- once.
CREATE TABLE outbox (
    account_id   bigint      NOT NULL REFERENCES wallets,
    message_key  text        NOT NULL,
    topic         text        NOT NULL
                  CONSTRAINT outbox_topic CHECK (topic IN ('crossing', 'mail', 'alert', 'finding')),
    payload      jsonb       NOT NULL,
    recorded_at  timestamptz NOT NULL DEFAULT now(),
    delivered_at timestamptz,
    refused      text,                                              -- why it will never arrive
    CONSTRAINT outbox_pk PRIMARY KEY (account_id, message_key)
);
CREATE INDEX outbox_waiting ON outbox (topic, recorded_at) WHERE delivered_at IS NULL;

-- The people of a customer. What limits them is in `limits`, which the lock reads; here it is as it
-- was set, also while a restriction stands before it. Who was removed stays, for the history.
CREATE TABLE members (
    account_id  bigint      NOT NULL REFERENCES wallets,
    member_id   text        NOT NULL
                CONSTRAINT members_id_length CHECK (length(member_id) BETWEEN 1 AND 64),
    name        text        NOT NULL,
    email       text        NOT NULL,
    role        text        NOT NULL CONSTRAINT members_role CHECK (role IN ('admin', 'member')),
    restricted  boolean     NOT NULL DEFAULT false,
    limits      jsonb       NOT NULL DEFAULT '{}',                  -- {credit type: micro-credits}
    removed_at  timestamptz,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT members_pk PRIMARY KEY (account_id, member_id)
);

-- What members ask admins for. A request waits without a hold; its first end is the only one.
CREATE TABLE approvals (
    account_id      bigint      NOT NULL REFERENCES wallets,
    key             text        NOT NULL
                    CONSTRAINT approvals_key_length CHECK (length(key) BETWEEN 1 AND 200),
    subscription_id text        NOT NULL,
    kind            text        NOT NULL
                    CONSTRAINT approvals_kind CHECK (kind IN ('operation', 'credits')),
    member_id       text        NOT NULL,                           -- who asks
    wish            jsonb       NOT NULL,                           -- as it was sent
    credit_type     text        NOT NULL,
    amount          bigint      NOT NULL  -- when asked
                    CONSTRAINT approvals_amount CHECK (amount > 0),
    state           text        NOT NULL DEFAULT 'waiting' CONSTRAINT approvals_state
                                CHECK (state IN ('waiting', 'approved', 'refused', 'lapsed')),
    asked_at        timestamptz NOT NULL,
    lapses_at       timestamptz NOT NULL,
    settled_at      timestamptz,
    decided_by      text,
    reason          text,                                           -- of a refusal
    needed          bigint  -- approved, and a purchase is to cover it
                    CONSTRAINT approvals_needed CHECK (needed > 0),
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT approvals_waits CHECK (needed IS NULL OR state = 'waiting'),
    CONSTRAINT approvals_pk PRIMARY KEY (account_id, key),
    CONSTRAINT approvals_subscription
        FOREIGN KEY (account_id, subscription_id) REFERENCES subscriptions,
    CONSTRAINT approvals_member FOREIGN KEY (account_id, member_id) REFERENCES members,
    CONSTRAINT approvals_decider FOREIGN KEY (account_id, decided_by) REFERENCES members,
    CONSTRAINT approvals_lapse CHECK (asked_at < lapses_at),
    CONSTRAINT approvals_settled CHECK ((state = 'waiting') = (settled_at IS NULL)),
    CONSTRAINT approvals_decided
        CHECK ((state IN ('approved', 'refused')) = (decided_by IS NOT NULL)),
    CONSTRAINT approvals_two_people CHECK (decided_by <> member_id),
    CONSTRAINT approvals_in_time CHECK (settled_at <= lapses_at
                                        AND (state = 'lapsed') = (settled_at = lapses_at))
);

-- What operators must look at: facts that no rule settles. They may be of no customer that we know,
-- so that nothing is referenced. What was settled once is never found again under its key.
CREATE TABLE findings (
    key             text        NOT NULL CONSTRAINT findings_pk PRIMARY KEY
                    CONSTRAINT findings_key_length CHECK (length(key) BETWEEN 1 AND 500),
    kind            text        NOT NULL CONSTRAINT findings_kind CHECK (kind ~ '^[a-z_]{1,40}$'),
    customer_id     text,
    subscription_id text,
    charge_id       text,
    processor_id    text,
    detail          text        NOT NULL,
    at              timestamptz NOT NULL,
    settled_by      text,
    settled_reason  text,
    settled_at      timestamptz,
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT findings_ids
        CHECK ('' <> ALL (ARRAY[customer_id, subscription_id, charge_id, processor_id])),
    CONSTRAINT findings_settled CHECK (num_nulls(settled_by, settled_reason, settled_at) IN (0, 3))
);
CREATE INDEX findings_open ON findings (subscription_id) WHERE settled_at IS NULL;
CREATE INDEX findings_of_charge ON findings (charge_id) WHERE settled_at IS NULL;
