import type { PartitionLag } from '@adtally/db';
import { RepeatedWords } from '@adtally/pacing';
import type { Logger } from '@adtally/telemetry';
import { twoGroups } from './judge.ts';

const SECOND_MS = 1_000;

/** Says in the log which partitions are stuck and why, again after growing pauses, and when one moves again. */
export class StuckLog {
  readonly #log: Logger;
  readonly #partitions = new RepeatedWords();
  readonly #topics = new RepeatedWords();

  constructor(log: Logger) {
    this.#log = log;
  }

  tell(
    partitions: readonly PartitionLag[],
    groupsOfTopics: ReadonlyMap<string, readonly string[]>,
  ): void {
    const nowMs = performance.now();
    const over = new Set(this.#partitions.keys);
    for (const one of partitions) {
      const { topic, partition, stuck } = one;
      if (stuck === null) continue;
      const key = `${topic}[${partition}]`;
      over.delete(key);
      if (!this.#partitions.isDue(key, stuck.code, nowMs)) continue;
      this.#log.warn(
        {
          topic,
          partition,
          reason: stuck.code,
          detail: stuck.detail,
          for_s: Math.round(stuck.forMs / SECOND_MS),
          next_offset: one.nextOffset,
          lag_records: one.lagRecords,
        },
        'partition is stuck',
      );
    }
    for (const key of over) {
      this.#partitions.end(key);
      this.#log.info({ partition: key }, 'partition is not stuck any more');
    }
    for (const [topic, groups] of groupsOfTopics) this.#tellGroups(topic, groups, nowMs);
  }

  #tellGroups(topic: string, groups: readonly string[], nowMs: number): void {
    if (groups.length > 1) {
      if (!this.#topics.isDue(topic, groups.join(' '), nowMs)) return;
      const { code, detail } = twoGroups(topic, groups);
      this.#log.error({ topic, groups, reason: code, detail }, 'two groups count one topic');
    } else if (this.#topics.end(topic)) {
      this.#log.info({ topic, groups }, 'one group counts the topic again');
    }
  }
}
