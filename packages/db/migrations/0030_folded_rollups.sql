-- Bases older than the late window are folded (docs/adr/0039): several become one, and all its rows have the first of its
-- cohorts, so that a campaign has few rows a day. Which events it counts is as before; late ones change its rows.
ALTER TABLE rollup_bases ADD COLUMN folded_at timestamptz
  CONSTRAINT base_folded_is_taken CHECK (folded_at IS NULL OR first_cohort >= 0);

CREATE INDEX rollup_bases_unfolded ON rollup_bases (version, first_cohort) WHERE folded_at IS NULL AND first_cohort >= 0;

-- Sums by day of UTC beside the rollups' rows by hour, so that a report reads a row a day and campaign (docs/adr/0046).
-- A rollup's day tables hold, exactly, the sums of its rows that are marked `in_days`: those of folded bases. Rows that
-- are not marked are read beside them. Triggers keep this true whoever writes, builds of before too, which mark nothing.

-- The version's day, dimension and currency; a row means that something is summed up there.
CREATE PROCEDURE keep_days_of(p_rollup text, p_dimensions text[])
LANGUAGE plpgsql AS $$
DECLARE
  v_hours text := 'rollup_by_' || p_rollup;
  v_days text := 'rollup_days_by_' || p_rollup;
  v_columns text;
