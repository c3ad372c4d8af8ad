-- What the seller's own systems are told: facts, the addresses that hear of them, and how each
-- delivery went.

-- One row per fact, written as the transaction that caused it ends, under its wallet's lock: within
-- an account the numbers are in the order of the commits. Across accounts a later number may be
-- committed first; `position` is given afterwards, by one at a time, so that whoever reads on from
-- one misses nothing.
CREATE TABLE webhook_events (
    account_id      bigint      NOT NULL REFERENCES wallets,
    number          bigint      GENERATED ALWAYS AS IDENTITY,
    type            text        NOT NULL CONSTRAINT webhook_events_type CHECK (type IN (
        'balance.low', 'balance.exhausted', 'balance.restored', 'credits.granted',
        'credits.expiring', 'credits.expired', 'purchase.paid', 'purchase.declined',
        'subscription.started', 'subscription.renewed', 'subscription.past_due',
        'subscription.paused', 'subscription.resumed', 'subscription.plan_changed',
        'subscription.canceled', 'subscription.uncanceled',
        'subscription.ended', 'approval.requested', 'approval.decided',
        'refund.made', 'dispute.opened', 'dispute.closed')),
    catalog         text,                                  -- NULL: of no subscription
    credit_type     text,                                  -- that the fact is about, if it is one
    seq             bigint      NOT NULL,                  -- of the journal, when it was written
    at              timestamptz NOT NULL,
    payload         jsonb       NOT NULL,                  -- as it is sent
    position        bigint      CONSTRAINT webhook_events_position CHECK (position > 0),
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT webhook_events_pk PRIMARY KEY (account_id, number)
);
CREATE INDEX webhook_events_fresh ON webhook_events (number) WHERE position IS NULL;
CREATE INDEX webhook_events_published ON webhook_events (position) WHERE position IS NOT NULL;
-- Whether a balance was last said to be exhausted.
CREATE INDEX webhook_events_balance ON webhook_events (account_id, credit_type, number)
    WHERE type IN ('balance.exhausted', 'balance.restored');

-- Addresses of the seller. No account has a part in them. The secret must be there in plain to sign
-- with; the old one signs as well until its time is over.
CREATE TABLE webhook_endpoints (
    endpoint_id   text        NOT NULL CONSTRAINT webhook_endpoints_pk PRIMARY KEY
                  CONSTRAINT webhook_endpoints_id CHECK (endpoint_id ~ '^we_[a-z0-9]{16}$'),
    url           text        NOT NULL
                  CONSTRAINT webhook_endpoints_url CHECK (length(url) BETWEEN 8 AND 2000),
    secret        text                                     -- forgotten when it is deleted
                  CONSTRAINT webhook_endpoints_secret CHECK (secret ~ '^whsec_.{32,}$'),
    old_secret    text,
    old_until     timestamptz,
    types         text[]                                   -- NULL: all
                  CONSTRAINT webhook_endpoints_types CHECK (types <> '{}'),
    catalog       text,                                    -- NULL: of all
    owner_email   text        NOT NULL,
    state         text        NOT NULL DEFAULT 'on'
                  CONSTRAINT webhook_endpoints_state CHECK (state IN ('on', 'off')),
    off_because   text        CONSTRAINT webhook_endpoints_because
                  CHECK (off_because IN ('by_hand', 'gone', 'failing', 'deleted')),
    off_at        timestamptz,
    failing_since timestamptz,                             -- of the first failure since a success
    rests_until   timestamptz,                             -- it asked for time
    created_at    timestamptz NOT NULL,
    CONSTRAINT webhook_endpoints_old CHECK (num_nulls(old_secret, old_until) IN (0, 2)),
    CONSTRAINT webhook_endpoints_deleted
        CHECK ((secret IS NULL) = (off_because IS NOT DISTINCT FROM 'deleted')),
    CONSTRAINT webhook_endpoints_off
        CHECK ((state = 'off') = (off_because IS NOT NULL)
               AND (state = 'off') = (off_at IS NOT NULL))
);

-- One per event and endpoint, so that a slow endpoint delays nobody. Real time, not the customer's:
-- receivers live in it. What a receiver answered is not kept, beyond its status.
CREATE TABLE webhook_deliveries (
    account_id   bigint      NOT NULL,
    number       bigint      NOT NULL,
    endpoint_id  text        NOT NULL,
    state        text        NOT NULL DEFAULT 'waiting'
                 CONSTRAINT webhook_deliveries_state
                 CHECK (state IN ('waiting', 'delivered', 'failed')),
    attempts     integer     NOT NULL DEFAULT 0
                 CONSTRAINT webhook_deliveries_attempts CHECK (attempts >= 0),
    next_at      timestamptz NOT NULL,                     -- of a claimed one: when it lapses
    last_status  integer,                                  -- of HTTP; NULL: there was no answer
    last_failure text,                                     -- a word of ours, never the answer
    delivered_at timestamptz,
    recorded_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT webhook_deliveries_pk PRIMARY KEY (account_id, number, endpoint_id),
    CONSTRAINT webhook_deliveries_event FOREIGN KEY (account_id, number) REFERENCES webhook_events,
    CONSTRAINT webhook_deliveries_done CHECK ((state = 'delivered') = (delivered_at IS NOT NULL))
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint_id, next_at)
    WHERE state = 'waiting';
-- The list of what one endpoint was sent, the newest first.
CREATE INDEX webhook_deliveries_listed ON webhook_deliveries (endpoint_id, number);
