import { setTimeout as wait } from 'node:timers/promises';
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

/** A broker that does not say within this time which topic it is holds up no batch. */
const CONFIRM_WAIT_MS = 1_000;

/**
 * Looks at the topic every few seconds, beside the loop: is it still the one we count, does its log
 * still hold what we have not read? What it finds is handed to the loop, which alone may act on it.
 *
 * A topic deleted and made again within one of these looks is read on by the client as if nothing had
 * happened, at the old offsets; the group takes the partitions away a heartbeat later. So each batch is
 * confirmed as well, after its last record was read and before it is committed.
 */
export class TopicWatch {
  readonly #parts: WatchParts;
  readonly #topic: string;
  readonly #found = new Map<OwnedPartition, Halt>();
  readonly #looking: RecurringTask;
  /** Whether an answer is awaited that was slow already: it is not waited for again. */
  #isSlow = false;
  #confirming: Promise<void> = Promise.resolve();

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
    await this.#confirming;
  }

  /**
   * Asks which topic it is by now. Returns once that is known, or cannot be known soon: then nothing is
   * found, and the looks every few seconds remain.
   */
  async confirm(): Promise<void> {
    if (this.#isSlow) return;
    const stopWaiting = new AbortController();
    // Claims made after the question are none of the answer's.
    const owned = this.#parts.ownership.allOwned();
    const asked = this.#parts.admin
      .describeTopic(this.#topic)
      .then((described) => {
        if (described !== null) this.#compare(owned, described.topicId);
      })
      .catch((error: unknown) =>
        this.#parts.log.debug({ err: error }, 'the topic could not be confirmed'),
      )
      .finally(() => {
        this.#isSlow = false;
        stopWaiting.abort();
      });
    this.#confirming = asked;
    const waited = wait(CONFIRM_WAIT_MS, undefined, { signal: stopWaiting.signal }).then(
      () => {
        this.#isSlow = true;
      },
      () => undefined,
    );
    await Promise.race([asked, waited]);
  }

  /** Found to be of a topic that is gone: what was read of it last may be the new one's. */
  isRecreated(owned: OwnedPartition): boolean {
    return this.#found.get(owned)?.code === 'topic_recreated';
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
    const all = ownership.allOwned();
    const described = await admin.describeTopic(this.#topic);
    // Deleted and not made again: there is nothing to read, and nothing to decide yet.
    if (described === null) return;
    this.#compare(all, described.topicId);
    const ends = new Map<number, bigint>();
    for (const owned of all) {
      if (owned.topicId !== described.topicId) continue;
      const watermarks = await admin.watermarks(this.#topic, owned.partition);
      const halt = haltFor(owned.committedOffset, watermarks);
      if (halt?.code === 'truncated' && !this.isRecreated(owned)) this.#found.set(owned, halt);
      ends.set(owned.sourceId, BigInt(watermarks.end));
    }
    await noteKnownEnds(db, ends);
  }

  #compare(all: readonly OwnedPartition[], topicId: string): void {
    for (const owned of all) {
      if (owned.topicId === topicId) continue;
      const detail = `topic id was ${owned.topicId}, is ${topicId}`;
      this.#found.set(owned, { code: 'topic_recreated', detail, resumeAt: null });
    }
  }
}
