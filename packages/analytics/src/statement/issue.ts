import { type Database, type DatabaseExecutor, readWriteGuards } from '@adtally/db';
import { sql } from 'kysely';
import { DEFAULT_DEFINITION, readDefinitions, type RollupDefinition } from '../definitions.ts';
import { type Bucket, daysOf, monthPeriod } from '../period.ts';
import { requireEventsOf } from '../purged.ts';
import { requireTimelessOf } from '../timeless/require-timeless.ts';
import { readPromotion, RefusedError } from '../versions.ts';
import { changesBetween, dailySumsOf, statedFigures, totalOf } from './amounts.ts';
import { definitionOf, statedDefinition } from './attribution-rules.ts';
import { sealed, type SourcePosition, type Statement } from './document.ts';
import { type Figures, figuresOf, instantText } from './figures.ts';
import { addLanes, fingerprintText, NO_EVENTS } from './fingerprint.ts';
import { readPositions, requirePositions } from './positions.ts';
import { rollupAgreement } from './rollup-agreement.ts';
import { inSnapshot } from '../snapshot.ts';
import { statedAdjustments } from './stated-adjustments.ts';

/** Whose month, and whose days. */
export interface StatementRequest {
  readonly campaignId: string;
  /** `2026-10` */
  readonly month: string;
  /** By its name in the time zone database. */
  readonly timeZone: string;
}

/** The part of a statement that follows from the events. */
type Accounts = Pick<Statement, 'totals' | 'days' | 'events' | 'fingerprint' | 'offsets'>;

/**
 * Makes a statement: figures from the events, and where every source stands, in one snapshot. Nothing is written.
 *
 * @throws RollupsDisagree where the rollups contradict the events
 * @throws RefusedError where events of the month left with their day
 */
export async function issueStatement(db: Database, request: StatementRequest): Promise<Statement> {
  return await inSnapshot(db, async (trx) => {
    const shown = await shownDefinition(trx);
    const definition = shown ?? DEFAULT_DEFINITION;
    return await drawUp(trx, request, definition, shown, null);
  });
}

/**
 * Makes the statement that takes the place of an earlier one, by its rules, and says what late events changed.
 *
 * @throws RefusedError where nothing changed, or the earlier one cannot be held against this database
 */
export async function correctStatement(db: Database, earlier: Statement): Promise<Statement> {
  return await inSnapshot(db, async (trx) => {
    await requirePositions(trx, earlier.as_of);
    const definition = definitionOf(earlier);
    const before = await recompute(trx, earlier, earlier.as_of, []);
    const differs = changesBetween(dailySumsOf(earlier), dailySumsOf(before)).length > 0;
    if (differs || before.fingerprint !== earlier.fingerprint) {
      throw new RefusedError(
        'the statement it would correct is not what the events come to: ops statement verify says where',
      );
    }
    const isKept = (await readDefinitions(trx)).some(
      ({ version }) => version === definition.version,
    );
    const request = {
      campaignId: earlier.campaign_id,
      month: earlier.month,
      timeZone: earlier.time_zone,
    };
    return await drawUp(trx, request, definition, isKept ? definition : null, earlier);
  });
}

async function drawUp(
  trx: DatabaseExecutor,
  { campaignId, month, timeZone }: StatementRequest,
  definition: RollupDefinition,
  kept: RollupDefinition | null,
  earlier: Statement | null,
): Promise<Statement> {
  const days = daysOf(monthPeriod(month, timeZone));
  await requireEventsOf(trx, { campaignId, ...spanOf(days) });
  await requireTimelessOf(trx, spanOf(days));
  const asOf = await readPositions(trx);
  const { frontierMs } = await readWriteGuards(trx);
  const since = earlier?.as_of ?? [];
  const asked = { campaignId, days, definition, asOf, frontierMs, since };
  const figures = await figuresOf(trx, asked);
  const accounts = accountsOf(days, figures);
  const adjustments = await statedAdjustments(trx, campaignId, days);
  const changes =
    earlier === null ? [] : changesBetween(dailySumsOf(earlier), dailySumsOf(accounts));
  const isSame =
    changes.length === 0 &&
    accounts.fingerprint === earlier?.fingerprint &&
    adjustments.length === earlier.adjustments.length;
  if (isSame) throw new RefusedError('nothing changed since: it stands as it is');
  return sealed({
    schema: 'adtally.statement/1',
    campaign_id: campaignId,
    month,
    time_zone: timeZone,
    issued_at: await serverTime(trx),
    attribution: statedDefinition(definition),
    as_of: asOf,
    ...accounts,
    adjustments,
    rollups: await rollupAgreement(trx, {
      campaignId,
      days,
      kept,
      computed: dailySumsOf(accounts),
      unsettled: figures.unsettled,
    }),
    corrects:
      earlier === null
        ? null
        : {
            digest: earlier.digest,
            issued_at: earlier.issued_at,
            as_of: earlier.as_of,
            changes,
            late: [...figures.late],
          },
  });
}

/** A statement's accounts anew, from the events as of those positions, over the days that it names itself. */
export async function recompute(
  trx: DatabaseExecutor,
  statement: Statement,
  asOf: readonly SourcePosition[],
  since: readonly SourcePosition[],
): Promise<Accounts & { readonly late: Figures['late'] }> {
  const days = statedDays(statement);
  await requireEventsOf(trx, { campaignId: statement.campaign_id, ...spanOf(days) });
  await requireTimelessOf(trx, spanOf(days));
  const figures = await figuresOf(trx, {
    campaignId: statement.campaign_id,
    days,
    definition: definitionOf(statement),
    asOf,
    since,
    frontierMs: 0,
  });
  return { ...accountsOf(days, figures), late: figures.late };
}

function spanOf(days: readonly Pick<Bucket, 'fromMs' | 'toMs'>[]) {
  return { fromMs: days[0]?.fromMs ?? 0, toMs: days.at(-1)?.toMs ?? 0 };
}

/** The days as the statement has them. */
export function statedDays({ days }: Statement): Bucket[] {
  return days.map(({ day, from, to }) => ({
    label: day,
    fromMs: Date.parse(from),
    toMs: Date.parse(to),
  }));
}

function accountsOf(
  days: readonly { readonly fromMs: number; readonly toMs: number }[],
  figures: Figures,
): Accounts {
  const daily = new Map(figures.days.map(({ day, byCurrency }) => [day, byCurrency]));
  return {
    totals: statedFigures(totalOf(daily)),
    days: figures.days.map(({ day, events, lanes, byCurrency }, index) => ({
      day,
      from: instantText(days[index]?.fromMs ?? 0),
      to: instantText(days[index]?.toMs ?? 0),
      events: String(events),
      fingerprint: fingerprintText(lanes),
      currencies: statedFigures(byCurrency),
    })),
    events: String(figures.days.reduce((sum, { events }) => sum + events, 0n)),
    fingerprint: fingerprintText(
      figures.days.reduce((sum, { lanes }) => addLanes(sum, lanes), NO_EVENTS),
    ),
    offsets: [...figures.offsets],
  };
}

/** What readers of the rollups are shown; null where nobody keeps any. */
async function shownDefinition(trx: DatabaseExecutor): Promise<RollupDefinition | null> {
  const definitions = await readDefinitions(trx);
  const promotion = await readPromotion(trx);
  return definitions.find(({ version }) => version === promotion?.version) ?? null;
}

async function serverTime(trx: DatabaseExecutor): Promise<string> {
  const { rows } = await sql<{ now: Date }>`SELECT now() AS now`.execute(trx);
  return instantText(rows[0]?.now.getTime() ?? 0);
}
