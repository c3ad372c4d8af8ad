-- People who run the engine. They sign in with a password of their own, or are somebody of an
-- identity provider: `subject` of `issuer`. Who is neither signs in no more.
CREATE TABLE operators (
    email        text        NOT NULL CONSTRAINT operators_email
                             CHECK (email = lower(email) AND length(email) BETWEEN 3 AND 200),
    name         text        NOT NULL CONSTRAINT operators_name
                             CHECK (length(name) BETWEEN 1 AND 100),
    role         text        NOT NULL CONSTRAINT operators_role
                             CHECK (role IN ('support', 'finance', 'admin')),
    password     text,                            -- an Argon2 hash
    issuer       text,
    subject      text,
    epoch        integer     NOT NULL DEFAULT 0,  -- one session's is no other's: a change ends all
    failures     integer     NOT NULL DEFAULT 0,  -- in a row
    locked_until timestamptz,
    created_by   text        NOT NULL,
    created_at   timestamptz NOT NULL,
    disabled_at  timestamptz,
    recorded_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT operators_pk PRIMARY KEY (email),
    CONSTRAINT operators_subject UNIQUE (issuer, subject),  -- whoever it is has one address here
    CONSTRAINT operators_identity CHECK ((issuer IS NULL) = (subject IS NULL))
);

-- What operators do where the act itself has no place for who and why, and what waits for a second
-- person. `asked` and `done`: by one person alone. Whoever proposes never decides.
CREATE TABLE operator_acts (
    account_id  bigint      NOT NULL REFERENCES wallets,
    act_id      text        NOT NULL CONSTRAINT operator_acts_id
                            CHECK (length(act_id) BETWEEN 1 AND 64),
    act         text        NOT NULL CONSTRAINT operator_acts_act
                            CHECK (act IN ('adjust', 'retry', 'bonus', 'end', 'uncancel')),
    content     jsonb       NOT NULL CONSTRAINT operator_acts_content
                            CHECK (jsonb_typeof(content) = 'object'),
    made_by     text        NOT NULL,
    reason      text        NOT NULL CONSTRAINT operator_acts_reason
                            CHECK (length(reason) BETWEEN 1 AND 200),
    at          timestamptz NOT NULL,
    seconded    boolean     NOT NULL,          -- whether it needs a second person
    state       text        NOT NULL CONSTRAINT operator_acts_state CHECK (
        state = ANY (CASE WHEN seconded THEN ARRAY['waiting', 'confirmed', 'refused', 'done']
                          ELSE ARRAY['asked', 'done'] END)),
    decided_by  text        CONSTRAINT operator_acts_two_people CHECK (decided_by <> made_by),
    decided_at  timestamptz,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT operator_acts_pk PRIMARY KEY (account_id, act_id),
    CONSTRAINT operator_acts_proposed CHECK (
        NOT seconded OR coalesce(content ->> 'credits' ~ '^[+-]?[0-9]', false)),
    CONSTRAINT operator_acts_decided CHECK (
        (state IN ('confirmed', 'refused') OR seconded AND state = 'done')
            = (decided_by IS NOT NULL)
        AND (decided_by IS NULL) = (decided_at IS NULL))
);
CREATE INDEX operator_acts_seconded ON operator_acts (at) WHERE seconded;
