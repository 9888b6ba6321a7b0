import { setTimeout as sleep } from 'node:timers/promises';
import { isTransientError, type Database } from '@adtally/db';
import { attendBackfill, type Backfill, endBackfill, readBackfill } from './backfills.ts';
import { claimRange, type CohortRange } from './bases.ts';
import { TIMELESS } from './cohorts.ts';
import { readDefinitions, type RollupDefinition } from './definitions.ts';
import { readIngestLag } from './ingest-lag.ts';
import { refusePurgedSince } from './plan-backfill.ts';
import { takeNextBase } from './take-base.ts';
import { takeOverNext } from './taken-over.ts';
import { claimTimeless } from './versions.ts';

export interface WorkOptions {
  /** Bases taken at the same time, each on a connection of its own. */
  readonly parallelism: number;
  /** Most rows in one base, as far as whole cohorts allow. */
  readonly baseRows: number;
  /** Ingest lag, in records, above which a backfill waits. */
  readonly lagMaxRecords: number;
  readonly onProgress: (progress: BackfillProgress) => void;
  /** Ends it after the bases in hand; it can be resumed. */
  readonly signal: AbortSignal;
}

export interface BackfillProgress {
  readonly runId: bigint;
  readonly basesDone: number;
  readonly basesTotal: number;
  /** Events summed up by this process. */
  readonly events: number;
  readonly elapsedMs: number;
  /** Why it does not move just now. */
  readonly waitsFor: 'ingest' | 'resume' | 'the database' | null;
}

/**
 * - `done`: every base of the range was taken by this backfill
 * - `cancelled`: an operator ended it; what it took stays
 * - `interrupted`: the signal; it is paused and can be resumed
 */
export type BackfillOutcome = 'done' | 'cancelled' | 'interrupted';

/** What a process at a backfill does while that is in a state; what others ended has no bases left. */
const IN_STATE: Readonly<Record<Backfill['state'], 'work' | 'wait' | 'stop'>> = {
  running: 'work',
  paused: 'wait',
  cancelled: 'stop',
  done: 'work',
  failed: 'work',
};

const CLAIM_BASES = 200;
const ATTEND_MS = 1_000;
const WAIT_MS = 500;

/**
 * Works a backfill off to its end: claims bases where there are none yet, then takes every base of its
 * range once more. A base carries the number of the backfill that took it last, in the transaction that
 * takes it, so that after a kill at any moment, and with several processes at it, each is taken and none
 * is counted twice.
 *
 * @throws RefusedError where events of its range were purged since it began: what is left cannot be taken
 */
export async function workBackfill(
  db: Database,
  runId: bigint,
  options: WorkOptions,
): Promise<BackfillOutcome> {
  const backfill = await readBackfill(db, runId);
  const definition = (await readDefinitions(db)).find(
    ({ version }) => version === backfill.version,
  );
  if (definition === undefined) throw new Error(`there is no version ${backfill.version}`);
  const work = new BackfillWork(db, backfill, definition, options);
  try {
    return await work.run();
  } catch (error) {
    await endBackfill(db, runId, 'failed').catch(() => undefined);
    throw error;
  }
}

class BackfillWork {
  readonly #db: Database;
  readonly #backfill: Backfill;
  readonly #definition: RollupDefinition;
  readonly #options: WorkOptions;
  readonly #startedMs = performance.now();
  #state: Backfill['state'] = 'running';
  #rate: number | null = null;
  #attendedMs = Number.NEGATIVE_INFINITY;
  #lag = 0;
  /** When the rate allows the next base. Time in which nothing was done is not made up for. */
  #notBeforeMs = 0;
  #total = 0;
  #done = 0;
  #events = 0;

  constructor(
    db: Database,
    backfill: Backfill,
    definition: RollupDefinition,
    options: WorkOptions,
  ) {
    this.#db = db;
    this.#backfill = backfill;
    this.#definition = definition;
    this.#options = options;
  }

