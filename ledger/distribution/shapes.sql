-- A CHECK of a whole row names the type of its table, and every shard has a type of its own. These
-- triggers ask the same laws. After, not before: one before an update locks the row once more.
CREATE FUNCTION grants_stay_sound() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM grant_is_sound(ROW(new.*)::grants);
    RETURN NULL;
END $$

CREATE FUNCTION entries_stay_sound() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM entry_is_sound(ROW(new.*)::entries);
    RETURN NULL;
END $$

REVOKE EXECUTE ON FUNCTION grants_stay_sound, entries_stay_sound FROM PUBLIC

ALTER TABLE grants DROP CONSTRAINT grants_sound

ALTER TABLE entries DROP CONSTRAINT entries_sound

CREATE TRIGGER grants_stay_sound AFTER INSERT OR UPDATE ON grants
    FOR EACH ROW EXECUTE FUNCTION grants_stay_sound()

CREATE TRIGGER entries_stay_sound AFTER INSERT ON entries
    FOR EACH ROW EXECUTE FUNCTION entries_stay_sound()
