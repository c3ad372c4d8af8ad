-- History is never edited: corrections are new rows. Refused for everyone, owners included.
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: correct it with a new row', tg_table_name
        USING ERRCODE = 'DD001';
END $$;

CREATE OR REPLACE FUNCTION transfer_sums_to_zero() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM postings p
        WHERE p.account_id = new.account_id AND p.transfer_id = new.transfer_id
        GROUP BY p.currency HAVING sum(p.amount_minor) <> 0
    ) THEN
        RAISE EXCEPTION 'transfer % of account % does not sum to zero',
            new.transfer_id, new.account_id USING ERRCODE = 'DD002';
    END IF;
    RETURN NULL;
END $$;
