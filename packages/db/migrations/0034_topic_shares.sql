-- Which partitions of a topic this database counts, where another database counts the others (docs/adr/0041). A topic
-- without a row is counted whole.
CREATE TABLE topic_shares (
  topic      text PRIMARY KEY,
  partitions int[] NOT NULL CHECK (cardinality(partitions) > 0 AND 0 <= ALL (partitions)),
  noted_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Whoever asks, builds that know of no shares too: an event would be counted in two databases.
CREATE FUNCTION refuse_partition_of_another_database() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM public.topic_shares t WHERE t.topic = NEW.topic AND NEW.partition <> ALL (t.partitions)) THEN
    RAISE EXCEPTION 'partition % of topic % is another database''s: it is not in topic_shares', NEW.partition, NEW.topic;
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER sources_of_this_database
  BEFORE INSERT ON sources FOR EACH ROW WHEN (NEW.kind = 'events')
  EXECUTE FUNCTION refuse_partition_of_another_database();

INSERT INTO schema_versions VALUES (34, 8);
