import { type RawBuilder, sql } from 'kysely';
import type { RollupDefinition } from './definitions.ts';

/** What is attributed together: an impression's events, or those of each sign where both occur. */
export type Partition = 'impression_id' | 'impression_id, sign';

/**
 * The query that gives each event its kind (measures.ts). It reads two relations with the columns of
 * `events`, `cohort` and `sign` (+1 adds the event, -1 takes it away):
 * - `input`: all events; an impression is one, whatever else there is
 * - `companions`: of them at least every event of the impressions that have any other event
 *
 * Every window has a full order and a ROWS frame: with ties, or with the default RANGE frame, the result
 * would depend on the order in which rows happen to be read. Ties end at `event_key`, a uuid, which
 * compares by bytes. Of the clicks before a conversion only the last need be looked at: validity and
 * window are bounds in time, so where the last one fails, all before it fail.
 *
 * @returns a SELECT with `cohort, hour, currency, campaign_id, creative_id, placement_id, kind,
 *   amount_micros, sign`; a conversion earned by a click or an impression has the dimensions of that
 */
export function attributionQuery(
  partition: Partition,
  definition: RollupDefinition,
): RawBuilder<unknown> {
  const { order, shownFrame, isEarly, toleranceMs } = rulesOf(definition);
  // The same order in every window: it is sorted once.
  const ordered = `PARTITION BY ${partition} ORDER BY ${order}`;
  const isShown = `FILTER (WHERE event_type = 'impression')`;
  const before = 'ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW';
  const hour = `date_bin('1 hour', occurred_at, '0001-01-01 00:00:00+00')`;
  return sql.raw(`
    SELECT cohort, ${hour} AS hour, currency, campaign_id, creative_id, placement_id,
           'impression' AS kind, amount_micros, sign
    FROM input WHERE event_type = 'impression'
    UNION ALL
    SELECT cohort, ${hour}, currency,
           CASE kind WHEN 'click_conversion' THEN clicked_campaign_id
                     WHEN 'view_conversion' THEN shown_campaign_id ELSE campaign_id END AS campaign_id,
           CASE kind WHEN 'click_conversion' THEN clicked_creative_id
                     WHEN 'view_conversion' THEN shown_creative_id ELSE creative_id END AS creative_id,
           CASE kind WHEN 'click_conversion' THEN clicked_placement_id
                     WHEN 'view_conversion' THEN shown_placement_id ELSE placement_id END AS placement_id,
           kind, amount_micros, sign
    FROM (
      SELECT *,
        CASE WHEN shown_at IS NULL
             THEN CASE event_type WHEN 'click' THEN 'unmatched_click' ELSE 'unmatched_conversion' END
             WHEN ${isEarly}
             THEN CASE event_type WHEN 'click' THEN 'early_click' ELSE 'early_conversion' END
             WHEN event_type = 'click' THEN 'click'
             WHEN clicked_at >= shown_at - ${interval(toleranceMs)}
              AND clicked_at >= occurred_at - ${interval(definition.windowMs)} THEN 'click_conversion'
             ELSE 'view_conversion' END AS kind
      FROM (
        SELECT *,
          nth_value(occurred_at, click_position) OVER clicks AS clicked_at,
          nth_value(campaign_id, click_position) OVER clicks AS clicked_campaign_id,
          nth_value(creative_id, click_position) OVER clicks AS clicked_creative_id,
          nth_value(placement_id, click_position) OVER clicks AS clicked_placement_id
        FROM (
          SELECT *, CASE WHEN event_type = 'conversion'
                    THEN max(position) FILTER (WHERE event_type = 'click') OVER (${ordered} ${before})
                    END AS click_position
          FROM (
            SELECT *,
              (row_number() OVER shown)::int AS position,
              max(occurred_at) ${isShown} OVER shown AS shown_at,
              max(campaign_id COLLATE "C") ${isShown} OVER shown AS shown_campaign_id,
              max(creative_id COLLATE "C") ${isShown} OVER shown AS shown_creative_id,
              max(placement_id COLLATE "C") ${isShown} OVER shown AS shown_placement_id
            FROM companions
            WINDOW shown AS (${ordered} ${shownFrame})
          ) positioned
        ) clicked
        WINDOW clicks AS (${ordered} ${before})
      ) credited
      WHERE event_type <> 'impression'
      OFFSET 0 -- or the kind would be worked out once for each column that depends on it
    ) classified`);
}

interface Rules {
  readonly order: string;
  /** Where an event may look for its impression; there is at most one. */
  readonly shownFrame: string;
  readonly isEarly: string;
  readonly toleranceMs: number;
}

function rulesOf({ algorithm, toleranceMs }: RollupDefinition): Rules {
  switch (algorithm) {
    case 'last_click':
      return {
        order: 'occurred_at, event_type, event_key',
        shownFrame: 'ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING',
        isEarly: `occurred_at < shown_at - ${interval(toleranceMs)}`,
        toleranceMs,
      };
    case 'arrival_order':
      // Wrong on purpose: what arrived later is taken for later, and offsets for one common order.
      return {
        order: 'source_offset, source_id, event_key',
        shownFrame: 'ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW',
        isEarly: 'false',
        toleranceMs,
      };
  }
}

function interval(ms: number): string {
  return `interval '${ms} milliseconds'`;
}
