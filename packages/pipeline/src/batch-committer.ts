import {
  CopyEncoder,
  readWriteGuards,
  isTransientError,
  WriteError,
  writeBatch,
  type Frontier,
  type SourceCounts,
} from '@adtally/db';
import type { Deduplicator } from '@adtally/dedup';
import { inStep, type Logger } from '@adtally/telemetry';
import { BatchPreparer } from './batch-preparer.ts';
import type { BatchWork } from './batch-work.ts';
import {
  distrust,
  firstAttempt,
  noteRefusal,
  type Attempt,
  type CommitOutcome,
} from './commit-attempt.ts';
import type { CommitCompanion } from './commit-companion.ts';
import { BLAMED_AS, isolateRows, ProbeInterrupted } from './isolate-rows.ts';
import type { CommitMetrics } from './metrics.ts';
import { Guesses } from './guesses.ts';
import type { HoldUps } from './reports/hold-ups.ts';
import { reasonOf } from './wait-reason.ts';
import type { WriterLink } from './writer-link.ts';

export interface CommitterOptions {
  /** How often a batch meets a transient refusal of its rows before single rows are suspected... */
  readonly transientAttempts: number;
  /** ...and for how long at least. */
  readonly transientBudgetMs: number;
  /**
   * Whether a row that is alone in its batch may be blamed although no sibling got through: right where a
   * blamed row comes back by itself.
   */
  readonly mayBlameAlone?: boolean;
}

export interface CommitterParts {
  readonly link: WriterLink;
  readonly dedup: Deduplicator;
  readonly companion: CommitCompanion;
  readonly metrics: CommitMetrics;
  readonly log: Logger;
  /** Told why a batch waits, where somebody looks. */
  readonly holdUps?: HoldUps;
}

/** Refusals that no row explains (an operator may just have dropped a constraint) before we stop. */
const UNEXPLAINED_MAX = 3;

/** Not now, whatever the batch: read-only, without resources, without a working disk. */
const OF_THE_SERVER = /^(?:25006|53\w{3}|58\w{3})$/;

/** Steps 4 to 7 of the commit protocol for one batch: route, dead-letter, write. */
export class BatchCommitter {
  readonly #parts: CommitterParts;
  readonly #options: CommitterOptions;
  readonly #preparer: BatchPreparer;
  readonly #encoder = new CopyEncoder();
  readonly #frontier: Frontier = { ms: 0 };
  readonly #guesses = new Guesses();

  constructor(parts: CommitterParts, options: CommitterOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#preparer = new BatchPreparer(parts);
  }

  /** The retention horizon that batches are held against. */
  get horizonMs(): number {
    return this.#preparer.horizonMs;
  }

  set horizonMs(horizonMs: number) {
    this.#preparer.horizonMs = horizonMs;
  }

