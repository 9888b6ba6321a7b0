import { readIngestLag } from '@adtally/analytics';
import { advanceReplayAlone } from './runs/advance-replay.ts';
import { toldOutcomes } from './runs/told-outcomes.ts';
import { readTopicRules, type Database } from '@adtally/db';
import type { DecodeLimits } from '@adtally/event-schema';
import { Abandoned, Backoff, pause } from '@adtally/pacing';
import {
  compareClaim,
  isPassing,
  readBy,
  type BatchCommitter,
  type WriterLink,
} from '@adtally/pipeline';
import type { Lane } from './lane.ts';
import { ReplayStopped, type RangeReader } from './range-reader.ts';
import type { ReplayBatch } from './replay-batch.ts';

export interface ReplayerParts {
  readonly db: Database;
  readonly link: WriterLink;
  readonly committer: BatchCommitter;
  readonly reader: RangeReader;
  readonly batch: ReplayBatch;
  readonly onProgress: (progress: ReplayProgress) => void;
}

export interface ReplayerOptions {
  readonly batchMax: number;
  /** Records a second; null = as fast as it goes. */
  readonly rate: number | null;
  /** Ingest lag, in records, above which it waits. */
  readonly lagMaxRecords: number;
  readonly topic: string;
  readonly limits: DecodeLimits;
}

export interface ReplayProgress {
  readonly offsetsDone: number;
  readonly offsetsTotal: number;
  /** Records read by this process. */
  readonly records: number;
  readonly elapsedMs: number;
  readonly waitsFor: 'ingest' | null;
}

const WAIT_MS = 250;
const LAG_EVERY_MS = 1_000;
const RETRY_FIRST_MS = 50;
const RETRY_LAST_MS = 5_000;

/** Works claimed lanes off, one after the other, batch by batch. */
export class Replayer {
  readonly #parts: ReplayerParts;
  readonly #options: ReplayerOptions;
  readonly #signal: AbortSignal;
  readonly #startedMs = performance.now();
  #lanes: readonly Lane[] = [];
  #records = 0;
  #lag = 0;
  #lagReadMs = Number.NEGATIVE_INFINITY;
  /** When the rate allows the next batch. Time in which nothing was done is not made up for. */
  #notBeforeMs = 0;

  /** The signal ends it after the batch in hand, or while it waits. */
  constructor(parts: ReplayerParts, options: ReplayerOptions, signal: AbortSignal) {
    this.#parts = parts;
    this.#options = options;
    this.#signal = signal;
  }

  /** @throws ReplayStopped where it cannot go on, and what a person must look at */
  async run(lanes: readonly Lane[]): Promise<'done' | 'interrupted'> {
    this.#lanes = lanes;
    try {
      for (const lane of lanes) {
        while (lane.state.next < lane.end) {
          await this.#mayGoOn();
          if (this.#signal.aborted) return 'interrupted';
          await this.#next(lane);
        }
      }
      return 'done';
    } catch (error) {
      if (error instanceof Abandoned) return 'interrupted';
      throw error;
    } finally {
      this.#parts.reader.stop();
    }
  }

  async #next(lane: Lane): Promise<void> {
    const { batch, reader, committer, db } = this.#parts;
    const { batchMax, rate, topic, limits } = this.#options;
    const { next } = lane.state;
    batch.open(lane);
    // A slow replay is to answer signals too.
    const records = Math.min(batchMax, rate ?? batchMax);
    await this.#patiently('reading the topic', () => reader.fill(batch, records, this.#signal));
    await this.#patiently('looking at the topic', () => reader.confirmTopic());
    if (batch.readOffset === next) return;
    const told = await this.#patiently('asking what was decided', () =>
      toldOutcomes(db, lane.eventsSourceId, next, batch.readOffset),
    );
    // With each batch: a replay may run for days, and no claim of it ends where they change.
    const rules = await this.#patiently('reading the rules of the topic', () =>
      readTopicRules(db, topic),
    );
    batch.classify(
      { horizonMs: committer.horizonMs, partitions: null, ...readBy(limits, rules) },
      told,
    );
    await this.#commit(batch, lane);
    this.#records += batch.count;
    if (rate !== null) {
      const earliestMs = Math.max(performance.now(), this.#notBeforeMs);
      this.#notBeforeMs = earliestMs + (batch.count / rate) * 1_000;
    }
    this.#tell(null);
  }

  async #commit(batch: ReplayBatch, lane: Lane): Promise<void> {
    const { committer, link } = this.#parts;
    const { fenced } = await committer.commit(batch.work, this.#signal);
    if (fenced.length > 0) throw await this.#lost(lane);
    const reached = batch.reached();
    if (batch.events === 0) {
      const isOurs = await this.#patiently('writing how far the replay is', async () =>
        advanceReplayAlone(await link.session(this.#signal), lane.claim, lane.state, reached),
      );
      if (!isOurs) throw await this.#lost(lane);
    }
    lane.state = reached;
    lane.claim.committedOffset = reached.written;
  }

  /** Waits while ingest is behind or the rate is used up. */
  async #mayGoOn(): Promise<void> {
    const { db } = this.#parts;
    while (!this.#signal.aborted) {
      const nowMs = performance.now();
      if (nowMs - this.#lagReadMs >= LAG_EVERY_MS) {
        this.#lagReadMs = nowMs;
        this.#lag = await this.#patiently('reading the lag of ingest', () => readIngestLag(db));
      }
      const isBehind = this.#lag > this.#options.lagMaxRecords;
      const leftMs = isBehind ? WAIT_MS : Math.min(WAIT_MS, this.#notBeforeMs - nowMs);
      if (leftMs <= 0) return;
      if (isBehind) this.#tell('ingest');
      await pause(leftMs, this.#signal);
    }
  }

  /** Asks again for as long as a server is away. Throws `Abandoned` when the signal fires. */
  async #patiently<T>(doing: string, ask: () => Promise<T>): Promise<T> {
    const backoff = new Backoff(RETRY_FIRST_MS, RETRY_LAST_MS);
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (!isPassing(error)) throw error;
        await backoff.wait(this.#signal, doing);
      }
    }
  }

  /** Why the database takes nothing more of us for this lane. */
  async #lost({ claim }: Lane): Promise<ReplayStopped> {
    const cursors = await this.#parts.link.cursors(this.#signal);
    const loss = compareClaim(claim, cursors.get(claim.sourceId));
    if (loss?.code === 'claimed_elsewhere') {
      return new ReplayStopped('another process has taken the replay over');
    }
    const detail = loss?.detail ?? `source ${claim.sourceId} does not stand where its run was left`;
    return new ReplayStopped(`the database is behind what it acknowledged: ${detail}`);
  }

  #tell(waitsFor: ReplayProgress['waitsFor']): void {
    const left = this.#lanes.reduce((sum, { end, state }) => sum + end - state.next, 0);
    const total = this.#lanes.reduce((sum, { end, first }) => sum + end - first, 0);
    this.#parts.onProgress({
      offsetsDone: total - left,
      offsetsTotal: total,
      records: this.#records,
      elapsedMs: performance.now() - this.#startedMs,
      waitsFor,
    });
  }
}
