-- Which rollups a version keeps: those that the build knew which made it. Never changes, as what a version means
-- never does: a rollup declared later comes with a version of its own, backfilled before readers see it.
-- The default is what every build before this one keeps.
ALTER TABLE rollup_versions
  ADD COLUMN rollups text[] NOT NULL DEFAULT '{campaign,creative,placement}' CHECK (cardinality(rollups) > 0);

INSERT INTO schema_versions VALUES (11, 8);
