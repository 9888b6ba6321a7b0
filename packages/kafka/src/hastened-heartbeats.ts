import type { GroupConsumerOptions } from './consumer-config.ts';
import type { NoticeBoard } from './notices.ts';
import type { NativeConsumer } from './rdkafka.ts';

/** What the group does of a change it was told of it does at one of these moments: members answer it one by one. */
const AFTER_MS = [0, 30, 100, 300] as const;

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

  constructor(
    native: Pick<NativeConsumer, 'subscribe'>,
    notices: Pick<NoticeBoard, 'post'>,
    options: Pick<GroupConsumerOptions, 'topic' | 'protocol'>,
  ) {
    this.#native = native;
    this.#notices = notices;
    this.#options = options;
  }

  /** Sends some over the next 300 ms; asked for meanwhile, as many once more. The classic protocol needs none. */
  begin(): void {
    if (this.#options.protocol !== 'consumer') return;
    if (this.#timers.length > 0) {
      this.#isAskedAgain = true;
      return;
    }
    const last = AFTER_MS.length - 1;
    this.#timers = AFTER_MS.map((afterMs, nth) =>
      setTimeout(() => this.#send(nth === last), afterMs).unref(),
    );
  }

  /** Before the member leaves: a subscription would bring it back. */
  end(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers = [];
    this.#isAskedAgain = false;
  }

  #send(isLast: boolean): void {
    try {
      this.#native.subscribe([this.#options.topic]);
    } catch (error) {
      // Of a client that closes or gave up; the next fetch tells which.
      this.#notices.post('rebalance', error);
    }
    if (!isLast) return;
    const isAskedAgain = this.#isAskedAgain;
    this.end();
    if (isAskedAgain) this.begin();
  }
}