BEGIN
  SELECT string_agg(format('%I %s%s NOT NULL', a.attname, format_type(a.atttypid, a.atttypmod),
                           CASE WHEN a.atttypid = 'text'::regtype THEN ' COLLATE "C"' ELSE '' END),
                    ', ' ORDER BY a.attlen <= 0, a.attnum)
  INTO v_columns
  FROM pg_attribute a
  WHERE a.attrelid = v_hours::regclass AND a.attnum > 0 AND NOT a.attisdropped
    AND a.attname NOT IN ('version', 'cohort', 'hour', 'in_days');
  EXECUTE format('CREATE TABLE %I (version int NOT NULL, day date NOT NULL, %s, PRIMARY KEY (version, campaign_id, day%s, currency))
                  WITH (fillfactor = 90)', v_days, v_columns,
                 (SELECT coalesce(string_agg(', ' || quote_ident(d), '' ORDER BY n), '')
                  FROM unnest(p_dimensions) WITH ORDINALITY AS given (d, n) WHERE d <> 'campaign_id'));
  EXECUTE format('CREATE INDEX ON %I (version, day)', v_days);

  -- Each row is in one of two: reports read those by hour that are in no day, and of the others what no day tells.
  EXECUTE format('CREATE INDEX %I ON %I (version, ((hour AT TIME ZONE ''UTC'')::date)) WHERE NOT in_days', v_hours || '_of_day', v_hours);
  EXECUTE format('CREATE INDEX %I ON %I (version, campaign_id, ((hour AT TIME ZONE ''UTC'')::date)) WHERE NOT in_days', v_hours || '_by_day', v_hours);
  EXECUTE format('CREATE INDEX %I ON %I (version, ((hour AT TIME ZONE ''UTC'')::date)) WHERE in_days', v_hours || '_in_day', v_hours);
  EXECUTE format('CREATE INDEX %I ON %I (version, campaign_id, ((hour AT TIME ZONE ''UTC'')::date)) WHERE in_days', v_hours || '_in_days', v_hours);

  EXECUTE format('CREATE TRIGGER inserted_into_days AFTER INSERT ON %I REFERENCING NEW TABLE AS new_rows
                  FOR EACH STATEMENT EXECUTE FUNCTION add_to_rollup_days()', v_hours);
  EXECUTE format('CREATE TRIGGER updated_in_days AFTER UPDATE ON %I REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                  FOR EACH STATEMENT EXECUTE FUNCTION add_to_rollup_days()', v_hours);
  EXECUTE format('CREATE TRIGGER deleted_from_days AFTER DELETE ON %I REFERENCING OLD TABLE AS old_rows
                  FOR EACH STATEMENT EXECUTE FUNCTION add_to_rollup_days()', v_hours);
END $$;
REVOKE ALL ON PROCEDURE keep_days_of(text, text[]) FROM PUBLIC;

-- Adds what a statement changed in marked rows to the days. As the owner: nobody else writes days.
CREATE FUNCTION add_to_rollup_days() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_days text := format('%I.%I', TG_TABLE_SCHEMA, replace(TG_TABLE_NAME, 'rollup_by_', 'rollup_days_by_'));
  v_changed text := CASE TG_OP
    WHEN 'INSERT' THEN 'SELECT 1 AS sign, * FROM new_rows WHERE in_days'
    WHEN 'DELETE' THEN 'SELECT -1 AS sign, * FROM old_rows WHERE in_days'
    ELSE 'SELECT 1 AS sign, * FROM new_rows WHERE in_days UNION ALL SELECT -1, * FROM old_rows WHERE in_days' END;
  v_by_day text := format('(SELECT *, (hour AT TIME ZONE ''UTC'')::date AS day FROM (%s) marked)', v_changed);
  v_changes boolean;
  v_keys text;
  v_measures text[];
BEGIN
  EXECUTE format('SELECT EXISTS (%s)', v_changed) INTO v_changes;
  IF NOT v_changes THEN
    RETURN NULL;
  END IF;
  -- One writer of days at a time: two that meet in several rows would wait for each other.
  PERFORM pg_advisory_xact_lock(4701, 14);
  SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY array_position(i.indkey::int2[], a.attnum)) FILTER (WHERE a.attnum = ANY (i.indkey)),
         array_agg(quote_ident(a.attname)) FILTER (WHERE a.attnum <> ALL (i.indkey))
  INTO v_keys, v_measures
  FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum > 0 AND NOT a.attisdropped
  WHERE i.indrelid = v_days::regclass AND i.indisprimary;
  EXECUTE format('INSERT INTO %s AS d (%s, %s) SELECT %s, %s FROM %s changed GROUP BY %s HAVING %s ORDER BY %s
                  ON CONFLICT (%s) DO UPDATE SET %s',
    v_days, v_keys, array_to_string(v_measures, ', '),
    v_keys, (SELECT string_agg(format('sum(sign * %s)', m), ', ') FROM unnest(v_measures) m), v_by_day, v_keys,
    (SELECT string_agg(format('sum(sign * %s) <> 0', m), ' OR ') FROM unnest(v_measures) m), v_keys,
    v_keys, (SELECT string_agg(format('%1$s = d.%1$s + excluded.%1$s', m), ', ') FROM unnest(v_measures) m));
  -- No row means zero, as by hour.
  IF TG_OP <> 'INSERT' THEN
    EXECUTE format('DELETE FROM %s d USING (SELECT DISTINCT %s FROM %s changed) gone WHERE (%s) = (%s) AND %s',
      v_days, v_keys, v_by_day,
      (SELECT string_agg('d.' || k, ', ') FROM unnest(string_to_array(v_keys, ', ')) k),
      (SELECT string_agg('gone.' || k, ', ') FROM unnest(string_to_array(v_keys, ', ')) k),
      (SELECT string_agg(format('d.%s = 0', m), ' AND ') FROM unnest(v_measures) m));
  END IF;
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION add_to_rollup_days() FROM PUBLIC;

-- One rollup after the other, and what is no longer used first.
DROP INDEX rollup_by_campaign_by_hour;
ALTER TABLE rollup_by_campaign ADD COLUMN in_days boolean NOT NULL DEFAULT false;
CALL keep_days_of('campaign', '{campaign_id}');
DROP INDEX rollup_by_creative_by_hour;
ALTER TABLE rollup_by_creative ADD COLUMN in_days boolean NOT NULL DEFAULT false;
CALL keep_days_of('creative', '{campaign_id, creative_id}');
DROP INDEX rollup_by_placement_by_hour;
ALTER TABLE rollup_by_placement ADD COLUMN in_days boolean NOT NULL DEFAULT false;
CALL keep_days_of('placement', '{campaign_id, placement_id}');

-- What readers ask, as in 0023, of days and of the hours that are in none. The version is asked for in both: joined to them
-- it would find no way into the index of the second.
CREATE OR REPLACE VIEW report_campaign_daily AS
SELECT r.day, r.campaign_id, r.currency,
       sum(r.impressions)::bigint AS impressions, sum(r.clicks)::bigint AS clicks,
       sum(r.click_conversions + r.view_conversions)::bigint AS conversions,
       sum(r.click_conversions)::bigint AS click_conversions,
       sum(r.view_conversions)::bigint AS view_conversions,
       sum(r.spend_micros) AS spend_micros,
       sum(r.click_value_micros + r.view_value_micros) AS value_micros,
       sum(r.unmatched_clicks)::bigint AS unmatched_clicks,
       sum(r.unmatched_conversions)::bigint AS unmatched_conversions,
       sum(r.unmatched_spend_micros) AS unmatched_spend_micros,
       sum(r.unmatched_value_micros) AS unmatched_value_micros,
       sum(r.early_clicks)::bigint AS early_clicks,
       sum(r.early_conversions)::bigint AS early_conversions,
       sum(r.invalid_spend_micros) AS invalid_spend_micros,
       sum(r.invalid_value_micros) AS invalid_value_micros,
       sum(sum(r.clicks)) OVER whole / nullif(sum(sum(r.impressions)) OVER whole, 0) AS ctr,
       sum(sum(r.click_conversions + r.view_conversions)) OVER whole
         / nullif(sum(sum(r.clicks)) OVER whole, 0) AS cvr,
       sum(r.spend_micros) * 1000 / nullif(sum(r.impressions), 0) AS cpm_micros,
       sum(r.spend_micros) / nullif(sum(r.clicks), 0) AS cpc_micros
FROM (
  SELECT day, campaign_id, currency, impressions, clicks, click_conversions, view_conversions, unmatched_clicks,
         unmatched_conversions, early_clicks, early_conversions, spend_micros, click_value_micros,
         view_value_micros, unmatched_spend_micros, unmatched_value_micros, invalid_spend_micros,
         invalid_value_micros
  FROM rollup_days_by_campaign WHERE version = (SELECT p.version FROM rollup_promotion p)
  UNION ALL
  SELECT (hour AT TIME ZONE 'UTC')::date, campaign_id, currency, impressions, clicks, click_conversions, view_conversions, unmatched_clicks,
         unmatched_conversions, early_clicks, early_conversions, spend_micros, click_value_micros,
         view_value_micros, unmatched_spend_micros, unmatched_value_micros, invalid_spend_micros,
         invalid_value_micros
  FROM rollup_by_campaign WHERE NOT in_days AND version = (SELECT p.version FROM rollup_promotion p)
) r
GROUP BY 1, 2, 3
WINDOW whole AS (PARTITION BY r.day, r.campaign_id);

CREATE OR REPLACE VIEW report_creative_daily AS
SELECT r.day, r.campaign_id, r.creative_id, r.currency,
       sum(r.impressions)::bigint AS impressions, sum(r.clicks)::bigint AS clicks,
       sum(r.click_conversions + r.view_conversions)::bigint AS conversions,
       sum(r.spend_micros) AS spend_micros,
       sum(r.click_value_micros + r.view_value_micros) AS value_micros,
       sum(sum(r.clicks)) OVER whole / nullif(sum(sum(r.impressions)) OVER whole, 0) AS ctr,
       sum(sum(r.click_conversions + r.view_conversions)) OVER whole
         / nullif(sum(sum(r.clicks)) OVER whole, 0) AS cvr,
       sum(r.spend_micros) * 1000 / nullif(sum(r.impressions), 0) AS cpm_micros,
       sum(r.spend_micros) / nullif(sum(r.clicks), 0) AS cpc_micros
FROM (
  SELECT day, campaign_id, creative_id, currency, impressions, clicks, click_conversions, view_conversions,
         spend_micros, click_value_micros, view_value_micros
  FROM rollup_days_by_creative WHERE version = (SELECT p.version FROM rollup_promotion p)
  UNION ALL
  SELECT (hour AT TIME ZONE 'UTC')::date, campaign_id, creative_id, currency, impressions, clicks, click_conversions, view_conversions,
         spend_micros, click_value_micros, view_value_micros
  FROM rollup_by_creative WHERE NOT in_days AND version = (SELECT p.version FROM rollup_promotion p)
) r
GROUP BY 1, 2, 3, 4
WINDOW whole AS (PARTITION BY r.day, r.campaign_id, r.creative_id);

CREATE OR REPLACE VIEW report_placement_daily AS
SELECT r.day, r.campaign_id, r.placement_id, r.currency,
       sum(r.impressions)::bigint AS impressions, sum(r.clicks)::bigint AS clicks,
       sum(r.click_conversions + r.view_conversions)::bigint AS conversions,
       sum(r.spend_micros) AS spend_micros,
       sum(r.click_value_micros + r.view_value_micros) AS value_micros,
       sum(sum(r.clicks)) OVER whole / nullif(sum(sum(r.impressions)) OVER whole, 0) AS ctr,
       sum(sum(r.click_conversions + r.view_conversions)) OVER whole
         / nullif(sum(sum(r.clicks)) OVER whole, 0) AS cvr,
       sum(r.spend_micros) * 1000 / nullif(sum(r.impressions), 0) AS cpm_micros,
       sum(r.spend_micros) / nullif(sum(r.clicks), 0) AS cpc_micros
FROM (
  SELECT day, campaign_id, placement_id, currency, impressions, clicks, click_conversions, view_conversions,
         spend_micros, click_value_micros, view_value_micros
  FROM rollup_days_by_placement WHERE version = (SELECT p.version FROM rollup_promotion p)
  UNION ALL
  SELECT (hour AT TIME ZONE 'UTC')::date, campaign_id, placement_id, currency, impressions, clicks, click_conversions, view_conversions,
         spend_micros, click_value_micros, view_value_micros
  FROM rollup_by_placement WHERE NOT in_days AND version = (SELECT p.version FROM rollup_promotion p)
) r
GROUP BY 1, 2, 3, 4
WINDOW whole AS (PARTITION BY r.day, r.campaign_id, r.placement_id);

INSERT INTO schema_versions VALUES (30, 8);
