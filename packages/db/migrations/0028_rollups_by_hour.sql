-- A report asks for days, and rows lie in the order of their cohorts: near enough to that of their hours for blocks to be
-- left out by them. Without it a report of one day reads all that was ever summed up. Several ranges a block, since some
-- conversions come days after their impression. Costs kilobytes, and a write only where a block is new.
CREATE INDEX rollup_by_campaign_by_hour ON rollup_by_campaign
  USING brin (hour timestamptz_minmax_multi_ops) WITH (pages_per_range = 64, autosummarize = on);
CREATE INDEX rollup_by_creative_by_hour ON rollup_by_creative
  USING brin (hour timestamptz_minmax_multi_ops) WITH (pages_per_range = 64, autosummarize = on);
CREATE INDEX rollup_by_placement_by_hour ON rollup_by_placement
  USING brin (hour timestamptz_minmax_multi_ops) WITH (pages_per_range = 64, autosummarize = on);

INSERT INTO schema_versions VALUES (28, 8);
