import { changedRules, DEFAULT_TOPIC_RULES, type TopicRules } from '@adtally/event-schema';
import { sql, type Selectable } from 'kysely';
import type { Database, DatabaseExecutor } from './database.ts';
import { recordAction, type Operator } from './operator-actions.ts';
import { lockRegistration } from './registration-lock.ts';
import type { SourceKind } from './schema.ts';
import type { TopicRulesTable } from './schema/topics.ts';
import { WriterSession } from './writer-session.ts';

const SECOND_MS = 1_000;

/** A topic's rules, and since when they are so. */
export interface ListedTopicRules extends TopicRules {
  readonly topic: string;
  readonly changedAt: Date;
}

export interface TopicRulesSet {
  readonly before: TopicRules;
  readonly after: TopicRules;
  /** False where they were so already: then nothing was done or noted. */
  readonly isChanged: boolean;
  /** By partition, the first offset that is read by the new rules; empty for a topic that is not counted yet. */
  readonly from: ReadonlyMap<number, bigint>;
}

/** The columns of `topic_rules` that say how records are read. */
const TOPIC_RULES_COLUMNS = [
  'value_format',
  'amounts_as_strings',
  'future_tolerance_seconds',
] as const;
export type TopicRulesRow = Pick<Selectable<TopicRulesTable>, (typeof TOPIC_RULES_COLUMNS)[number]>;

/** Rules cannot be set for this topic: its records are not events, and nothing would read them. */
export class NoEventsTopic extends Error {
  override readonly name = 'NoEventsTopic';

  constructor(topic: string, kind: SourceKind) {
    super(`topic ${topic} is counted as ${kind}, and only events are read by rules`);
  }
}

/** The rules of a topic, through whichever connection the caller acts on; the defaults where nobody set any. */
export async function readTopicRules(
  from: DatabaseExecutor | WriterSession,
  topic: string,
): Promise<TopicRules> {
  const row = await (from instanceof WriterSession
    ? rowOfSession(from, topic)
    : rowOf(from, topic));
  return row === undefined ? DEFAULT_TOPIC_RULES : topicRulesOf(row);
}

/** The rules of every topic that has any, by name. */
export async function listTopicRules(db: DatabaseExecutor): Promise<ListedTopicRules[]> {
  const rows = await db.selectFrom('topic_rules').selectAll().orderBy('topic').execute();
  return rows.map((row) => ({ ...topicRulesOf(row), topic: row.topic, changedAt: row.changed_at }));
}

/** Notes the rules of a topic of which the database knows none; else leaves them as they are. */
export async function noteTopicRules(
  db: DatabaseExecutor,
  topic: string,
  rules: TopicRules,
): Promise<void> {
  await db
    .insertInto('topic_rules')
    .values({ topic, ...rowFor(rules) })
    .onConflict((conflict) => conflict.column('topic').doNothing())
    .execute();
}

/**
 * Changes rules of a topic, signed in `operator_actions`. Each partition's claim ends with it: whoever counts the
 * topic is refused its next commit, claims again and reads the new rules. So what is committed before this was
 * judged by the old rules, all else by the new ones, and the cursors of this moment are where they meet.
 *
 * @throws NoEventsTopic where the topic is counted as something else
 * @throws Error where actor or reason is blank
 */
export async function setTopicRules(
  db: Database,
  operator: Operator,
  topic: string,
  change: Partial<TopicRules>,
): Promise<TopicRulesSet> {
  return await db.transaction().execute(async (trx) => {
    // A partition that is being added may read the old rules as soon as it is there: its claim is to end as well.
    await lockRegistration(trx);
    await requireEvents(trx, topic);
    await noteTopicRules(trx, topic, DEFAULT_TOPIC_RULES);
    const before = topicRulesOf(
      await trx
        .selectFrom('topic_rules')
        .select(TOPIC_RULES_COLUMNS)
        .where('topic', '=', topic)
        .forUpdate()
        .executeTakeFirstOrThrow(),
    );
    const after = { ...before, ...change };
    if (changedRules(before, after).length === 0)
      return { before, after, isChanged: false, from: new Map() };
    await trx
      .updateTable('topic_rules')
      .set({ ...rowFor(after), changed_at: sql`clock_timestamp()` })
      .where('topic', '=', topic)
      .execute();
    const from = await endClaims(trx, topic);
    await recordAction(trx, operator, 'set-topic-rules', {
      topic,
      before,
      after,
      from: Object.fromEntries([...from].map(([partition, offset]) => [partition, Number(offset)])),
    });
    return { before, after, isChanged: true, from };
  });
}

async function requireEvents(trx: DatabaseExecutor, topic: string): Promise<void> {
  const sources = await trx
    .selectFrom('sources')
    .select('kind')
    .where('topic', '=', topic)
    .orderBy('source_id')
    .execute();
  const [first] = sources;
  if (first !== undefined && !sources.some(({ kind }) => kind === 'events'))
    throw new NoEventsTopic(topic, first.kind);
}

/** Raises the epoch of each partition, in the order in which commits lock the rows; returns where they stand. */
async function endClaims(trx: DatabaseExecutor, topic: string): Promise<Map<number, bigint>> {
  const { rows } = await sql<{ partition: number; next_offset: bigint }>`
    WITH held AS (
      SELECT c.source_id, s.partition
      FROM cursors c JOIN sources s USING (source_id)
      WHERE s.kind = 'events' AND s.topic = ${topic} AND s.closed_at IS NULL
      ORDER BY c.source_id FOR UPDATE OF c
    )
    UPDATE cursors c SET epoch = next_epoch(c.epoch)
    FROM held WHERE c.source_id = held.source_id
    RETURNING held.partition, c.next_offset`.execute(trx);
  return new Map(rows.map(({ partition, next_offset }) => [partition, next_offset]));
}

async function rowOf(db: DatabaseExecutor, topic: string): Promise<TopicRulesRow | undefined> {
  return await db
    .selectFrom('topic_rules')
    .select(TOPIC_RULES_COLUMNS)
    .where('topic', '=', topic)
    .executeTakeFirst();
}

async function rowOfSession(
  session: WriterSession,
  topic: string,
): Promise<TopicRulesRow | undefined> {
  const [row] = await session.query<TopicRulesRow>(
    `SELECT ${TOPIC_RULES_COLUMNS.join(', ')} FROM topic_rules WHERE topic = $1::text`,
    [topic],
    'read-topic-rules',
  );
  return row;
}

/** Rules as they stand in their row. */
export function topicRulesOf(row: TopicRulesRow): TopicRules {
  return {
    valueFormat: row.value_format,
    amountsAsStrings: row.amounts_as_strings,
    futureToleranceMs: row.future_tolerance_seconds * SECOND_MS,
  };
}

function rowFor(rules: TopicRules): TopicRulesRow {
  return {
    value_format: rules.valueFormat,
    amounts_as_strings: rules.amountsAsStrings,
    future_tolerance_seconds: rules.futureToleranceMs / SECOND_MS,
  };
}