  async run(): Promise<BackfillOutcome> {
    await this.#claim();
    for (;;) {
      const { basesDone, basesLeft } = await readBackfill(this.#db, this.#backfill.runId);
      this.#done = basesDone;
      this.#total = basesDone + basesLeft;
      if (this.#isOver()) break;
      if (basesLeft === 0) {
        await endBackfill(this.#db, this.#backfill.runId, 'done');
        return 'done';
      }
      const workers = Array.from({ length: this.#options.parallelism }, () => this.#takeAll());
      await Promise.all(workers);
      // What is left may be in another process' hands; then there is nothing to take for a while.
      if (this.#done === basesDone) {
        await refusePurgedSince(this.#db, this.#backfill);
        await this.#pause(null);
      }
    }
    if (this.#state === 'cancelled') return 'cancelled';
    await endBackfill(this.#db, this.#backfill.runId, 'paused');
    return 'interrupted';
  }

  /** Takes over what can never be summed up again, then claims all else that has no base yet. */
  async #claim(): Promise<void> {
    const { range, version } = this.#backfill;
    const timed = { first: range.first < 0n ? 0n : range.first, last: range.last };
    if (range.first === TIMELESS) {
      await claimTimeless(this.#db, version);
      while (await this.#takeOver(timed));
    }
    while (!this.#isOver()) {
      await this.#attend();
      const size = { maxBases: CLAIM_BASES, baseRows: this.#options.baseRows };
      if ((await claimRange(this.#db, version, timed, size)) === 0) return;
    }
  }

  /** Whether there may be more to take over. */
  async #takeOver(range: CohortRange): Promise<boolean> {
    if (this.#isOver()) return false;
    await this.#attend();
    try {
      const wanted = { runId: this.#backfill.runId, range };
      return await takeOverNext(this.#db, this.#definition, wanted);
    } catch (error) {
      if (!isTransientError(error)) throw error;
      await this.#pause('the database');
      return true;
    }
  }

  async #takeAll(): Promise<void> {
    while (await this.#mayGoOn()) {
      try {
        const wanted = { runId: this.#backfill.runId, range: this.#backfill.range };
        const base = await takeNextBase(this.#db, this.#definition, wanted);
        if (base === null) return;
        this.#done += 1;
        this.#events += Number(base.events);
        if (this.#rate !== null) {
          const earliestMs = Math.max(performance.now(), this.#notBeforeMs);
          this.#notBeforeMs = earliestMs + (Number(base.events) / this.#rate) * 1000;
        }
        this.#tell(null);
      } catch (error) {
        if (!isTransientError(error)) throw error;
        await this.#pause('the database');
      }
    }
  }

  /** Waits while it must; false where it is over. */
  async #mayGoOn(): Promise<boolean> {
    for (;;) {
      if (this.#isOver()) return false;
      await this.#attend();
      if (IN_STATE[this.#state] === 'wait') await this.#pause('resume');
      else if (this.#lag > this.#options.lagMaxRecords) await this.#pause('ingest');
      else if (this.#isTooFast()) await this.#pause(null);
      else return !this.#isOver();
    }
  }

  #untilAllowedMs(): number {
    const leftMs = this.#notBeforeMs - performance.now();
    return leftMs > 0 && leftMs < WAIT_MS ? leftMs : WAIT_MS;
  }

  #isOver(): boolean {
    return this.#options.signal.aborted || IN_STATE[this.#state] === 'stop';
  }

  #isTooFast(): boolean {
    return performance.now() < this.#notBeforeMs;
  }

  /** Once a second, whichever worker comes first. */
  async #attend(): Promise<void> {
    const nowMs = performance.now();
    if (nowMs - this.#attendedMs < ATTEND_MS) return;
    this.#attendedMs = nowMs;
    const { state, rate } = await attendBackfill(this.#db, this.#backfill.runId);
    this.#state = state;
    this.#rate = rate;
    this.#lag = await readIngestLag(this.#db);
  }

  async #pause(waitsFor: BackfillProgress['waitsFor']): Promise<void> {
    this.#tell(waitsFor);
    if (this.#isOver()) return;
    const waitMs = waitsFor === null ? this.#untilAllowedMs() : WAIT_MS;
    await sleep(waitMs, undefined, { signal: this.#options.signal }).catch(() => undefined);
  }

  #tell(waitsFor: BackfillProgress['waitsFor']): void {
    this.#options.onProgress({
      runId: this.#backfill.runId,
      basesDone: this.#done,
      basesTotal: this.#total,
      events: this.#events,
      elapsedMs: performance.now() - this.#startedMs,
      waitsFor,
    });
  }
}
