-- Keys of programs that call the API. Only the digest of a key is kept, so that nobody who reads
-- this table, or a backup of it, can call with one. Of no account: a key is of one price list or of
-- all, and is looked up before any customer is known.
CREATE TABLE api_keys (
    key_id       text        NOT NULL CONSTRAINT api_keys_id CHECK (key_id ~ '^[a-z0-9]{12}$'),
    digest       bytea       NOT NULL     -- SHA-256 of the whole key
                 CONSTRAINT api_keys_digest_length CHECK (octet_length(digest) = 32),
    name         text        NOT NULL
                 CONSTRAINT api_keys_name CHECK (char_length(name) BETWEEN 1 AND 200),
    scopes       text[]      NOT NULL
                 CONSTRAINT api_keys_scopes CHECK (cardinality(scopes) > 0 AND
                     scopes <@ ARRAY['usage', 'read', 'customer', 'operator', 'admin']),
    catalog      text        CONSTRAINT api_keys_catalog CHECK (catalog <> ''),  -- NULL: all
    created_at   timestamptz NOT NULL,
    created_by   text        NOT NULL CONSTRAINT api_keys_created_by CHECK (created_by <> ''),
    last_used_at timestamptz,             -- to the minute
    expires_at   timestamptz,             -- of a replaced key
    replaced_by  text        CONSTRAINT api_keys_replaced_by CHECK (replaced_by <> key_id),
    revoked_at   timestamptz,
    revoked_by   text        CONSTRAINT api_keys_revoked_by CHECK (revoked_by <> ''),
    CONSTRAINT api_keys_pk PRIMARY KEY (key_id),
    CONSTRAINT api_keys_digest UNIQUE (digest),
    CONSTRAINT api_keys_replaced CHECK ((expires_at IS NULL) = (replaced_by IS NULL)),
    CONSTRAINT api_keys_revoked CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
);