  /** Steps 4 and 5, perhaps while the batch before is written; one call at a time. Waits for a DLQ that is away. */
  prepare(work: BatchWork, signal: AbortSignal): Promise<void> {
    return inStep(work.trace, 'prepare', () => this.#preparer.prepare(work, signal));
  }

  /**
   * Returns once every source of the batch is committed or fenced; prepares it where nobody did. Waits for as
   * long as the database or the DLQ is away. Throws `Abandoned` when the signal fires, and anything that must
   * stop the service.
   */
  async commit(work: BatchWork, signal: AbortSignal): Promise<CommitOutcome> {
    const attempt = firstAttempt(work, this.#guesses.trust);
    const { companion } = this.#parts;
    if (!work.isPrepared) await this.prepare(work, signal);
    // It was prepared while the batch before it found the horizon moved.
    await this.#preparer.expire(work, signal);
    let counts: readonly SourceCounts[] | null = null;
    while (counts === null && work.spans.size > 0) {
      const session = await this.#parts.link.session(signal);
      const writeStartedMs = performance.now();
      try {
        counts = await inStep(work.trace, 'write', () =>
          writeBatch(session, this.#encoder, work.batch, work.ranges(), {
            horizonMs: this.horizonMs,
            frontier: this.#frontier,
            trust: attempt.trust,
            alongside: (open, written) => {
              attempt.written = written;
              return companion.writeAlongside(open, written);
            },
          }),
        );
        this.#parts.metrics.batchWriteSeconds.record((performance.now() - writeStartedMs) / 1000);
        if (attempt.written !== null) this.#guesses.note(attempt.written);
      } catch (error) {
        if (!(error instanceof WriteError)) throw error;
        this.#parts.holdUps?.note('commit', { ...reasonOf(error), code: 'batch_not_taken' });
        await this.#recover(attempt, error, signal);
      }
    }
    this.#parts.holdUps?.end('commit');
    this.#parts.link.noteTaken();
    return { counts: counts ?? [], fenced: attempt.fenced };
  }

  /** Makes the batch ready for its next try, or throws. */
  async #recover(attempt: Attempt, error: WriteError, signal: AbortSignal): Promise<void> {
    const { failure } = error;
    const { metrics, log } = this.#parts;
    switch (failure.kind) {
      case 'fenced':
        this.#drop(attempt, failure.sourceIds);
        return;
      case 'horizon_moved':
        await this.#reclassify(attempt, signal);
        return;
      case 'frontier_moved':
        // writeBatch knows it now, and notes more.
        return;
      case 'key_taken':
        metrics.copyFallbacks.add(1);
        distrust(attempt);
        return;
      case 'outcome_unknown':
        metrics.databaseErrors.add(1, { class: 'outcome_unknown' });
        log.warn({ err: error }, 'the database session was lost; asking what was committed');
        await this.#resolve(attempt, signal);
        return;
      case 'transient':
        metrics.databaseErrors.add(1, { class: 'transient' });
        log.warn(
          { err: error, attempt: attempt.backoff.attempts + 1 },
          'batch not taken yet, retrying',
        );
        if (OF_THE_SERVER.test(failure.sqlState)) this.#parts.link.noteRefused(error);
        if (failure.phase === 'events') noteRefusal(attempt, failure.sqlState);
        await this.#waitOrSuspect(attempt, error, signal);
        return;
      case 'refused':
        metrics.databaseErrors.add(1, { class: 'refused' });
        this.#parts.link.noteRefused(error);
        await attempt.backoff.wait(signal, 'writing a batch');
        return;
      case 'data':
        metrics.databaseErrors.add(1, { class: 'data' });
        await this.#rejectCulprits(attempt, error, false, signal);
        return;
      case 'bug':
        if (await this.#dropStale(attempt, signal)) return;
        metrics.databaseErrors.add(1, { class: 'fatal' });
        throw error;
      default:
        // Coming back from here means trying again: a kind nobody decided on would do so at once, for ever.
        throw new Error(`undecided: ${JSON.stringify(failure satisfies never)}`, { cause: error });
    }
  }

  /** The rows of these sources are somebody else's to write now. */
  #drop(attempt: Attempt, sourceIds: readonly number[]): void {
    this.#parts.metrics.fenced.add(sourceIds.length);
    for (const sourceId of sourceIds) {
      attempt.work.dropSource(sourceId);
      attempt.fenced.push(sourceId);
    }
  }

