import type { GroupConsumerOptions } from './consumer-config.ts';
import type { NoticeBoard } from './notices.ts';
import type { NativeConsumer } from './rdkafka.ts';

/**
 * What the group does of a change it was told of it does at one of these moments: members answer it one by one. With the
 * classic protocol a heartbeat that comes too early is followed by none before the interval is over.
 */
const AFTER_MS = {
  consumer: [0, 20, 50, 90, 140, 200, 300],
  'cooperative-sticky': [10, 40, 170, 330],
} as const;
/** Since 4.3 brokers by default hold a change back for a second after the one before (KIP-1263). */
const HELD_BACK_MS = 1_100;
/** Giving a subscription counts as a poll: a caller that reads no more must lose its partitions all the same. */
const ATTENDED_WITHIN_MS = 30_000;

/**
 * Heartbeats out of their turn. With KIP-848 a member learns what it is granted, or is to give back, by the answer to a
 * heartbeat alone, and their interval is the brokers' (5 s by default): so long partitions lie unread in each deployment.
 * librdkafka sends one at once when it is given a subscription, be it the one it has (2.15.1, rdkafka_cgrp.c,
 * `rd_kafka_cgrp_consumer_apply_next_subscribe`); the brokers see that nothing changed.
 *
 * With the classic protocol the interval is ours, but librdkafka looks whether it is over at its own timers alone, twice a
 * second, and whenever it is asked something (`rd_kafka_thread_main`): so it is asked what it is assigned.
 */
export class HastenedHeartbeats {
  readonly #native: Pick<NativeConsumer, 'subscribe' | 'assignments'>;
  readonly #notices: Pick<NoticeBoard, 'post'>;
  readonly #options: Pick<GroupConsumerOptions, 'topic' | 'protocol'>;
  #timers: NodeJS.Timeout[] = [];
  /** Asked for while some were due already, of which the first came too early for it. */
  #isAskedAgain = false;
  #heldBack: NodeJS.Timeout | undefined;
  #attendedAtMs = performance.now();

  constructor(
    native: Pick<NativeConsumer, 'subscribe' | 'assignments'>,
    notices: Pick<NoticeBoard, 'post'>,
    options: Pick<GroupConsumerOptions, 'topic' | 'protocol'>,
  ) {
    this.#native = native;
    this.#notices = notices;
    this.#options = options;
  }

  /** The caller reads. */
  attended(): void {
    this.#attendedAtMs = performance.now();
  }

  /** Sends some over the next 300 ms, and with KIP-848 one after a second; asked for meanwhile, as many once more. */
  begin(): void {
    const { protocol } = this.#options;
    if (protocol === 'consumer') {
      clearTimeout(this.#heldBack);
      this.#heldBack = setTimeout(() => this.#send(), HELD_BACK_MS).unref();
    }
    if (this.#timers.length > 0) {
      this.#isAskedAgain = true;
      return;
    }
    const moments = AFTER_MS[protocol];
    this.#timers = moments.map((afterMs) => setTimeout(() => this.#send(), afterMs).unref());
    this.#timers.push(setTimeout(() => this.#again(), moments.at(-1)).unref());
  }

  /** Before the member leaves: a subscription would bring it back. */
  end(): void {
    for (const timer of [...this.#timers, this.#heldBack]) clearTimeout(timer);
    this.#timers = [];
    this.#isAskedAgain = false;
  }

  #again(): void {
    const isAskedAgain = this.#isAskedAgain;
    this.#timers = [];
    this.#isAskedAgain = false;
    if (isAskedAgain) this.begin();
  }

  #send(): void {
    if (performance.now() - this.#attendedAtMs > ATTENDED_WITHIN_MS) return;
    try {
      if (this.#options.protocol === 'consumer') this.#native.subscribe([this.#options.topic]);
      else this.#native.assignments();
    } catch (error) {
      // Of a client that closes or gave up; the next fetch tells which.
      this.#notices.post('rebalance', error);
    }
  }
}
