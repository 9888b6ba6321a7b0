import { setTimeout as wait } from 'node:timers/promises';
import { RepeatedWords } from '@adtally/pacing';
import type { Logger } from '@adtally/telemetry';
import type { KafkaAdmin } from './admin.ts';
import type { TopicDescription } from './topic-description.ts';
import { messageOf } from './errors.ts';
import type { TopicMetrics } from './metrics.ts';

export interface TopicIdentityParts {
  readonly admin: Pick<KafkaAdmin, 'describeTopic'>;
  readonly metrics: TopicMetrics;
  readonly log: Logger;
}

/** A broker that does not say within this time which topic it is holds up no batch. */
const ANSWER_WAIT_MS = 1_000;
const SLOW = `no answer in ${ANSWER_WAIT_MS} ms`;

/**
 * Asks which topic stands under a name by now. The client reads a topic that was deleted and made again on as
 * if nothing had happened, at the old offsets; so whoever writes what it read asks once for each batch, after
 * its last record was read and before it is written.
 */
export class TopicIdentity {
  readonly #parts: TopicIdentityParts;
  readonly #topic: string;
  readonly #words = new RepeatedWords();
  /** Whether an answer is awaited that was slow already: it is not waited for again. */
  #isSlow = false;
  #unconfirmed = 0;
  #isClosed = false;

  constructor(parts: TopicIdentityParts, topic: string) {
    this.#parts = parts;
    this.#topic = topic;
  }

  /**
   * Hands over what the broker says, null where the topic does not exist. Returns once it did, or after a
   * second: then the batch is counted as unconfirmed, and the answer is handed over when it comes. Never
   * rejects.
   */
  async confirm(onAnswer: (described: TopicDescription | null) => void): Promise<void> {
    if (this.#isSlow) return this.#missed(SLOW);
    const stopWaiting = new AbortController();
    const asked = this.#parts.admin
      .describeTopic(this.#topic)
      .then(
        (described) => {
          if (this.#isClosed) return;
          this.#answered();
          onAnswer(described);
        },
        (error: unknown) => this.#missed(messageOf(error)),
      )
      .finally(() => {
        this.#isSlow = false;
        stopWaiting.abort();
      });
    const waited = wait(ANSWER_WAIT_MS, undefined, { signal: stopWaiting.signal }).then(
      () => {
        this.#isSlow = true;
        this.#missed(SLOW);
      },
      () => undefined,
    );
    await Promise.race([asked, waited]);
  }

  /** An answer that is still awaited is handed to nobody, and that it did not come is not said. */
  close(): void {
    this.#isClosed = true;
  }

  #missed(reason: string): void {
    if (this.#isClosed) return;
    const { metrics, log } = this.#parts;
    this.#unconfirmed += 1;
    metrics.unconfirmedBatches.add(1);
    if (!this.#words.isDue(this.#topic, 'unconfirmed', performance.now())) return;
    log.warn(
      { topic: this.#topic, reason, batches: this.#unconfirmed },
      'no broker says in time which topic it is: batches are written without',
    );
  }

  #answered(): void {
    if (this.#words.end(this.#topic)) {
      const { log } = this.#parts;
      log.info({ topic: this.#topic, batches: this.#unconfirmed }, 'batches are confirmed again');
    }
    this.#unconfirmed = 0;
  }
}
