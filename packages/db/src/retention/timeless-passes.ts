import { type RawBuilder, sql } from 'kysely';
import type { Database, DatabaseExecutor } from '../database.ts';

// What needs the owner of `events` goes through its functions (migrations/0035).

/** All events are gone through once for impressions without a time that may leave. */
export interface TimelessPass {
  readonly passId: bigint;
  /** What was committed before it may leave. */
  readonly committedBefore: Date;
  /** The same by source, in the order of `beforeOffsets`: rows at and beyond these stay. */
  readonly sourceIds: readonly number[];
  readonly beforeOffsets: readonly bigint[];
  /** Impressions up to it were looked at; null: none. */
  readonly lookedAtThrough: string | null;
  /** That left. */
  readonly rows: bigint;
  readonly endedAt: Date | null;
}

/** The newest pass, over or not; null before the first. */
export async function newestTimelessPass(db: DatabaseExecutor): Promise<TimelessPass | null> {
  const pass = await db
    .selectFrom('timeless_passes')
    .selectAll()
    .orderBy('pass_id', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (pass === undefined) return null;
  return {
    passId: pass.pass_id,
    committedBefore: pass.committed_before,
    sourceIds: pass.source_ids,
    beforeOffsets: pass.before_offsets.map(BigInt),
    lookedAtThrough: pass.looked_at_through,
    rows: pass.rows,
    endedAt: pass.ended_at,
  };
}

/** Begins to go through all events. Only where no pass is under way. */
export async function beginTimelessPass(
  db: DatabaseExecutor,
  committedBeforeMs: number,
): Promise<void> {
  const before = new Date(committedBeforeMs).toISOString();
  await sql`SELECT begin_timeless_pass(${before}::timestamptz)`.execute(db);
}

/** Notes how far a pass has come; null: to the end. */
export async function noteTimelessPosition(
  db: DatabaseExecutor,
  passId: bigint,
  lookedAtThrough: string | null,
): Promise<void> {
  await db
    .updateTable('timeless_passes')
    .set(
      lookedAtThrough === null
        ? { ended_at: sql<Date>`clock_timestamp()` }
        : { looked_at_through: lookedAtThrough },
    )
    .where('pass_id', '=', passId)
    .execute();
}

/** A stretch of the events, by impression. */
export interface TimelessPage {
  /** The last impression of it; null: it reaches to the end. */
  readonly through: string | null;
  /** Its impressions without a time of which no event is younger than the pass takes. */
  readonly impressionIds: readonly string[];
}

/** What comes after an impression, in the order of the key: a walk along it, which reads rows only of ids without a time. */
export async function readTimelessPage(
  db: Database,
  { sourceIds, beforeOffsets }: TimelessPass,
  { after, rows: pageRows }: { readonly after: string | null; readonly rows: number },
): Promise<TimelessPage> {
  return await db.transaction().execute(async (trx) => {
    // Where nothing was analysed yet the planner would rather sort everything.
    await sql`SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL jit = off`.execute(
      trx,
    );
    const beyond = after === null ? sql`true` : sql`e.impression_id > ${after}::uuid`;
    const { rows } = await sql<{ through: string; looked: number; ids: string[] }>`
      WITH page AS MATERIALIZED (
        SELECT e.impression_id FROM events e WHERE ${beyond} ORDER BY e.impression_id LIMIT ${sql.lit(pageRows)}
      )
      SELECT (SELECT p.impression_id FROM page p ORDER BY 1 DESC LIMIT 1) AS through,
             (SELECT count(*)::int FROM page) AS looked,
             ARRAY(SELECT t.id FROM (
               SELECT DISTINCT p.impression_id AS id FROM page p WHERE rollup_cohort(p.impression_id) < 0
             ) t WHERE NOT EXISTS (
               SELECT FROM events e WHERE e.impression_id = t.id
                 AND NOT ${isOldEnough({ sourceIds, beforeOffsets })}
             )) AS ids`.execute(trx);
    const [page] = rows;
    if (page === undefined) throw new Error('a page of events was not told');
    return {
      through: page.looked < pageRows ? null : page.through,
      impressionIds: page.ids,
    };
  });
}

/** Whether a pass may take an event `e`. */
export function isOldEnough({
  sourceIds,
  beforeOffsets,
}: Pick<TimelessPass, 'sourceIds' | 'beforeOffsets'>): RawBuilder<boolean> {
  return sql`coalesce(e.source_offset < (${beforeOffsets}::bigint[])[array_position(${sourceIds}::int[], e.source_id)], false)`;
}

/**
 * Deletes what of these impressions the pass may take, and tells the ledger.
 *
 * @param expectedRows how many there are; where others would go, nothing does
 */
export async function purgeTimeless(
  trx: DatabaseExecutor,
  { passId }: TimelessPass,
  impressionIds: readonly string[],
  expectedRows: bigint,
): Promise<void> {
  await sql`SELECT purge_timeless(${passId}::bigint, ${impressionIds}::uuid[], ${expectedRows}::bigint)`.execute(
    trx,
  );
}

/** What left so far of ids without a time. */
export async function purgedTimeless(
  db: DatabaseExecutor,
): Promise<{ readonly rows: bigint; readonly days: bigint }> {
  const { rows, days } = await db
    .selectFrom('timeless_purged')
    .select(({ fn }) => [
      fn.coalesce(fn.sum<string>('rows'), sql<string>`0`).as('rows'),
      fn.count<bigint>('occurred_on').distinct().as('days'),
    ])
    .executeTakeFirstOrThrow();
  return { rows: BigInt(rows), days };
}
