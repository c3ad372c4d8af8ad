-- What price lists promised: a plan version, a rate, … each once (domain/pricing/published.py). A
-- re-rate is a new row with an author and a reason; the newest says what holds. No account has a
-- part in it.
CREATE TABLE published (
    catalog     text        NOT NULL CONSTRAINT published_catalog CHECK (catalog <> ''),
    item        text        NOT NULL
                CONSTRAINT published_item CHECK (item ~ '^(plan|rate|action|bonus|list) '),
    revision    bigint      NOT NULL CONSTRAINT published_revision CHECK (revision > 0),
    terms       jsonb       -- NULL: no longer promised
                CONSTRAINT published_terms CHECK (jsonb_typeof(terms) = 'object'),
    made_by     text        -- NULL: a worker, at its start
                CONSTRAINT published_made_by CHECK (made_by <> ''),
    reason      text        CONSTRAINT published_reason CHECK (reason <> ''),
    at          timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT published_pk PRIMARY KEY (catalog, item, revision),
    CONSTRAINT published_re_rate CHECK ((made_by IS NULL) = (reason IS NULL))
);
