-- What is written once a letter or more often names rows that are never deleted: it takes a statement to forbid that, where a
-- foreign key looks at the other table for each row, which was a quarter of what a letter costs PostgreSQL (docs/adr/0057). Whether
-- the rows named are there is asked by the audit ('dead-letter-refs', 'letters-copied', I6), as it is of events.
CREATE FUNCTION refuse_deletion() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'rows of % are never deleted: others name them', TG_TABLE_NAME;
END $$;

REVOKE ALL ON FUNCTION refuse_deletion() FROM PUBLIC;

CREATE TRIGGER sources_stay
  BEFORE DELETE OR TRUNCATE ON sources FOR EACH STATEMENT EXECUTE FUNCTION refuse_deletion();
CREATE TRIGGER dead_letters_stay
  BEFORE DELETE OR TRUNCATE ON dead_letters FOR EACH STATEMENT EXECUTE FUNCTION refuse_deletion();

ALTER TABLE dead_letter_refs DROP CONSTRAINT dead_letter_refs_source_id_fkey;
ALTER TABLE dead_letters
  DROP CONSTRAINT dead_letters_source_id_fkey,
  DROP CONSTRAINT dead_letters_dlq_source_id_fkey;
ALTER TABLE dead_letter_records DROP CONSTRAINT dead_letter_records_letter_id_fkey;
ALTER TABLE dead_letter_attempts
  DROP CONSTRAINT dead_letter_attempts_letter_id_fkey,
  DROP CONSTRAINT dead_letter_attempts_source_id_fkey;

INSERT INTO schema_versions VALUES (38, 8);
