import type { Database, DatabaseExecutor } from '@adtally/db';
import { DEFAULT_DEFINITION, readDefinitions } from '../definitions.ts';
import { daysOf, monthPeriod } from '../period.ts';
import { changesBetween, dailySumsOf } from './amounts.ts';
import { statedDefinition } from './attribution-rules.ts';
import { canonicalText } from './canonical.ts';
import type { OffsetRange, Statement } from './document.ts';
import { instantText } from './figures.ts';
import { recompute, statedDays } from './issue.ts';
import { requirePositions } from './positions.ts';
import { inSnapshot } from '../snapshot.ts';
import { adjustmentDifferences, statedAdjustments } from './stated-adjustments.ts';

/**
 * Computes a statement anew from the events as of its own positions; what came later does not count.
 *
 * @returns every difference, a sentence each; none where it is verified
 * @throws RefusedError where this database cannot tell: it is another one, or behind the statement, or events of the
 *   month left with their day
 */
export async function verifyStatement(db: Database, statement: Statement): Promise<string[]> {
  return await inSnapshot(db, async (trx) => {
    const { corrects } = statement;
    await requirePositions(trx, [...statement.as_of, ...(corrects?.as_of ?? [])]);
    const found = await recompute(trx, statement, statement.as_of, corrects?.as_of ?? []);
    const booked = await statedAdjustments(trx, statement.campaign_id, statedDays(statement));
    const differences = [
      ...(await ruleDifferences(trx, statement)),
      ...dayDifferences(statement),
      ...figureDifferences(statement, found.days),
      ...rangeDifferences('events lie', statement.offsets, found.offsets),
      ...adjustmentDifferences(statement.adjustments, booked),
    ];
    if (corrects !== null) {
      const before = await recompute(trx, statement, corrects.as_of, []);
      const changes = changesBetween(dailySumsOf(before), dailySumsOf(found));
      if (canonicalText(changes) !== canonicalText(corrects.changes)) {
        differences.push('what it says late events changed is not what they changed');
      }
      differences.push(...rangeDifferences('late events lie', corrects.late, found.late));
      if (differences.length === 0 && canonicalText(corrects.late) !== canonicalText(found.late))
        differences.push('its late events are not written as they lie');
    }
    // Whatever differs in another way than those above: an item twice, or one of nothing but 0.
    for (const name of ['days', 'offsets', 'totals', 'events', 'fingerprint'] as const) {
      const same = canonicalText(statement[name]) === canonicalText(found[name]);
      if (!same && differences.length === 0)
        differences.push(`its "${name}" are not written as the events come to them`);
    }
    return differences;
  });
}

/** Rules that are not those of the version it names; of one that nobody keeps any more the file is believed. */
async function ruleDifferences(
  trx: DatabaseExecutor,
  { attribution }: Statement,
): Promise<string[]> {
  const definitions = [...(await readDefinitions(trx)), DEFAULT_DEFINITION];
  const kept = definitions.find(({ version }) => String(version) === attribution.version);
  if (kept === undefined) return [];
  const [stated, expected] = [canonicalText(attribution), canonicalText(statedDefinition(kept))];
  return stated === expected
    ? []
    : [`attribution: the statement says ${stated}, it is ${expected}`];
}

/** Days that do not begin or end as this machine's time zones say. */
function dayDifferences({ month, time_zone, days }: Statement): string[] {
  const expected = daysOf(monthPeriod(month, time_zone)).map(
    ({ label, fromMs, toMs }) => `${label} from ${instantText(fromMs)} to ${instantText(toMs)}`,
  );
  const stated = days.map(({ day, from, to }) => `${day} from ${from} to ${to}`);
  const index = expected.findIndex((day, place) => day !== stated[place]);
  if (index < 0 && expected.length === stated.length) return [];
  return [
    `days of ${month} in ${time_zone}: the statement says ${stated[index] ?? `${stated.length} days`}, they are ${expected[index] ?? `${expected.length} days`}`,
  ];
}

function figureDifferences(statement: Statement, found: Statement['days']): string[] {
  const changes = changesBetween(dailySumsOf(statement), dailySumsOf({ days: found }));
  const changed = new Set(changes.map(({ day }) => day));
  const others = statement.days.filter(
    ({ day, fingerprint, events }, index) =>
      !changed.has(day) &&
      (fingerprint !== found[index]?.fingerprint || events !== found[index]?.events),
  );
  return [
    ...changes.map(
      ({ day, currency, measure, before, after }) =>
        `${day} ${currency} ${measure}: the statement says ${before}, the events come to ${after}`,
    ),
    ...others.map(
      ({ day }) => `${day}: its figures are right, its events are not those that were counted`,
    ),
  ];
}

function rangeDifferences(
  what: string,
  stated: readonly OffsetRange[],
  found: readonly OffsetRange[],
): string[] {
  const sources = [...new Set([...stated, ...found].map(({ source }) => source))];
  const of = (ranges: readonly OffsetRange[], source: string): string => {
    const range = ranges.find((one) => one.source === source);
    return range === undefined
      ? 'none'
      : `${range.events} in [${range.first_offset}, ${range.end_offset})`;
  };
  return sources
    .filter((source) => of(stated, source) !== of(found, source))
    .map(
      (source) =>
        `source ${source}: the statement says ${what} ${of(stated, source)}, they lie ${of(found, source)}`,
    );
}
