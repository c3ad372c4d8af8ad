-- Requests of the HTTP door that carry a key, and their first answers, for ever. They belong to no
-- account: a request may name none, and its key must be known before its customer is.
CREATE TABLE kept_requests (
    catalog     text        NOT NULL,  -- '': the sender's key holds for all
    key         text        NOT NULL CONSTRAINT kept_requests_key_length
                            CHECK (length(key) BETWEEN 1 AND 200),
    address     text        NOT NULL,  -- method and path
    digest      bytea       NOT NULL,  -- of the body's content
    attempt     text        NOT NULL,  -- kept when an abandoned request is taken over
    begun_at    timestamptz NOT NULL,
    status      integer,
    answer      bytea,
    answered_at timestamptz,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    request_id  text,                  -- of the request that began it
    CONSTRAINT kept_requests_pk PRIMARY KEY (catalog, key),
    CONSTRAINT kept_requests_answered
        CHECK (num_nulls(status, answer, answered_at) IN (0, 3))
);
CREATE INDEX kept_requests_by_name ON kept_requests (request_id);
