import type { GroupConsumerOptions } from './consumer-config.ts';
import type { NoticeBoard } from './notices.ts';
import type { NativeConsumer } from './rdkafka.ts';

/** What the group does of a change it was told of it does at one of these moments: members answer it one by one. */
const AFTER_MS = [0, 30, 100, 300] as const;
/** Since 4.3 brokers by default hold a change back for a second after the one before (KIP-1263). */
const HELD_BACK_MS = 1_100;
/** Giving a subscription counts as a poll: a caller that reads no more must lose its partitions all the same. */
const ATTENDED_WITHIN_MS = 30_000;

/**
 * Heartbeats out of their turn. With KIP-848 a member learns what it is granted, or is to give back, by the answer to a
 * heartbeat alone, and their interval is the brokers' (5 s by default): so long partitions lie unread in each deployment.
 * librdkafka sends one at once when it is given a subscription, be it the one it has (2.15.1, rdkafka_cgrp.c,
 * `rd_kafka_cgrp_consumer_apply_next_subscribe`); the brokers see that nothing changed.
 */
export class HastenedHeartbeats {
  readonly #native: Pick<NativeConsumer, 'subscribe'>;
  readonly #notices: Pick<NoticeBoard, 'post'>;
  readonly #options: Pick<GroupConsumerOptions, 'topic' | 'protocol'>;
  #timers: NodeJS.Timeout[] = [];
  /** Asked for while some were due already, of which the first came too early for it. */
  #isAskedAgain = false;
  #heldBack: NodeJS.Timeout | undefined;
  #attendedAtMs = performance.now();

  constructor(
    native: Pick<NativeConsumer, 'subscribe'>,
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

  /**
   * Sends some over the next 300 ms, and one after a second; asked for meanwhile, as many once more. The classic
   * protocol needs none.
   */
  begin(): void {
    if (this.#options.protocol !== 'consumer') return;
    clearTimeout(this.#heldBack);
    this.#heldBack = setTimeout(() => this.#send(), HELD_BACK_MS).unref();
    if (this.#timers.length > 0) {
      this.#isAskedAgain = true;
      return;
    }
    this.#timers = AFTER_MS.map((afterMs) => setTimeout(() => this.#send(), afterMs).unref());
    this.#timers.push(setTimeout(() => this.#again(), AFTER_MS.at(-1)).unref());
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
      this.#native.subscribe([this.#options.topic]);
    } catch (error) {
      // Of a client that closes or gave up; the next fetch tells which.
      this.#notices.post('rebalance', error);
    }
  }
}
