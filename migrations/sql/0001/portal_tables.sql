-- Links that open the customer's console once. They are looked up before any customer is known.
CREATE TABLE portal_sessions (
    digest      bytea       NOT NULL,  -- of the link's token, which is shown once
    account_id  bigint      NOT NULL,
    member_id   text,                  -- NULL: the customer's own, who may do all
    page        text        NOT NULL,
    return_url  text        CONSTRAINT portal_sessions_return_url
                            CHECK (length(return_url) BETWEEN 1 AND 2000),
    expires_at  timestamptz NOT NULL,
    opened_at   timestamptz,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT portal_sessions_pk PRIMARY KEY (digest)
);
