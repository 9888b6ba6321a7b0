import { purgeTimelessEvents } from '@adtally/analytics';
import {
  cutConnections,
  type DayArchive,
  dropDays,
  foldLedger,
  openDatabase,
  type Database,
  type WaitFor,
} from '@adtally/db';
import { RecurringTask } from '@adtally/pacing';
import { giveUpAfterMs, type Service } from '@adtally/service';
import type { Logger } from '@adtally/telemetry';
import type { RunnerConfig } from '../env.ts';
import type { RetentionMetrics } from '../metrics.ts';
import { earlierClockMs } from './earlier-clock.ts';

/** What of the configuration retention goes by. */
type RetentionConfig = Pick<
  RunnerConfig,
  'databaseUrl' | 'drainDeadlineMs' | 'eventsRetentionDays' | 'timelessRetentionDays'
>;

export interface RetentionKeeperParts {
  readonly config: RetentionConfig;
  readonly metrics: RetentionMetrics;
  readonly log: Logger;
  /** Where days go before they are dropped; null = nowhere. */
  readonly archive: DayArchive | null;
  /** Milliseconds since 1970; the process' clock where it is not given. The database's counts where it is earlier. */
  readonly now?: () => number;
  /** From the end of one turn to the start of the next. */
  readonly everyMs?: number;
}

const EVERY_MS = 60_000;
/** Within it the ledger tells every batch. */
const FOLDED_AFTER_MS = 7 * 86_400_000;
/** Where a day waits: what it waits for, others are at. */
const AGAIN_MS = 5_000;
const FIRST_AFTER_MS = 5_000;
/** All events are gone through for them so often. */
const PASS_EVERY_MS = 86_400_000;
/** Days are dropped, and the ledger is folded, in between. */
const TIMELESS_BUDGET_MS = 10_000;
/** One holds the lead, one works. */
const CONNECTIONS = 2;

/**
 * Folds old ledger rows, drops days below the retention horizon, and lets old events of ids without a time leave, until it
 * is stopped; any number of processes may.
 */
export class RetentionKeeper implements Service {
  readonly name = 'retention';
  readonly #parts: RetentionKeeperParts;
  readonly #db: Database;
  readonly #task: RecurringTask;
  /** So that a wait is said once. */
  #timelessWaitsFor: WaitFor | undefined;

  constructor(parts: RetentionKeeperParts) {
    this.#parts = parts;
    this.#db = openDatabase(parts.config.databaseUrl, {
      applicationName: 'adtally-backfill-runner-retention',
      maxConnections: CONNECTIONS,
      // A day is read as a whole.
      statementTimeoutMs: 0,
    });
    const { everyMs = EVERY_MS } = parts;
    this.#task = new RecurringTask({
      everyMs,
      firstAfterMs: Math.min(everyMs, FIRST_AFTER_MS),
      run: (signal) => this.#turn(signal),
      // Whoever keeps the rollups beside says that the database is away, and ends where it is hopeless.
      onError: (error) =>
        parts.log.warn({ err: error }, 'a turn of retention failed: it goes on later'),
    });
  }

  async start(): Promise<void> {
    const { config, archive, log } = this.#parts;
    if (config.eventsRetentionDays !== null && archive === null)
      log.warn('old days of events are dropped without an archive: ARCHIVE_URL is not set');
    if (config.timelessRetentionDays !== null)
      log.warn(
        { days: config.timelessRetentionDays },
        'events whose ids are no UUIDv7 leave so many days after their commit, without an archive: an older copy of one would count as new',
      );
    this.#task.start();
  }

  /** Lets the step in hand end, within bounds: what was begun is gone on with later. */
  async stop(): Promise<void> {
    const giveUpMs = giveUpAfterMs(this.#parts.config.drainDeadlineMs);
    const cut = setTimeout(() => cutConnections(this.#db), giveUpMs);
    await this.#task.stop();
    clearTimeout(cut);
    await this.#db.destroy();
  }

  async #turn(signal: AbortSignal): Promise<number | undefined> {
    const { metrics, log, now = Date.now } = this.#parts;
    const nowMs = await earlierClockMs(this.#db, now());
    // First: a day's drop tells each ledger row that stored some of it.
    const folded = await foldLedger(this.#db, { beforeMs: nowMs - FOLDED_AFTER_MS, signal });
    metrics.ledgerRowsFolded.add(folded);
    if (folded > 0) log.info({ rows: folded }, 'old ledger rows were folded');
    const isDaySoon = await this.#dropDays(nowMs, signal);
    const isTimelessSoon = await this.#purgeTimeless(nowMs, signal);
    return isDaySoon || isTimelessSoon ? AGAIN_MS : undefined;
  }

  /** Whether a day waits for what others are at. */
  async #dropDays(nowMs: number, signal: AbortSignal): Promise<boolean> {
    const { config, metrics, log, archive } = this.#parts;
    if (config.eventsRetentionDays === null || signal.aborted) return false;
    const { waiting } = await dropDays(this.#db, {
      nowMs,
      retentionDays: config.eventsRetentionDays,
      archive,
      keepsRollups: true,
      signal,
      onDropped: ({ day, rows }) => {
        metrics.retentionDaysDropped.add(1);
        metrics.retentionRowsPurged.add(Number(rows));
        log.info({ day: day.label, rows: Number(rows) }, 'a day of events was dropped');
      },
      onWait: (day, wait) =>
        log.warn(
          { day: day.label, waits_for: wait.for, detail: wait.detail },
          'a day of events cannot be dropped yet',
        ),
    });
    // What waits for an archive, or failed, is read as a whole at each try.
    return waiting.some(({ wait }) => wait.for !== 'archive' && wait.for !== 'failure');
  }

  /** Whether some are left to be looked at. */
  async #purgeTimeless(nowMs: number, signal: AbortSignal): Promise<boolean> {
    const { config, metrics, log } = this.#parts;
    const { timelessRetentionDays: retentionDays } = config;
    if (retentionDays === null || signal.aborted) return false;
    const { led, rows, isThrough, wait } = await purgeTimelessEvents(this.#db, {
      nowMs,
      retentionDays,
      passEveryMs: PASS_EVERY_MS,
      budgetMs: TIMELESS_BUDGET_MS,
      keepsRollups: true,
      signal,
    });
    metrics.timelessRowsPurged.add(Number(rows));
    if (rows > 0n) log.info({ rows: Number(rows) }, 'old events of ids without a time left');
    if (wait?.for !== this.#timelessWaitsFor && wait !== null) {
      log.warn(
        { waits_for: wait.for, detail: wait.detail },
        'old events of ids without a time cannot leave yet',
      );
    }
    this.#timelessWaitsFor = wait?.for;
    return led && !isThrough;
  }
}
