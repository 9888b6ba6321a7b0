import type { Hindrance, RecordSource } from '@adtally/kafka';
import { RecurringTask, RepeatedWords } from '@adtally/pacing';
import type { Logger } from '@adtally/telemetry';
import type { Beside } from '../loop-service.ts';
import type { WaitReason } from '../wait-reason.ts';

export interface HindranceWatchParts {
  readonly source: Pick<RecordSource, 'hindrances'>;
  readonly log: Logger;
}

const LOOK_EVERY_MS = 1_000;
/** What a leader that moves hinders is over sooner. */
const LASTS_MS = 2_000;

interface Lasting extends Hindrance {
  readonly sinceMs: number;
}

/**
 * Says why partitions that are owned cannot be read, for as long as they cannot: in the log with growing pauses, and
 * to whoever asks about one of them. Decides nothing: the reader tries on.
 */
export class HindranceWatch implements Beside {
  readonly #parts: HindranceWatchParts;
  readonly #looking: RecurringTask;
  readonly #words = new RepeatedWords();
  #seen = new Map<number, Lasting>();

  constructor(parts: HindranceWatchParts) {
    this.#parts = parts;
    this.#looking = new RecurringTask({
      everyMs: LOOK_EVERY_MS,
      run: async () => this.#look(performance.now()),
      onError: (error) => parts.log.debug({ err: error }, 'hindrances could not be looked at'),
    });
  }

  start(): void {
    this.#looking.start();
  }

  async stop(): Promise<void> {
    await this.#looking.stop();
  }

  /** Why the partition cannot be read; null where it can, or could a moment ago. */
  reason(partition: number): WaitReason | null {
    const seen = this.#seen.get(partition);
    return seen !== undefined && isLasting(seen, performance.now()) ? seen : null;
  }

  #look(nowMs: number): void {
    const before = this.#seen;
    this.#seen = new Map(
      [...this.#parts.source.hindrances()].map(([partition, { code, detail }]) => {
        const sinceMs = before.get(partition)?.sinceMs ?? nowMs;
        return [partition, { code, detail, sinceMs }];
      }),
    );
    this.#say(nowMs);
  }

  #say(nowMs: number): void {
    const { log } = this.#parts;
    const byCode = Map.groupBy(this.#lasting(nowMs), ([, { code }]) => code);
    for (const [code, hindered] of byCode) {
      if (!this.#words.isDue(code, code, nowMs)) continue;
      const partitions = hindered.map(([partition]) => partition);
      const detail = hindered[0]?.[1].detail;
      log.warn({ reason: code, detail, partitions }, 'partitions cannot be read for now');
    }
    for (const code of this.#words.keys) {
      if (byCode.has(code) || !this.#words.end(code)) continue;
      log.info({ reason: code }, 'no partition is kept from being read by this any more');
    }
  }

  #lasting(nowMs: number): Map<number, Lasting> {
    return new Map([...this.#seen].filter(([, seen]) => isLasting(seen, nowMs)));
  }
}

function isLasting({ sinceMs }: Lasting, nowMs: number): boolean {
  return nowMs - sinceMs >= LASTS_MS;
}
