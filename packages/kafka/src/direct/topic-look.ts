import { pause } from '@adtally/pacing';
import type { Brokers, TopicView } from './brokers.ts';

/** What a look is made for. */
export interface LookDuty {
  /** Null where the topic does not exist. */
  onView(view: TopicView | null): void;
  onFailure(error: unknown): void;
  /** Whether something still waits for a broker that is not known. */
  mustLook(): boolean;
}

/** Pauses after a look before the next one, however often it is asked for. */
const PAUSE_MS = 100;
const FAILED_PAUSE_MS = 1_000;

/** Looks at who leads a topic's partitions whenever that is asked for, one look at a time. */
export class TopicLook {
  readonly #brokers: Brokers;
  readonly #topic: string;
  readonly #duty: LookDuty;
  readonly #closing = new AbortController();
  #looking: Promise<void> | null = null;

  constructor(brokers: Brokers, topic: string, duty: LookDuty) {
    this.#brokers = brokers;
    this.#topic = topic;
    this.#duty = duty;
  }

  look(): void {
    if (this.#closing.signal.aborted || this.#looking !== null) return;
    this.#looking = this.#look().finally(() => {
      this.#looking = null;
      if (!this.#closing.signal.aborted && this.#duty.mustLook()) this.look();
    });
  }

  /** Resolves when the look under way is over. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#looking;
  }

  async #look(): Promise<void> {
    const { signal } = this.#closing;
    try {
      this.#duty.onView(await this.#brokers.describe(this.#topic));
      await pause(PAUSE_MS, signal);
    } catch (error) {
      this.#duty.onFailure(error);
      await pause(FAILED_PAUSE_MS, signal);
    }
  }
}
