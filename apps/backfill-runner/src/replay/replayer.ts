import { readTopicRules, type Database } from '@adtally/db';
import type { DecodeLimits } from '@adtally/event-schema';
import { compareClaim, readBy, type BatchCommitter, type WriterLink } from '@adtally/pipeline';
import type { Lane } from './lane.ts';
import { patiently } from './patiently.ts';
import { ReplayStopped, type RangeReader } from './range-reader.ts';
import type { ReplayBatch } from './replay-batch.ts';
import type { ReplayBoard } from './replay-board.ts';
import type { ReplayPace } from './replay-pace.ts';
import { advanceReplayAlone } from './runs/advance-replay.ts';
import { toldOutcomes } from './runs/told-outcomes.ts';

export interface ReplayerParts {
  readonly db: Database;
  readonly link: WriterLink;
  readonly committer: BatchCommitter;
  readonly reader: RangeReader;
  readonly batch: ReplayBatch;
  readonly pace: ReplayPace;
  readonly board: ReplayBoard;
}

export interface ReplayerOptions {
  readonly batchMax: number;
  readonly topic: string;
  readonly limits: DecodeLimits;
}

/**
 * - `passed`: the lane is at its end
 * - `lost`: another worker has claimed it, since our session was gone for a while
 * - `cancelled`: by an operator
 * - `interrupted`: by the signal
 */
export type LaneOutcome = 'passed' | 'lost' | 'cancelled' | 'interrupted';

/** Passes claimed lanes, batch by batch. */
export class Replayer {
  readonly #parts: ReplayerParts;
  readonly #options: ReplayerOptions;
  readonly #signal: AbortSignal;

  /** The signal ends it after the batch in hand, or while it waits. */
  constructor(parts: ReplayerParts, options: ReplayerOptions, signal: AbortSignal) {
    this.#parts = parts;
    this.#options = options;
    this.#signal = signal;
  }

  /** @throws ReplayStopped where it cannot go on, and what a person must look at */
  async pass(lane: Lane): Promise<LaneOutcome> {
    const { pace, reader } = this.#parts;
    try {
      while (lane.state.next < lane.end) {
        if (!(await pace.mayGoOn(this.#signal))) return 'cancelled';
        if (this.#signal.aborted) return 'interrupted';
        if (!(await this.#next(lane))) return 'lost';
      }
      return 'passed';
    } finally {
      reader.stop();
    }
  }

  /** The next batch; false where the lane is no longer ours. */
  async #next(lane: Lane): Promise<boolean> {
    const { batch, reader, committer, db, pace, board } = this.#parts;
    const { batchMax, topic, limits } = this.#options;
    const { next } = lane.state;
    const ask = <T>(doing: string, question: () => Promise<T>) =>
      patiently(doing, this.#signal, question);
    batch.open(lane);
    const records = pace.batchMax(batchMax);
    await ask('reading the topic', () => reader.fill(batch, records, this.#signal));
    await ask('looking at the topic', () => reader.confirmTopic());
    if (batch.readOffset === next) return true;
    const told = await ask('asking what was decided', () =>
      toldOutcomes(db, lane.eventsSourceId, next, batch.readOffset),
    );
    // With each batch: a replay may run for days, and no claim of it ends where they change.
    const rules = await ask('reading the rules of the topic', () => readTopicRules(db, topic));
    batch.classify(
      { horizonMs: committer.horizonMs, partitions: null, ...readBy(limits, rules) },
      told,
    );
    if (!(await this.#commit(batch, lane))) return false;
    pace.passed(batch.count);
    board.reached(lane.claim.sourceId, lane.state.next, batch.count);
    return true;
  }

  async #commit(batch: ReplayBatch, lane: Lane): Promise<boolean> {
    const { committer, link } = this.#parts;
    const { fenced } = await committer.commit(batch.work, this.#signal);
    if (fenced.length > 0) return await this.#isLost(lane);
    const reached = batch.reached();
    if (batch.events === 0) {
      const isOurs = await patiently('writing how far the replay is', this.#signal, async () =>
        advanceReplayAlone(await link.session(this.#signal), lane.claim, lane.state, reached),
      );
      if (!isOurs) return await this.#isLost(lane);
    }
    lane.state = reached;
    lane.claim.committedOffset = reached.written;
    return true;
  }

  /** False where another worker has the lane. @throws ReplayStopped where the database takes it from nobody */
  async #isLost({ claim }: Lane): Promise<false> {
    const cursors = await this.#parts.link.cursors(this.#signal);
    const loss = compareClaim(claim, cursors.get(claim.sourceId));
    if (loss?.code === 'claimed_elsewhere') return false;
    const detail = loss?.detail ?? `source ${claim.sourceId} does not stand where its run was left`;
    throw new ReplayStopped(`the database is behind what it acknowledged: ${detail}`);
  }
}
