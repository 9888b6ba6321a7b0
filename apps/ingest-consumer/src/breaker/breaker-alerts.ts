import { firingKeys, requestNotification, type Database } from '@adtally/db';
import type { Logger } from '@adtally/telemetry';
import { setTimeout as delay } from 'node:timers/promises';
import { Abandoned, Backoff } from '@adtally/pacing';
import type { BreakerChange, BreakerSettings } from './rejection-breaker.ts';

export const BREAKER_ALERT = 'RejectionBreakerOpen';

const RETRY_FIRST_MS = 200;
const RETRY_LAST_MS = 5_000;
/** Half a minute or so; then the log, the metric and the next owner must do. */
const ATTEMPTS_MAX = 10;
const WAITING_MAX = 1_000;
const LAST_WORDS_MS = 2_000;
const CODES_NAMED = 3;
const PERCENT = 100;

export interface AlertsOptions {
  readonly topic: string;
  /** This process, as it names itself in cursors. */
  readonly owner: string;
  readonly breaker: BreakerSettings;
}

/** Ends an alert that this process did not fire, or whose end it could not ask for when it came. */
type LateEnd = 'late_end';

interface Job {
  readonly partition: number;
  /** False once the partition is no longer ours: the next owner looks for itself. */
  isWanted(): boolean;
  run(): Promise<void>;
}

/**
 * Asks, beside the loop, that people be told of breakers. One statement at a time and in order; what
 * cannot be written after some tries is given up, since neither reading nor committing may wait for it.
 */
export class BreakerAlerts {
  readonly #db: Database;
  readonly #log: Logger;
  readonly #options: AlertsOptions;
  readonly #stopping = new AbortController();
  readonly #waiting: Job[] = [];
  #working: Promise<void> | null = null;
  /** Partitions whose alert may be firing without a cause: left so by a former owner, or given up here. */
  readonly leftFiring = new Set<number>();

  constructor(db: Database, log: Logger, options: AlertsOptions) {
    this.#db = db;
    this.#log = log;
    this.#options = options;
  }

  /** Looks whether a former owner of this partition left its alert firing. */
  lookForLeftFiring(partition: number, isWanted: () => boolean): void {
    const key = this.#key(partition);
    this.#enqueue({
      partition,
      isWanted,
      run: async () => {
        const [firing] = await firingKeys(this.#db, BREAKER_ALERT, [key]);
        if (firing !== undefined && isWanted()) this.leftFiring.add(partition);
      },
    });
  }

  /**
   * Asks that people be told of a change, or of the late end of an alert that was left firing.
   *
   * @param causes why records were rejected, in words
   */
  report(
    partition: number,
    change: BreakerChange | LateEnd,
    isWanted: () => boolean,
    causes: readonly string[] = [],
  ): void {
    this.leftFiring.delete(partition);
    const { topic, owner, breaker } = this.#options;
    const isFiring = change !== 'late_end' && change.to === 'open';
    const figures = change === 'late_end' ? {} : { cause: change.cause, ...change.figures };
    const request = {
      alert: BREAKER_ALERT,
      key: this.#key(partition),
      status: isFiring ? 'firing' : 'resolved',
      summary: `${this.#key(partition)}: ${this.#sentence(change)}`,
      detail: {
        topic,
        partition,
        ...figures,
        ...(causes.length > 0 && { causes }),
        rejected_share_max: breaker.rejectedShare,
        records_per_second: breaker.recordsPerSecond,
      },
      requestedBy: owner,
    } as const;
    const run = () => requestNotification(this.#db, request);
    this.#enqueue({ partition, isWanted, run });
  }

  /** Writes what waits, for two seconds at most. */
  async stop(): Promise<void> {
    await Promise.race([this.#working, delay(LAST_WORDS_MS, undefined, { ref: false })]);
    this.#stopping.abort();
    this.#waiting.length = 0;
  }

  #enqueue(job: Job): void {
    if (this.#stopping.signal.aborted) return;
    if (this.#waiting.length >= WAITING_MAX) return this.#giveUp(job, 'too many wait');
    this.#waiting.push(job);
    this.#working ??= this.#work();
  }

  async #work(): Promise<void> {
    for (let job = this.#waiting.shift(); job !== undefined; job = this.#waiting.shift()) {
      await this.#try(job);
    }
    // In the same turn as the look that found nothing: what is added from now on starts it again.
    this.#working = null;
  }

  async #try(job: Job): Promise<void> {
    const backoff = new Backoff(RETRY_FIRST_MS, RETRY_LAST_MS);
    while (job.isWanted()) {
      try {
        await job.run();
        return;
      } catch (error) {
        if (backoff.attempts + 1 >= ATTEMPTS_MAX || this.#stopping.signal.aborted) {
          return this.#giveUp(job, error);
        }
      }
      try {
        await backoff.wait(this.#stopping.signal, 'asking for a breaker alert');
      } catch (error) {
        if (!(error instanceof Abandoned)) throw error;
        return;
      }
    }
  }

  /** To be answered later by whatever state the breaker is in then. */
  #giveUp({ partition }: Job, error: unknown): void {
    this.#log.warn({ err: error, partition }, 'breaker alert given up for now');
    this.leftFiring.add(partition);
  }

  #key(partition: number): string {
    return `${this.#options.topic}/${partition}`;
  }

  #sentence(change: BreakerChange | LateEnd): string {
    if (change === 'late_end') return 'read at full speed';
    const { rejected, records, share, codes } = change.figures;
    const { recordsPerSecond } = this.#options.breaker;
    const named = Object.entries(codes).slice(0, CODES_NAMED);
    const most = named.map(([code, count]) => `${code} ${count}`).join(', ');
    const counted =
      `${rejected} of the last ${records} records rejected (${(share * PERCENT).toFixed(0)} %` +
      `${most === '' ? '' : `; ${most}`})`;
    if (change.to === 'closed') {
      const why = change.cause === 'forced' ? 'closed by an operator' : 'recovered';
      return `${why}, ${counted}; read at full speed again`;
    }
    const why = change.cause === 'forced' ? 'opened by an operator' : 'too many rejections';
    return `${why}, ${counted}; read at ${recordsPerSecond} records/s at most`;
  }
}
