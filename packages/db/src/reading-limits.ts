import { sql } from 'kysely';
import type { DatabaseExecutor } from './database.ts';

/** By what records are judged beside their topic's rules: settings of a process, since they bound what it may cost. */
export interface ReadingLimits {
  readonly maxValueBytes: number;
  readonly maxDepth: number;
  /** Schema versions read as the newest. */
  readonly readAsNewest: ReadonlySet<number>;
}

/** The limits of a topic's retries, as the process that retries told them last. */
export interface ToldLimits extends ReadingLimits {
  readonly topic: string;
  readonly appVersion: string;
  /** The process. */
  readonly toldBy: string;
  /** By the server's clock. */
  readonly ageSeconds: number;
}

/** Says by which limits this process judges the records of a topic; the one that tells last counts. */
export async function tellReadingLimits(
  db: DatabaseExecutor,
  limits: ReadingLimits & {
    readonly topic: string;
    readonly appVersion: string;
    readonly toldBy: string;
  },
): Promise<void> {
  const { topic, maxValueBytes, maxDepth, readAsNewest, appVersion, toldBy } = limits;
  const told = {
    record_max_bytes: maxValueBytes,
    json_max_depth: maxDepth,
    read_as_newest: [...readAsNewest].toSorted((a, b) => a - b),
    app_version: appVersion,
    told_by: toldBy,
  };
  await db
    .insertInto('reading_limits')
    .values({ topic, ...told })
    .onConflict((conflict) =>
      conflict.column('topic').doUpdateSet({ ...told, told_at: sql`clock_timestamp()` }),
    )
    .execute();
}

/** What was told of every topic, by name; of a topic whose letters nobody ever retried nothing. */
export async function toldReadingLimits(db: DatabaseExecutor): Promise<ToldLimits[]> {
  const rows = await db
    .selectFrom('reading_limits')
    .selectAll()
    .select(sql<number>`extract(epoch FROM clock_timestamp() - told_at)::float8`.as('ageSeconds'))
    .orderBy('topic')
    .execute();
  return rows.map((row) => ({
    topic: row.topic,
    maxValueBytes: row.record_max_bytes,
    maxDepth: row.json_max_depth,
    readAsNewest: new Set(row.read_as_newest),
    appVersion: row.app_version,
    toldBy: row.told_by,
    ageSeconds: row.ageSeconds,
  }));
}
