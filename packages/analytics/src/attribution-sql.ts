import { type RawBuilder, sql } from 'kysely';
import type { RollupDefinition } from './definitions.ts';
import { type Dimension, dimensionsOf, isOptional, type Rollup } from './rollups.ts';
import { kindOf, playersOf, typeIsOf } from './parts-sql.ts';

/** The columns of `events` that are asked for, to keep these rollups. */
export function eventColumns(rollups: readonly Rollup[]): RawBuilder<unknown> {
  const fixed =
    'impression_id, event_type, occurred_at, event_key, source_offset, source_id, amount_micros, currency';
  return sql.raw([fixed, ...dimensionsOf(rollups)].join(', '));
}

/** What tells an event from others, and where it lies; `own_...` are its own dimensions, whoever earned it. */
const IDENTITY = [
  'impression_id',
  'event_key',
  'event_type',
  'occurred_at',
  'click_id',
  'conversion_id',
  'source_id',
  'source_offset',
] as const;
/** Of a conversion that an act earned, the same of that act, with their types. */
const EARNED_BY = {
  event_key: 'uuid',
  click_id: 'uuid',
  source_id: 'int',
  source_offset: 'bigint',
} as const;
type EarnedBy = keyof typeof EARNED_BY;
const EARNED_BY_COLUMNS = Object.keys(EARNED_BY) as EarnedBy[];

/** What `attributed` says of each event: what it counts for, or also which event it is. */
export type Detail = 'counted' | 'identified';

/** What is attributed together: an impression's events, or those of each sign where both occur. */
export type Partition = 'impression_id' | 'impression_id, sign';

/**
 * The common table expressions that give each event its kind (measures.ts); the last is `attributed`.
 * They read two relations with `eventColumns`, `cohort` and `sign` (+1 adds the event, -1 takes it away):
 * - `input`: of its events, impressions count; an impression is one, whatever else there is
 * - `companions`: all other events, which count, with all events of their impressions
 *
 * What part an event type plays is declared in PARTS; below, "click" stands for whatever act earns and
 * "conversion" for whatever is a result. They make:
 * - `acts`: all but impressions, each beside its impression (there is at most one) if that exists
 * - `journeys`: of impressions with a conversion, how many clicks each act has behind it, itself included.
 *   So a conversion's last click is the click with its number. Only that one need be looked at: validity
 *   and window are bounds in time, and where the last click fails, all before it fail.
 *
 * The window has a full order and a ROWS frame: with ties, or with the default RANGE frame, the result
 * would depend on the order in which rows happen to be read. Ties end at `event_key`, a uuid, which
 * compares by bytes. Clicks are counted and not joined by time, so that an id which a producer's fault put
 * on a million events costs a sort and not a million times a million pairs.
 *
 * `attributed` has `cohort, hour, currency`, the dimensions of the version's rollups, `kind, amount_micros,
 * sign`; a conversion earned by a click or an impression has the dimensions of that. Where it is `identified` it also
 * has IDENTITY, `own_<dimension>`, and `earned_by_<column>` for EARNED_BY: then `input` must have all columns of `events`.
 */
