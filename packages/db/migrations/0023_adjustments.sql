-- Money that an operator books by hand where a conflict showed that the stored event has another amount than was meant.
-- It stands beside the figures and never inside the rollups, which are a function of the events (docs/adr/0031).
CREATE TABLE adjustments (
  adjustment_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  booked_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  actor         text NOT NULL CHECK (actor ~ '\S'),
  reason        text NOT NULL CHECK (reason ~ '\S'),
  action_id     bigint NOT NULL REFERENCES operator_actions,
  -- The conflict it was booked for, which stays as long as this does.
  source_id     int NOT NULL,
  source_offset bigint NOT NULL,
  -- Of the stored event, as it was when this was booked.
  impression_id uuid NOT NULL,
  event_key     uuid NOT NULL,
  event_type    event_type NOT NULL,
  occurred_at   timestamptz NOT NULL,
  campaign_id   text COLLATE "C" NOT NULL,
  creative_id   text COLLATE "C" NOT NULL,
  placement_id  text COLLATE "C" NOT NULL,
  -- Added to what the event counts for: negative takes away.
  amount_micros bigint NOT NULL CHECK (amount_micros <> 0),
  currency      text COLLATE "C" NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  -- How many this is of its event, whichever conflict each was booked for: of two bookings at once one is refused.
  booking       int NOT NULL CHECK (booking > 0),
  -- A counter-booking names what it takes back; that can be done once.
  undoes        bigint UNIQUE REFERENCES adjustments,
  FOREIGN KEY (source_id, source_offset) REFERENCES conflicts,
  UNIQUE (impression_id, event_key, booking)
);

CREATE INDEX adjustments_by_campaign ON adjustments (campaign_id, occurred_at);
CREATE INDEX adjustments_by_conflict ON adjustments (source_id, source_offset);

CREATE TRIGGER adjustments_append_only
  BEFORE UPDATE OR DELETE ON adjustments
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER adjustments_never_emptied
  BEFORE TRUNCATE ON adjustments
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What readers ask, as in 0008. A rate is taken only within what its two numbers share: rates of counts over all
-- currencies of the day, rates of money within a currency. A click in EUR may well earn a conversion in USD.
CREATE OR REPLACE VIEW report_campaign_daily AS
SELECT (r.hour AT TIME ZONE 'UTC')::date AS day, r.campaign_id, r.currency,
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
FROM rollup_by_campaign r JOIN rollup_promotion p ON p.version = r.version
GROUP BY 1, 2, 3
WINDOW whole AS (PARTITION BY (r.hour AT TIME ZONE 'UTC')::date, r.campaign_id);

CREATE OR REPLACE VIEW report_creative_daily AS
SELECT (r.hour AT TIME ZONE 'UTC')::date AS day, r.campaign_id, r.creative_id, r.currency,
       sum(r.impressions)::bigint AS impressions, sum(r.clicks)::bigint AS clicks,
       sum(r.click_conversions + r.view_conversions)::bigint AS conversions,
       sum(r.spend_micros) AS spend_micros,
       sum(r.click_value_micros + r.view_value_micros) AS value_micros,
       sum(sum(r.clicks)) OVER whole / nullif(sum(sum(r.impressions)) OVER whole, 0) AS ctr,
       sum(sum(r.click_conversions + r.view_conversions)) OVER whole
         / nullif(sum(sum(r.clicks)) OVER whole, 0) AS cvr,
       sum(r.spend_micros) * 1000 / nullif(sum(r.impressions), 0) AS cpm_micros,
       sum(r.spend_micros) / nullif(sum(r.clicks), 0) AS cpc_micros
FROM rollup_by_creative r JOIN rollup_promotion p ON p.version = r.version
GROUP BY 1, 2, 3, 4
WINDOW whole AS (PARTITION BY (r.hour AT TIME ZONE 'UTC')::date, r.campaign_id, r.creative_id);

CREATE OR REPLACE VIEW report_placement_daily AS
SELECT (r.hour AT TIME ZONE 'UTC')::date AS day, r.campaign_id, r.placement_id, r.currency,
       sum(r.impressions)::bigint AS impressions, sum(r.clicks)::bigint AS clicks,
       sum(r.click_conversions + r.view_conversions)::bigint AS conversions,
       sum(r.spend_micros) AS spend_micros,
       sum(r.click_value_micros + r.view_value_micros) AS value_micros,
       sum(sum(r.clicks)) OVER whole / nullif(sum(sum(r.impressions)) OVER whole, 0) AS ctr,
       sum(sum(r.click_conversions + r.view_conversions)) OVER whole
         / nullif(sum(sum(r.clicks)) OVER whole, 0) AS cvr,
       sum(r.spend_micros) * 1000 / nullif(sum(r.impressions), 0) AS cpm_micros,
       sum(r.spend_micros) / nullif(sum(r.clicks), 0) AS cpc_micros
FROM rollup_by_placement r JOIN rollup_promotion p ON p.version = r.version
GROUP BY 1, 2, 3, 4
WINDOW whole AS (PARTITION BY (r.hour AT TIME ZONE 'UTC')::date, r.campaign_id, r.placement_id);

-- By the day of the event, not of the booking: the day whose figure it mends. Of a conversion it is value, else spend.
CREATE VIEW report_adjustments_daily AS
SELECT (a.occurred_at AT TIME ZONE 'UTC')::date AS day, a.campaign_id, a.currency, a.event_type::text AS event_type,
       count(*) AS adjustments, sum(a.amount_micros) AS amount_micros
FROM adjustments a
GROUP BY 1, 2, 3, 4;

INSERT INTO schema_versions VALUES (23, 8);
