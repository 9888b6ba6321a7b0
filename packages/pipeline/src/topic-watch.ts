import { noteKnownEnds, type Database } from '@adtally/db';
import type { KafkaAdmin } from '@adtally/kafka';
import { RecurringTask } from '@adtally/pacing';
import type { Logger } from '@adtally/telemetry';
import { haltFor, type Halt } from './halt.ts';
import type { OwnedPartition, Ownership } from './ownership.ts';

export interface WatchParts {
  readonly admin: KafkaAdmin;
  readonly db: Database;
  readonly ownership: Ownership;
  readonly log: Logger;
}

/**
 * Looks at the topic every few seconds, beside the loop: is it still the one we count, does its log
 * still hold what we have not read? What it finds is handed to the loop, which alone may act on it.
 */
export class TopicWatch {
  readonly #parts: WatchParts;
  readonly #topic: string;
  readonly #found = new Map<OwnedPartition, Halt>();
  readonly #looking: RecurringTask;

  constructor(parts: WatchParts, topic: string, intervalMs: number) {
    this.#parts = parts;
    this.#topic = topic;
    this.#looking = new RecurringTask({
      everyMs: intervalMs,
      run: () => this.#look(),
      onError: (error) => parts.log.debug({ err: error }, 'the topic could not be looked at'),
    });
  }

  start(): void {
    this.#looking.start();
  }

  async stop(): Promise<void> {
    await this.#looking.stop();
  }

  get hasFound(): boolean {
    return this.#found.size > 0;
  }

  /** Hands over what was found since the last call. */
  take(): Map<OwnedPartition, Halt> {
    const found = new Map(this.#found);
    this.#found.clear();
    return found;
  }

  async #look(): Promise<void> {
    const { admin, db, ownership } = this.#parts;
    const described = await admin.describeTopic(this.#topic);
    // Deleted and not made again: there is nothing to read, and nothing to decide yet.
    if (described === null) return;
    const ends = new Map<number, bigint>();
    for (const owned of ownership.allOwned()) {
      if (owned.topicId !== described.topicId) {
        const detail = `topic id was ${owned.topicId}, is ${described.topicId}`;
        this.#found.set(owned, { code: 'topic_recreated', detail, resumeAt: null });
        continue;
      }
      const watermarks = await admin.watermarks(this.#topic, owned.partition);
      const halt = haltFor(owned.committedOffset, watermarks);
      if (halt?.code === 'truncated') this.#found.set(owned, halt);
      ends.set(owned.sourceId, BigInt(watermarks.end));
    }
    await noteKnownEnds(db, ends);
  }
}
