import {
  CopyEncoder,
  insertSource,
  writeBatch,
  type Database,
  type SourceRange,
  type WriterSession,
} from '@adtally/db';
import {
  asConsumer,
  batchOf,
  migratedDatabase,
  openSession,
  rangeOf,
  type RowSpec,
} from '@adtally/db/testing';
import { advanceReplay, type ReplayState } from '../../src/replay/runs/advance-replay.ts';
import { claimPartition, type ReplayClaim } from '../../src/replay/runs/claim-partition.ts';
import { createReplay } from '../../src/replay/runs/create-replay.ts';
import { listReplays, type ReplayPartition } from '../../src/replay/runs/find-replays.ts';

const encoder = new CopyEncoder();
/** The range of every partition of a run. */
export const RANGE = { first: 100, end: 200 };

/** A state of a partition whose next offset follows from what it passed. */
export function stateOf(passed: Partial<ReplayState>): ReplayState {
  const counts = {
    written: 0,
    rejected: 0,
    refused: 0,
    discarded: 0,
    knownConflicts: 0,
    gap: 0,
    missing: 0,
  };
  const of = { ...counts, codes: {}, ...passed };
  const { written, rejected, refused, discarded, knownConflicts, gap, missing } = of;
  const counted = written + rejected + refused + discarded + knownConflicts;
  const next = RANGE.first + counted + gap + missing;
  return { next, ...of };
}

/** A database with runs of a replay over the same partitions; no topic, no process. */
export class ReplayRuns {
  readonly db: Database;
  readonly #database: Awaited<ReturnType<typeof migratedDatabase>>;
  readonly #sessions: WriterSession[] = [];
  readonly #eventsSourceIds: readonly number[];

  private constructor(
    database: Awaited<ReturnType<typeof migratedDatabase>>,
    eventsSourceIds: readonly number[],
  ) {
    this.db = database.db;
    this.#database = database;
    this.#eventsSourceIds = eventsSourceIds;
  }

  static async open(): Promise<ReplayRuns> {
    const database = await migratedDatabase();
    const topic = { kind: 'events', topic: 'events', topicId: 'events-id' } as const;
    const sourceIds = [
      await insertSource(database.db, { ...topic, partition: 0 }, 0n),
      await insertSource(database.db, { ...topic, partition: 1 }, 0n),
    ];
    return new ReplayRuns(database, sourceIds);
  }

  /** Makes a run over RANGE of two partitions, which nobody has claimed. */
  async create(): Promise<bigint> {
    return await createReplay(this.db, {
      actor: 'ann',
      reason: 'a test',
      topic: 'events',
      topicId: 'events-id',
      rate: null,
      ranges: this.#eventsSourceIds.map((eventsSourceId, partition) => ({
        partition,
        eventsSourceId,
        ...RANGE,
        missing: 0,
        beyondCursor: 0,
      })),
    });
  }

  /** The session of another process. */
  async openSession(): Promise<WriterSession> {
    const session = await openSession(this.#database.url);
    this.#sessions.push(session);
    return session;
  }

  /** A new run of which a session of its own holds the first partition. */
  async claimed(): Promise<{ session: WriterSession; runId: bigint; claim: ReplayClaim }> {
    const [runId, session] = [await this.create(), await this.openSession()];
    const claim = await claimPartition(session, runId, 'ours');
    if (claim === null) throw new Error('nothing was claimed');
    return { session, runId, claim };
  }

  async partitions(runId: bigint): Promise<readonly ReplayPartition[]> {
    const [replay] = await listReplays(this.db, runId);
    return replay?.partitions ?? [];
  }

  async close(): Promise<void> {
    await Promise.all(this.#sessions.map((session) => session.close()));
    await this.#database[Symbol.asyncDispose]();
  }
}

/** Writes events at positions [first, end) of a replay's source, and beside them moves the replay. */
export async function writeReplayed(
  session: WriterSession,
  { sourceId, epoch }: Pick<ReplayClaim, 'sourceId' | 'epoch'>,
  positions: Pick<SourceRange, 'first' | 'end'>,
  move: { readonly from: ReplayState; readonly to: ReplayState },
): Promise<void> {
  const rows: RowSpec[] = [];
  for (let offset = positions.first; offset < positions.end; offset += 1) {
    rows.push({ offset, sourceId });
  }
  const range = rangeOf({ sourceId, epoch, ...positions });
  const alongside = (writer: WriterSession) => advanceReplay(writer, sourceId, move.from, move.to);
  await writeBatch(session, encoder, batchOf(rows), [range], asConsumer({ alongside }));
}
