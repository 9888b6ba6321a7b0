import { simulate, type Truth } from '@adtally/event-simulator';

/** A small steady load, and what must be in the database for it. */
export class Load {
  readonly rate: number;
  readonly #ending = new AbortController();
  readonly #truth: Promise<Truth>;

  /** @param brokers by a listener that no kind cuts: what a kind breaks is between Kafka and us */
  constructor(brokers: string, topic: string, rate: number, seed: number) {
    this.rate = rate;
    this.#truth = simulate({
      brokers,
      topic,
      rate,
      seed,
      events: EVENTS_MAX,
      signal: this.#ending.signal,
    });
    this.#truth.catch(() => undefined); // `end` tells
  }

  /** Stops producing; resolves with the simulator's books of what was acknowledged. */
  async end(): Promise<Truth> {
    this.#ending.abort();
    return await this.#truth;
  }
}

/** More than any kind lasts. */
const EVENTS_MAX = 100_000;
