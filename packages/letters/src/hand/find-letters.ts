import {
  type Expression,
  type ExpressionBuilder,
  expressionBuilder,
  type RawBuilder,
  sql,
  type SqlBool,
} from 'kysely';
import type { DatabaseExecutor, DeadLetterState, Schema } from '@adtally/db';

/** Which letters are meant; conditions left out do not count, those given must all hold. */
export interface LetterFilter {
  readonly letterIds?: readonly string[] | undefined;
  /** What the letter failed with last. */
  readonly codes?: readonly string[] | undefined;
  readonly fingerprints?: readonly string[] | undefined;
  /** JSON field or header that it failed by last; empty where there is none. */
  readonly fields?: readonly string[] | undefined;
  /** What the record says of itself; empty where it does not say, or the letter is older than schema 24. */
  readonly claimedSources?: readonly string[] | undefined;
  readonly claimedCampaigns?: readonly string[] | undefined;
  readonly claimedVersions?: readonly string[] | undefined;
  /** Of the original record. */
  readonly sourceId?: number | undefined;
  readonly topic?: string | undefined;
  readonly partition?: number | undefined;
  /** RFC 3339, by when the letter was recorded: from `since` on, before `until`. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly states?: readonly DeadLetterState[] | undefined;
  /** Ended by this discard: its number in `operator_actions`. */
  readonly discardAction?: string | undefined;
}

type LetterExpressions = ExpressionBuilder<Schema & { l: Schema['dead_letters'] }, 'l'>;

/**
 * The filter as a condition on `dead_letters l`, for the builder and for texts; every value travels as a
 * parameter, a list of values as one.
 */
export function letterMatches(filter: LetterFilter): Expression<SqlBool> {
  const eb: LetterExpressions = expressionBuilder();
  const conditions: Expression<SqlBool>[] = [];
  const add = <T>(value: T | undefined, condition: (value: T) => Expression<SqlBool>): void => {
    if (value !== undefined) conditions.push(condition(value));
  };
  add(filter.letterIds, (ids) =>
    eb('l.letter_id', '=', eb.fn.any(sql<bigint[]>`${ids}::bigint[]`)),
  );
  add(filter.codes, (codes) => eb('l.last_code', '=', eb.fn.any(textArray(codes))));
  add(filter.fingerprints, (prints) => eb('l.fingerprint', '=', eb.fn.any(textArray(prints))));
  add(filter.fields, (fields) => eb('l.last_field', '=', eb.fn.any(textArray(fields))));
  const claimed = {
    source: filter.claimedSources,
    campaign: filter.claimedCampaigns,
    version: filter.claimedVersions,
  };
  for (const [fact, wanted] of Object.entries(claimed)) {
    const column = sql<string>`coalesce(${sql.ref(`l.claimed_${fact}`)}, '')`;
    add(wanted, (texts) => sql<SqlBool>`${column} = ANY (${textArray(texts)})`);
  }
  add(filter.states, (states) => eb('l.state', '=', eb.fn.any(textArray(states))));
  add(filter.sourceId, (id) => eb('l.source_id', '=', id));
  add(filter.since, (time) => eb('l.recorded_at', '>=', sql<Date>`${time}::timestamptz`));
  add(filter.until, (time) => eb('l.recorded_at', '<', sql<Date>`${time}::timestamptz`));
  add(filter.discardAction, (id) => eb('l.discard_action', '=', BigInt(id)));
  // A topic that was made again has several sources.
  const sources = eb.selectFrom('sources').select('source_id');
  add(filter.topic, (topic) => eb('l.source_id', 'in', sources.where('topic', '=', topic)));
  add(filter.partition, (partition) =>
    eb('l.source_id', 'in', sources.where('partition', '=', partition)),
  );
  return eb.and(conditions);
}

/** One parameter, however long the list. */
function textArray<T extends string>(values: readonly T[]): RawBuilder<T[]> {
  return sql<T[]>`${values}::text[]`;
}

/** A letter in a list: never a byte of its record. */
export interface LetterSummary {
  readonly letterId: bigint;
  readonly state: DeadLetterState;
  /** What it failed with last. */
  readonly code: string;
  readonly fingerprint: string;
  readonly field: string;
  readonly message: string;
  /** What the record says of itself; empty where it does not say, or nobody looked. */
  readonly claimedSource: string;
  readonly claimedCampaign: string;
  readonly claimedVersion: string;
  /** Of the original; `null` where the copy names no coordinate we know. */
  readonly topic: string | null;
  readonly partition: number | null;
  readonly offset: bigint;
  readonly series: number;
  readonly attempts: number;
  readonly attemptsMax: number;
  readonly recordedAt: Date;
  /** By the server's clock. */
  readonly ageSeconds: number;
}

export interface LetterPage {
  readonly letters: readonly LetterSummary[];
  /** The id after which the next page begins; `null` on the last one. */
  readonly next: bigint | null;
}

/**
 * A page of matching letters, newest first. Ids only grow, so letters that arrive meanwhile change no
 * later page: `after` is the `next` of the page before.
 */
export async function findLetters(
  db: DatabaseExecutor,
  filter: LetterFilter,
  { limit, after }: { readonly limit: number; readonly after?: string | undefined },
): Promise<LetterPage> {
  const rows = await db
    .selectFrom('dead_letters as l')
    .leftJoin('sources as s', 's.source_id', 'l.source_id')
    .select([
      'l.letter_id as letterId',
      'l.state',
      'l.last_code as code',
      'l.fingerprint',
      'l.last_field as field',
      'l.last_message as message',
      sql<string>`coalesce(l.claimed_source, '')`.as('claimedSource'),
      sql<string>`coalesce(l.claimed_campaign, '')`.as('claimedCampaign'),
      sql<string>`coalesce(l.claimed_version, '')`.as('claimedVersion'),
      's.topic',
      's.partition',
      'l.source_offset as offset',
      'l.series',
      'l.attempts',
      'l.attempts_max as attemptsMax',
      'l.recorded_at as recordedAt',
      sql<number>`extract(epoch FROM clock_timestamp() - l.recorded_at)::float8`.as('ageSeconds'),
    ])
    .where(letterMatches(filter))
    .$if(after !== undefined, (query) => query.where('l.letter_id', '<', BigInt(after ?? 0)))
    .orderBy('l.letter_id', 'desc')
    .limit(limit + 1)
    .execute();
  const letters = rows.slice(0, limit);
  const next = rows.length > limit ? (letters.at(-1)?.letterId ?? null) : null;
  return { letters, next };
}

/** How many letters match. */
export async function countLetters(db: DatabaseExecutor, filter: LetterFilter): Promise<number> {
  const { letters } = await db
    .selectFrom('dead_letters as l')
    .select((eb) => eb.fn.countAll<bigint>().as('letters'))
    .where(letterMatches(filter))
    .executeTakeFirstOrThrow();
  return Number(letters);
}
