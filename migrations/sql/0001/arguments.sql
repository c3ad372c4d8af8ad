-- What functions may be asked. A function's argument of one of these types is looked at before the
-- function begins: what nobody means is refused by name, and nothing has moved. What may be missing
-- has a plain type. Column domains, which only say what is kept, are in tables.sql.

-- Ids, keys, kinds and codes.
CREATE DOMAIN a_name AS text NOT NULL CONSTRAINT a_name_length CHECK (length(value) <= 500);
CREATE DOMAIN a_name_if_any AS text CONSTRAINT a_name_if_any_length CHECK (length(value) <= 500);
CREATE DOMAIN some_names AS text[] NOT NULL
    CONSTRAINT some_names_given CHECK (num_nulls(VARIADIC value) = 0)
    CONSTRAINT some_names_length CHECK (array_to_string(value, e'\n') !~ '([^\n]{250}){2}[^\n]');
-- What people write.
CREATE DOMAIN wording AS text NOT NULL CONSTRAINT wording_length CHECK (length(value) <= 10000);
CREATE DOMAIN an_account AS bigint NOT NULL;
CREATE DOMAIN a_choice AS boolean NOT NULL;
-- No instant that a client could not read back, with room for what is reckoned from it.
CREATE DOMAIN an_instant AS timestamptz NOT NULL
    CONSTRAINT an_instant_readable CHECK (value >= '0001-01-01Z' AND value < '9990-01-01Z');
CREATE DOMAIN an_expiry AS timestamptz NOT NULL
    CONSTRAINT an_expiry_readable
    CHECK (value >= '0001-01-01Z' AND (value < '10000-01-01Z' OR value = 'infinity'));
CREATE DOMAIN some_instants AS timestamptz[] NOT NULL
    CONSTRAINT some_instants_given CHECK (num_nulls(VARIADIC value) = 0)
    CONSTRAINT some_instants_readable
    CHECK ('0001-01-01Z' <= ALL (value) AND '9990-01-01Z' > ALL (value));
CREATE DOMAIN a_while AS interval NOT NULL
    CONSTRAINT a_while_positive CHECK (value > '0' AND value <= '3660 days');
-- Micro-credits, up to 10^12 credits; minor units of money, so that thousands of them add up.
CREATE DOMAIN some_credits AS bigint NOT NULL
    CONSTRAINT some_credits_size CHECK (value BETWEEN 1 AND 1000000000000000000);
CREATE DOMAIN credits_or_none AS bigint NOT NULL
    CONSTRAINT credits_or_none_size CHECK (value BETWEEN 0 AND 1000000000000000000);
CREATE DOMAIN some_money AS bigint NOT NULL
    CONSTRAINT some_money_size CHECK (value BETWEEN 0 AND 1000000000000000);
CREATE DOMAIN a_priority AS integer NOT NULL
    CONSTRAINT a_priority_size CHECK (value BETWEEN -32768 AND 32767);
CREATE DOMAIN a_count AS integer NOT NULL
    CONSTRAINT a_count_size CHECK (value BETWEEN 0 AND 1000000);
-- {credit type: micro-credits}
CREATE DOMAIN credits_by_type AS jsonb NOT NULL
    CONSTRAINT credits_by_type_object CHECK (jsonb_typeof(value) = 'object')
    CONSTRAINT credits_by_type_size CHECK (NOT value @?
        '$.* ? (@.type() != "number" || @ < 0 || @ > 1000000000000000000 || @ != @.floor())');
