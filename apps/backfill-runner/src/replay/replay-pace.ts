import { readIngestLag } from '@adtally/analytics';
import type { Database } from '@adtally/db';
import { pause } from '@adtally/pacing';
import { patiently } from './patiently.ts';
import type { ReplayBoard } from './replay-board.ts';
import { readOrdered } from './runs/order-replay.ts';

export interface PaceOptions {
  readonly runId: bigint;
  /** Records a second, over all workers of this process; null = as fast as it goes. */
  readonly rate: number | null;
  /** Ingest lag, in records, above which it waits. */
  readonly lagMaxRecords: number;
}

const WAIT_MS = 250;
const LAG_EVERY_MS = 1_000;

/** What holds back all workers of a process alike: an operator's orders, ingest that is behind, the rate. */
export class ReplayPace {
  readonly #db: Database;
  readonly #options: PaceOptions;
  readonly #board: ReplayBoard;
  #lag = 0;
  #lagReadMs = Number.NEGATIVE_INFINITY;
  /** When the rate allows the next batch. Time in which nothing was done is not made up for. */
  #notBeforeMs = 0;

  constructor(db: Database, options: PaceOptions, board: ReplayBoard) {
    this.#db = db;
    this.#options = options;
    this.#board = board;
  }

  /** Most records a batch may have: a slow replay is to obey orders and signals too. */
  batchMax(capacity: number): number {
    return Math.min(capacity, this.#options.rate ?? capacity);
  }

  /** Waits while it must; false once the replay is cancelled. Throws `Abandoned` where a server is away. */
  async mayGoOn(signal: AbortSignal): Promise<boolean> {
    const { runId, lagMaxRecords } = this.#options;
    while (!signal.aborted) {
      const ordered = await patiently('reading what is ordered', signal, () =>
        readOrdered(this.#db, runId),
      );
      if (ordered === 'cancelled') return false;
      const isPaused = ordered === 'paused';
      const isBehind = !isPaused && (await this.#readLag(signal)) > lagMaxRecords;
      const rateMs = Math.min(WAIT_MS, this.#notBeforeMs - performance.now());
      const leftMs = isPaused || isBehind ? WAIT_MS : rateMs;
      if (leftMs <= 0) break;
      if (isPaused) this.#board.waits('resume');
      else if (isBehind) this.#board.waits('ingest');
      await pause(leftMs, signal);
    }
    return true;
  }

  /** So many records were passed. */
  passed(records: number): void {
    const { rate } = this.#options;
    if (rate === null) return;
    const earliestMs = Math.max(performance.now(), this.#notBeforeMs);
    this.#notBeforeMs = earliestMs + (records / rate) * 1_000;
  }

  async #readLag(signal: AbortSignal): Promise<number> {
    const nowMs = performance.now();
    if (nowMs - this.#lagReadMs >= LAG_EVERY_MS) {
      this.#lagReadMs = nowMs;
      this.#lag = await patiently('reading the lag of ingest', signal, () =>
        readIngestLag(this.#db),
      );
    }
    return this.#lag;
  }
}
