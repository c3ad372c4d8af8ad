-- What was used on a day that is over, by action and tags, in micro-credits and millionths; each
-- list has a place for each sum. NULL: looked at and not kept, since its lines are as soon read.
CREATE TABLE summed_days (
    account_id   bigint    NOT NULL,
    after        bigint    NOT NULL,                         -- the last entry before it
    upto         bigint    NOT NULL,                         -- its own last
    actions      text[],
    tags         jsonb[],                                    -- NULL in it: without any
    credit_types text[],
    events       bigint[],
    quantities   numeric[],
    credits      numeric[],
    CONSTRAINT summed_days_pk PRIMARY KEY (account_id, upto, after),
    CONSTRAINT summed_days_account_id_fkey FOREIGN KEY (account_id) REFERENCES wallets,
    CONSTRAINT summed_days_entries CHECK (after >= 0 AND after < upto),
    CONSTRAINT summed_days_sums CHECK (
        num_nulls(actions, tags, credit_types, events, quantities, credits) = 6
        OR (cardinality(actions) > 0
            AND (cardinality(tags), cardinality(credit_types), cardinality(events),
                 cardinality(quantities), cardinality(credits))
                IS NOT DISTINCT FROM
                (cardinality(actions), cardinality(actions), cardinality(actions),
                 cardinality(actions), cardinality(actions))))
);

CREATE TRIGGER summed_days_append_only BEFORE UPDATE OR DELETE ON summed_days
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER summed_days_no_truncate BEFORE TRUNCATE ON summed_days
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