  async #reclassify(attempt: Attempt, signal: AbortSignal): Promise<void> {
    const session = await this.#parts.link.session(signal);
    try {
      this.horizonMs = (await readWriteGuards(session)).horizonMs;
    } catch (error) {
      if (!isTransientError(error)) throw error;
      // The next try meets the moved horizon again, on another session where this one is lost.
      await attempt.backoff.wait(signal, 'reading the retention horizon');
      return;
    }
    await this.#preparer.expire(attempt.work, signal);
  }

  /** The answer to COMMIT was lost: the cursors say what happened, source by source. */
  async #resolve(attempt: Attempt, signal: AbortSignal): Promise<void> {
    const cursors = await this.#parts.link.renew(signal);
    const { work } = attempt;
    const fenced: number[] = [];
    for (const range of work.ranges()) {
      const cursor = cursors.get(range.sourceId);
      if (cursor?.nextOffset === range.end) {
        this.#parts.metrics.ambiguousCommits.add(1, { resolution: 'committed' });
        work.dropSource(range.sourceId);
      } else if (cursor?.nextOffset === range.first && cursor.epoch === range.epoch) {
        this.#parts.metrics.ambiguousCommits.add(1, { resolution: 'retried' });
      } else {
        this.#parts.metrics.ambiguousCommits.add(1, { resolution: 'fenced' });
        fenced.push(range.sourceId);
      }
    }
    this.#drop(attempt, fenced);
    // A server that goes down at each try must not be hammered.
    if (work.spans.size > 0) await attempt.backoff.wait(signal, 'writing a batch again');
  }

  /**
   * Before a failure counts as a bug: the next owner may have written these very records, and our rows
   * beside the events (references, conflicts) then meet its own. Returns whether to try again.
   */
  async #dropStale(attempt: Attempt, signal: AbortSignal): Promise<boolean> {
    try {
      const cursors = await this.#parts.link.cursors(signal);
      const stale = attempt.work
        .ranges()
        .filter(({ sourceId, epoch }) => cursors.get(sourceId)?.epoch !== epoch)
        .map(({ sourceId }) => sourceId);
      this.#drop(attempt, stale);
      return stale.length > 0;
    } catch (error) {
      if (!isTransientError(error)) throw error;
      await attempt.backoff.wait(signal, 'asking who owns the partitions');
      return true;
    }
  }

  async #waitOrSuspect(attempt: Attempt, error: WriteError, signal: AbortSignal): Promise<void> {
    const waitedMs = performance.now() - attempt.startedMs;
    const { transientAttempts, transientBudgetMs } = this.#options;
    if (attempt.rowRefusals >= transientAttempts && waitedMs >= transientBudgetMs) {
      attempt.rowRefusals = 0;
      await this.#rejectCulprits(attempt, error, true, signal);
      return;
    }
    await attempt.backoff.wait(signal, 'writing a batch');
  }

  /**
   * Finds the rows that fail alone and dead-letters them, so that their siblings can go on: those the
   * database refuses, and once the budget is spent also those it does not take for now.
   */
  async #rejectCulprits(
    attempt: Attempt,
    error: WriteError,
    isBudgetSpent: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const { batch } = attempt.work;
    const session = await this.#parts.link.session(signal);
    try {
      const { culprits, wasDisturbed } = await isolateRows(session, batch, signal, {
        mayBlameAlone: this.#options.mayBlameAlone === true,
      });
      const blamed = culprits.filter(({ failure }) => isBudgetSpent || failure.kind === 'data');
      for (const { row, failure } of blamed) {
        const code = BLAMED_AS[failure.kind];
        const message = `PostgreSQL refuses this row: SQLSTATE ${failure.sqlState}`;
        batch.reject(row, { code, message });
      }
      const rows = blamed.map(({ row }) => row);
      await this.#preparer.secure(attempt.work, rows, signal);
      if (blamed.length > 0) return;
      if (!wasDisturbed) this.#noteUnexplained(attempt, error);
    } catch (interruption) {
      if (!(interruption instanceof ProbeInterrupted)) throw interruption;
      this.#parts.log.warn(
        { failure: interruption.failure.kind },
        'bisecting interrupted, retrying',
      );
    }
    await attempt.backoff.wait(signal, 'finding the rows the database refuses');
  }

  /** Refused together, taken alone: no row can be blamed, so nothing may be dropped. */
  #noteUnexplained(attempt: Attempt, error: WriteError): void {
    if (error.failure.kind !== 'data') return;
    attempt.unexplained += 1;
    // The probes took every row the verified way.
    attempt.trust = 'nothing';
    if (attempt.unexplained >= UNEXPLAINED_MAX) throw error;
  }
}
