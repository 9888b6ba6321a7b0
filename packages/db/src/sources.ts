import { sql } from 'kysely';
import type { Database, DatabaseExecutor } from './database.ts';
import { type Operator, requireSigned } from './operator-actions.ts';
import type { SourceKind } from './schema.ts';

/** A source with its cursor, as an operator sees it. Offsets are the topic's. */
export interface SourceStatus {
  readonly sourceId: number;
  readonly kind: SourceKind;
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly run: string;
  readonly nextOffset: bigint;
  readonly epoch: bigint;
  /** Who wrote last and has not said goodbye. */
  readonly owner: string | null;
  readonly claimedAt: Date | null;
  /** The topic's end as a consumer last noted it; the true end may lie further. */
  readonly knownEndOffset: bigint | null;
  readonly haltedCode: string | null;
  readonly haltedDetail: string | null;
  readonly haltedAt: Date | null;
  /** Where reading goes on once the loss is accepted; null where no offset can be named. */
  readonly haltedResumeAt: bigint | null;
  readonly closedAt: Date | null;
}

/** All sources, by kind, topic and partition. */
export async function listSources(db: DatabaseExecutor): Promise<SourceStatus[]> {
  return await db
    .selectFrom('sources as s')
    .innerJoin('cursors as c', 'c.source_id', 's.source_id')
    .select([
      's.source_id as sourceId',
      's.kind',
      's.topic',
      's.topic_id as topicId',
      's.partition',
      's.run',
      'c.next_offset as nextOffset',
      'c.epoch',
      'c.owner',
      'c.claimed_at as claimedAt',
      'c.known_end_offset as knownEndOffset',
      'c.halted_code as haltedCode',
      'c.halted_detail as haltedDetail',
      'c.halted_at as haltedAt',
      'c.halted_resume_at as haltedResumeAt',
      's.closed_at as closedAt',
    ])
    .orderBy('s.kind')
    .orderBy('s.topic')
    .orderBy('s.partition')
    .orderBy('s.source_id')
    .execute();
}

/** Where sources stand and under which epoch, by source id; one the database does not know is absent. */
export async function readCursors(
  db: DatabaseExecutor,
  sourceIds: readonly number[],
): Promise<Map<number, { nextOffset: number; epoch: number }>> {
  const rows = await db
    .selectFrom('cursors')
    .select(['source_id', 'next_offset', 'epoch'])
    .where('source_id', 'in', sourceIds)
    .execute();
  return new Map(
    rows.map((row) => [
      row.source_id,
      { nextOffset: Number(row.next_offset), epoch: Number(row.epoch) },
    ]),
  );
}

export interface AcceptLossRequest extends Operator {
  readonly sourceId: number;
  /**
   * Where to go on, instead of where the halt says: from the cursor, where nothing is lost and the place is read
   * again, to the log's end.
   */
  readonly resumeAt?: bigint | undefined;
}

export type AcceptLossResult =
  | {
      readonly outcome: 'accepted';
      /** Offsets written into the ledger as lost. */
      readonly lost: bigint;
      readonly nextOffset: bigint;
      /** True where the topic or its log is gone, and its source will not be written again. */
      readonly closed: boolean;
      /** The source that counts on in its place, where the log has other records than were counted. */
      readonly successor: Successor | null;
    }
  | { readonly outcome: 'not-halted' }
  /** No offset is known to go on at, or the one that was named is none; `detail` is a sentence for people. */
  | { readonly outcome: 'refused'; readonly detail: string }
  | { readonly outcome: 'unknown-source' };

/** Of a log that was cut below its cursor, and is another from there on. */
export interface Successor {
  readonly sourceId: number;
  /** Where it begins: before that the log has what was counted. */
  readonly nextOffset: bigint;
  /** Where the former log was last known to end. */
  readonly formerEnd: bigint;
}

const NOT_HALTED = 'ADT03';
const NO_SUCH_RESUME = 'ADT06';
const NO_DATA_FOUND = 'P0002';

interface AcceptedRow {
  readonly lost: bigint;
  readonly nextOffset: bigint;
  readonly closed: boolean;
  readonly successor: number | null;
  readonly successorAt: bigint | null;
  readonly formerEnd: bigint | null;
}

/**
 * Ends a halt, the loss written into the ledger (I9). Consumers go on at their next claim.
 *
 * @throws Error where actor or reason is blank
 */
export async function acceptLoss(
  db: DatabaseExecutor,
  request: AcceptLossRequest,
): Promise<AcceptLossResult> {
  requireSigned('accepting a loss', request);
  try {
    const { rows } = await sql<AcceptedRow>`
      SELECT lost, next_offset AS "nextOffset", closed, successor, successor_at AS "successorAt",
             former_end AS "formerEnd"
      FROM accept_loss(${request.sourceId}::int, ${request.actor}, ${request.reason},
                       ${request.resumeAt?.toString() ?? null}::bigint)`.execute(db);
    const [row] = rows;
    if (row === undefined) throw new Error('accept_loss answered nothing');
    const { lost, nextOffset, closed, successor: sourceId, successorAt, formerEnd } = row;
    const successor =
      sourceId === null || successorAt === null || formerEnd === null
        ? null
        : { sourceId, nextOffset: successorAt, formerEnd };
    return { outcome: 'accepted', lost, nextOffset, closed, successor };
  } catch (error) {
    const { code, message: detail } = error as Error & { code?: string };
    if (code === NO_SUCH_RESUME) return { outcome: 'refused', detail };
    if (code === NOT_HALTED) return { outcome: 'not-halted' };
    if (code === NO_DATA_FOUND) return { outcome: 'unknown-source' };
    throw error;
  }
}

/**
 * What accepting would come to: it is carried out and taken back, so a successor is named by a number that it will not
 * have.
 */
export async function lossToAccept(
  db: Database,
  request: Pick<AcceptLossRequest, 'sourceId' | 'resumeAt'>,
): Promise<AcceptLossResult> {
  const trx = await db.startTransaction().execute();
  try {
    return await acceptLoss(trx, { ...request, actor: 'nobody', reason: 'only a look' });
  } finally {
    await trx.rollback().execute();
  }
}

/**
 * Notes the topic's end offsets: what is lost should the topic vanish before it is read. An end
 * never goes back; rows are locked in the order commits lock them.
 */
export async function noteKnownEnds(
  db: Database,
  endOffsets: ReadonlyMap<number, bigint>,
): Promise<void> {
  if (endOffsets.size === 0) return;
  const sourceIds = [...endOffsets.keys()];
  const ends = [...endOffsets.values()].map(String);
  await sql`
    WITH noted AS (
      SELECT c.source_id, n.end_offset
      FROM cursors c
      JOIN unnest(${sourceIds}::int[], ${ends}::bigint[]) AS n (source_id, end_offset) USING (source_id)
      WHERE c.known_end_offset IS NULL OR c.known_end_offset < n.end_offset
      ORDER BY c.source_id FOR UPDATE OF c
    )
    UPDATE cursors c SET known_end_offset = noted.end_offset
    FROM noted WHERE c.source_id = noted.source_id`.execute(db);
}
