import { replaceReports, type Database, type PartitionReport, type Reporter } from '@adtally/db';
import { pause, RecurringTask } from '@adtally/pacing';
import type { Logger } from '@adtally/telemetry';
import type { Beside } from '../loop-service.ts';
import type { Ownership } from '../ownership.ts';
import type { HindranceWatch } from './hindrance-watch.ts';
import type { HoldUps } from './hold-ups.ts';

export interface ReporterParts {
  readonly db: Database;
  readonly ownership: Ownership;
  readonly holdUps: HoldUps;
  readonly hindrances: Pick<HindranceWatch, 'reason'>;
  readonly log: Logger;
}

/** How often it looks whether there is something new to say... */
const LOOK_EVERY_MS = 1_000;
/** ...and says it all again where there is not: what is older than 20 s counts as said by nobody. */
const SAY_EVERY_MS = 5_000;
/** A goodbye that the database does not take: the reports go stale by themselves. */
const GOODBYE_WAIT_MS = 2_000;

/**
 * Says in the database what this member does with each partition that its group grants it, and why it does not get
 * on: whoever looks at a partition that stands still (packages/system-metrics) goes by that. Beside the loop and best
 * effort: a database that does not take it holds up nothing.
 */
export class PartitionReporter implements Beside {
  readonly #parts: ReporterParts;
  readonly #who: Reporter;
  readonly #looking: RecurringTask;
  /** Since when each partition has been in its state, as far as seen from here. */
  #since = new Map<number, { state: PartitionReport['state']; sinceMs: number }>();
  #said = '';
  #saidMs = -Infinity;

  constructor(parts: ReporterParts, who: Reporter) {
    this.#parts = parts;
    this.#who = who;
    this.#looking = new RecurringTask({
      everyMs: LOOK_EVERY_MS,
      run: () => this.#look(),
      onError: (error) => parts.log.debug({ err: error }, 'partitions could not be reported'),
    });
  }

  start(): void {
    this.#looking.start();
  }

  /** Says goodbye: nothing is granted any more. */
  async stop(): Promise<void> {
    const said = new AbortController();
    const goodbye = this.#looking
      .stop()
      .then(() => replaceReports(this.#parts.db, this.#who, []))
      .catch(() => undefined)
      .finally(() => said.abort());
    await Promise.race([goodbye, pause(GOODBYE_WAIT_MS, said.signal)]);
  }

  async #look(): Promise<void> {
    const nowMs = performance.now();
    const reports = this.#reports(nowMs);
    const news = JSON.stringify(
      reports.map(({ partition, state, reason }) => [partition, state, reason?.code]),
    );
    if (news === this.#said && nowMs - this.#saidMs < SAY_EVERY_MS) return;
    await replaceReports(this.#parts.db, this.#who, reports);
    this.#said = news;
    this.#saidMs = nowMs;
  }

  #reports(nowMs: number): PartitionReport[] {
    const { ownership, holdUps, hindrances } = this.#parts;
    const stated: Omit<PartitionReport, 'forMs'>[] = [
      ...ownership
        .allWaiting()
        .map(({ partition, reason }) => ({ partition, state: 'waiting' as const, reason })),
      ...ownership.allOwned().map(({ partition }) => ({
        partition,
        state: 'owned' as const,
        reason: hindrances.reason(partition) ?? holdUps.reason,
      })),
      ...ownership
        .allHalted()
        .map(({ partition, ...reason }) => ({ partition, state: 'halted' as const, reason })),
    ];
    const before = this.#since;
    this.#since = new Map(
      stated.map(({ partition, state }) => {
        const known = before.get(partition);
        return [partition, known?.state === state ? known : { state, sinceMs: nowMs }];
      }),
    );
    return stated
      .map((one) => ({ ...one, forMs: nowMs - (this.#since.get(one.partition)?.sinceMs ?? nowMs) }))
      .toSorted((a, b) => a.partition - b.partition);
  }
}
