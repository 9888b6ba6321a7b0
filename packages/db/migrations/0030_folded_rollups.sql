-- Bases older than the late window are folded (docs/adr/0039): several become one, and all its rows have the first of its
-- cohorts, so that a campaign has few rows a day. Which events it counts is as before; late ones change its rows.
ALTER TABLE rollup_bases ADD COLUMN folded_at timestamptz
  CONSTRAINT base_folded_is_taken CHECK (folded_at IS NULL OR first_cohort >= 0);

CREATE INDEX rollup_bases_unfolded ON rollup_bases (version, first_cohort) WHERE folded_at IS NULL AND first_cohort >= 0;

-- A report costs what it shows: the days of one campaign, or of all. Folding frees old blocks for new rows, so that blocks
-- are no longer in the order of hours, by which 0028 left them out. By the day and not the hour, as many rows share an entry,
-- which costs some bytes a row; days are those of the views.
CREATE INDEX rollup_by_campaign_of_day ON rollup_by_campaign (version, ((hour AT TIME ZONE 'UTC')::date));
CREATE INDEX rollup_by_campaign_by_day ON rollup_by_campaign (version, campaign_id, ((hour AT TIME ZONE 'UTC')::date));
CREATE INDEX rollup_by_creative_of_day ON rollup_by_creative (version, ((hour AT TIME ZONE 'UTC')::date));
CREATE INDEX rollup_by_creative_by_day ON rollup_by_creative (version, campaign_id, ((hour AT TIME ZONE 'UTC')::date));
CREATE INDEX rollup_by_placement_of_day ON rollup_by_placement (version, ((hour AT TIME ZONE 'UTC')::date));
CREATE INDEX rollup_by_placement_by_day ON rollup_by_placement (version, campaign_id, ((hour AT TIME ZONE 'UTC')::date));
DROP INDEX rollup_by_campaign_by_hour, rollup_by_creative_by_hour, rollup_by_placement_by_hour;

INSERT INTO schema_versions VALUES (30, 8);