export function attribution(
  partition: Partition,
  definition: RollupDefinition,
  detail: Detail = 'counted',
): RawBuilder<unknown> {
  const { order, isShown, isEarly, tolerance, window } = rulesOf(definition);
  const shown = playersOf('shown');
  const acts = playersOf('act');
  const results = playersOf('result');
  const isImpression = typeIsOf(shown);
  const isClick = typeIsOf(acts.filter(({ part }) => part.earns));
  const isConversion = typeIsOf(results);
  const together = (a: string, b: string) =>
    partition
      .split(', ')
      .map((column) => `${a}.${column} = ${b}.${column}`)
      .join(' AND ');
  const hour = (of: string) => `date_bin('1 hour', ${of}.occurred_at, '0001-01-01 00:00:00+00')`;
  const dimensions = dimensionsOf(definition.rollups);
  const named = (alias: string, prefix = '') =>
    dimensions
      .map((name) => (prefix === '' ? `${alias}${name}` : `${alias}${name} AS ${prefix}${name}`))
      .join(', ');
  // A rollup's row has no null: what an event lacks is the empty text there.
  const filled = (name: Dimension, value: string) =>
    isOptional(name) ? `coalesce(${value}, '')` : value;
  const own = dimensions
    .map((name) => (isOptional(name) ? `${filled(name, name)} AS ${name}` : name))
    .join(', ');
  const isIdentified = detail === 'identified';
  const identity = (earnedBy: (column: EarnedBy) => string) =>
    !isIdentified
      ? ''
      : `, ${[
          ...IDENTITY,
          ...dimensions.map((name) => `${filled(name, name)} AS own_${name}`),
          ...EARNED_BY_COLUMNS.map((column) => `${earnedBy(column)} AS earned_by_${column}`),
        ].join(', ')}`;
  const byNobody = (column: EarnedBy) => `NULL::${EARNED_BY[column]}`;
  const byCredit = (column: EarnedBy) =>
    `CASE WHEN credit = ${kindOf(results, (part) => part.earnedByAct, 'conversions')} THEN clicked_${column} END`;
  const credited = (name: Dimension) => `
    CASE credit WHEN ${kindOf(results, (part) => part.earnedByAct, 'conversions')} THEN clicked_${name}
                WHEN ${kindOf(results, (part) => part.earnedByShown, 'conversions')} THEN shown_${name} ELSE ${name} END`;
  return sql.raw(`
    acts AS MATERIALIZED (
      SELECT act.cohort, act.sign, act.impression_id, act.event_type, act.occurred_at, act.event_key,
             act.source_offset, act.source_id, act.amount_micros, act.currency,
             ${isIdentified ? 'act.click_id, act.conversion_id,' : ''} ${named('act.')}, shown.occurred_at AS shown_at, ${named('shown.', 'shown_')}
      FROM (SELECT * FROM companions WHERE NOT ${isImpression}) act
      LEFT JOIN (SELECT * FROM companions WHERE ${isImpression}) shown
        ON ${together('shown', 'act')} AND ${isShown}
    ),
    journeys AS MATERIALIZED (
      SELECT *, count(*) FILTER (WHERE ${isClick}) OVER (
        PARTITION BY ${partition} ORDER BY ${order} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
      ) AS clicks
      FROM acts WHERE impression_id IN (SELECT impression_id FROM acts WHERE ${isConversion})
    ),
    conversions AS (
      SELECT conversion.*, ${named('clicked.', 'clicked_')},
             ${isIdentified ? `${EARNED_BY_COLUMNS.map((column) => `clicked.${column} AS clicked_${column}`).join(', ')},` : ''}
             CASE WHEN conversion.shown_at IS NULL THEN ${kindOf(results, (part) => part.unmatched, 'conversion')}
                  WHEN ${isEarly('conversion')} THEN ${kindOf(results, (part) => part.early, 'conversion')}
                  WHEN clicked.occurred_at >= conversion.shown_at - ${tolerance}
                   AND clicked.occurred_at >= conversion.occurred_at - ${window}
                  THEN ${kindOf(results, (part) => part.earnedByAct, 'conversion')}
                  ELSE ${kindOf(results, (part) => part.earnedByShown, 'conversion')} END AS credit
      FROM (SELECT * FROM journeys WHERE ${isConversion}) conversion
      LEFT JOIN (SELECT * FROM journeys WHERE ${isClick}) clicked
        ON ${together('clicked', 'conversion')} AND clicked.clicks = conversion.clicks
      OFFSET 0 -- or the credit would be worked out once for each column that depends on it
    ),
    attributed AS (
      SELECT cohort, ${hour('input')} AS hour, currency, ${own},
             ${kindOf(shown, (part) => part.counted, 'input')} AS kind, amount_micros, sign${identity(byNobody)}
      FROM input WHERE ${isImpression}
      UNION ALL
      SELECT cohort, ${hour('acts')}, currency, ${own},
             CASE WHEN shown_at IS NULL THEN ${kindOf(acts, (part) => part.unmatched, 'acts')}
                  WHEN ${isEarly('acts')} THEN ${kindOf(acts, (part) => part.early, 'acts')}
                  ELSE ${kindOf(acts, (part) => part.counted, 'acts')} END,
             amount_micros, sign${identity(byNobody)}
      FROM acts WHERE ${typeIsOf(acts)}
      UNION ALL
      SELECT cohort, ${hour('conversions')}, currency,
             ${dimensions.map((name) => filled(name, credited(name))).join(', ')}, credit, amount_micros, sign${identity(byCredit)}
      FROM conversions
    )`);
}

interface Rules {
  readonly order: string;
  /** Whether the impression `shown` is one for `act`. */
  readonly isShown: string;
  readonly isEarly: (act: string) => string;
  readonly tolerance: string;
  readonly window: string;
}

function rulesOf({ algorithm, toleranceMs, windowMs }: RollupDefinition): Rules {
  const bounds = { tolerance: interval(toleranceMs), window: interval(windowMs) };
  switch (algorithm) {
    case 'last_click':
      return {
        order: 'occurred_at, event_type, event_key',
        isShown: 'true',
        isEarly: (act) => `${act}.occurred_at < ${act}.shown_at - ${bounds.tolerance}`,
        ...bounds,
      };
    case 'arrival_order':
      // Wrong on purpose: what arrived later is taken for later, and offsets for one common order.
      return {
        order: 'source_offset, source_id, event_key',
        isShown: `(shown.source_offset, shown.source_id, shown.event_key)
          < (act.source_offset, act.source_id, act.event_key)`,
        isEarly: () => 'false',
        ...bounds,
      };
    default:
      return algorithm satisfies never;
  }
}

function interval(ms: number): string {
  return `interval '${ms} milliseconds'`;
}
