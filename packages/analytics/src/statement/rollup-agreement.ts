import { type DatabaseExecutor, readWriteGuards } from '@adtally/db';
import { sql } from 'kysely';
import type { RollupDefinition } from '../definitions.ts';
import { isOfCampaign } from '../figures/asked.ts';
import { areCutAtUtcDays, keptRows } from '../figures/kept-rows.ts';
import { otherRulesIn } from '../figures/taken-over-figures.ts';
import { type Measure, MEASURES } from '../measures.ts';
import { type Bucket, isOnUtcHours } from '../period.ts';
import { changesBetween, type DailySums } from './amounts.ts';
import type { Statement } from './document.ts';
import { type Sums, instantText } from './figures.ts';

/** What the rollups of a version are to be compared with. */
export interface AgreementAsked {
  readonly campaignId: string;
  readonly days: readonly Bucket[];
  /** Null where nobody keeps rollups. */
  readonly kept: RollupDefinition | null;
  readonly computed: DailySums;
  /** Counted events of impressions that no rollup has summed up yet. */
  readonly unsettled: bigint;
}

/** The rollups contradict the events, and nothing waits that would explain it. */
export class RollupsDisagree extends Error {
  override readonly name = 'RollupsDisagree';
}

/**
 * How what readers of the rollups see stands to what the events come to, in the same snapshot. Where they differ it
 * names what the rollups wait for.
 *
 * @throws RollupsDisagree where nothing waits: then one of the two is wrong
 */
export async function rollupAgreement(
  trx: DatabaseExecutor,
  { campaignId, days, kept: definition, computed, unsettled }: AgreementAsked,
): Promise<Statement['rollups']> {
  if (definition === null)
    return { agreement: 'not comparable', detail: 'nobody keeps rollups here' };
  if (!isOnUtcHours(days)) {
    return {
      agreement: 'not comparable',
      detail: 'rollups are kept by hours of UTC, on which these days do not begin',
    };
  }
  const { version } = definition;
  const period = { ...wholeOf(days), timeZone: 'UTC' };
  const [other] = await otherRulesIn(trx, definition, { period, campaignId });
  if (other !== undefined) {
    return {
      agreement: 'not comparable',
      detail: `of days that were purged version ${version} has the sums of version ${other}, made by its rules`,
    };
  }
  const kept = await keptSums(trx, campaignId, days, version);
  const [first, ...others] = changesBetween(kept, computed);
  if (first === undefined) return { agreement: 'equal', detail: '' };
  const waits = await waitingWork(trx, version, unsettled);
  const { day, currency, measure, before, after } = first;
  const more = others.length === 0 ? '' : `, and ${others.length} figures more`;
  const difference = `${day} ${currency} ${measure}: rollups ${before}, events ${after}${more}`;
  if (waits.length === 0) {
    throw new RollupsDisagree(
      `the rollups of version ${version} are not what the events come to, and nothing waits to be summed up (${difference}): no statement; run ops audit --full`,
    );
  }
  return { agreement: 'behind', detail: `${difference}; waiting: ${waits.join(', ')}` };
}

async function keptSums(
  trx: DatabaseExecutor,
  campaignId: string,
  days: readonly Bucket[],
  version: number,
): Promise<DailySums> {
  const sums = sql.raw(MEASURES.map((name) => `sum(${name})::text AS ${name}`).join(', '));
  const condition = isOfCampaign({ campaignId });
  const { rows } = await sql<{ day: string; currency: string } & Record<Measure, string>>`
    SELECT d.day, r.currency, ${sums}
    FROM ${keptRows({ rollup: 'campaign', version, span: wholeOf(days), condition, isByDay: areCutAtUtcDays(days) })} r
    JOIN unnest(${days.map(({ label }) => label)}::text[], ${days.map(({ fromMs }) => instantText(fromMs))}::timestamptz[],
                ${days.map(({ toMs }) => instantText(toMs))}::timestamptz[]) AS d (day, from_at, to_at)
      ON r.hour >= d.from_at AND r.hour < d.to_at
    GROUP BY 1, 2`.execute(trx);
  const daily = new Map<string, Map<string, Sums>>();
  for (const { day, currency, ...row } of rows) {
    const of = daily.get(day) ?? new Map<string, Sums>();
    daily.set(day, of);
    of.set(
      currency,
      new Map(MEASURES.map((name) => [name, BigInt(row[name as keyof typeof row])])),
    );
  }
  return daily;
}

/** From the first day's beginning to the last one's end. */
function wholeOf(days: readonly Bucket[]): Pick<Bucket, 'fromMs' | 'toMs'> {
  return { fromMs: days[0]?.fromMs ?? 0, toMs: days.at(-1)?.toMs ?? 1 };
}

/** What the keeper of the rollups has still to do, in words. */
async function waitingWork(
  trx: DatabaseExecutor,
  version: number,
  unsettled: bigint,
): Promise<string[]> {
  const { frontierMs } = await readWriteGuards(trx);
  const { notes, bases } = await trx
    .selectNoFrom((eb) => [
      eb.selectFrom('late_notes').select(eb.fn.countAll<bigint>().as('n')).as('notes'),
      eb
        .selectFrom('rollup_bases')
        .select(eb.fn.countAll<bigint>().as('n'))
        .where('version', '=', version)
        .where('taken_at', 'is', null)
        .as('bases'),
    ])
    .executeTakeFirstOrThrow();
  const waits: string[] = [];
  if (unsettled > 0n) {
    waits.push(`${unsettled} events of impressions born after ${instantText(frontierMs)}`);
  }
  if ((notes ?? 0n) > 0n) waits.push(`${notes} notes of late events`);
  if ((bases ?? 0n) > 0n) waits.push(`${bases} bases that are not taken`);
  return waits;
}
