-- People who run the engine and sign in with a password of their own.
CREATE TABLE operators (
    email        text        NOT NULL CONSTRAINT operators_email
                             CHECK (email = lower(email) AND length(email) BETWEEN 3 AND 200),
    name         text        NOT NULL CONSTRAINT operators_name
                             CHECK (length(name) BETWEEN 1 AND 100),
    role         text        NOT NULL CONSTRAINT operators_role
                             CHECK (role IN ('support', 'finance', 'admin')),
    password     text        NOT NULL,            -- an Argon2 hash
    epoch        integer     NOT NULL DEFAULT 0,  -- grows with each password: it ends all sessions
    failures     integer     NOT NULL DEFAULT 0,  -- in a row
    locked_until timestamptz,
    created_by   text        NOT NULL,
    created_at   timestamptz NOT NULL,
    disabled_at  timestamptz,
    recorded_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT operators_pk PRIMARY KEY (email)
);
