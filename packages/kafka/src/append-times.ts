import type { SourceRecord } from '@adtally/event-schema';
import { classify } from './errors.ts';
import { disconnect } from './membership.ts';
import { NoticeBoard, type OnNotice } from './notices.ts';
import { newConsumer, type NativeConsumer } from './rdkafka.ts';
import { renewCredentials } from './renew-credentials.ts';
import { commonConfig, type KafkaSettings } from './settings.ts';

const CONNECT_TIMEOUT_MS = 10_000;
/** One call occupies a thread that other clients of the process need, too. */
const CONSUME_WAIT_MS = 100;
const CONSUME_RECORDS = 100;
/** Of each partition: a broker answers with one whole batch at least, so this only keeps it from adding others. */
const FETCH_BYTES = 16_384;
const QUEUED_KBYTES = 1_024;
/** By default a second: a batch that is read already would hold up those of the other partitions. */
const FETCH_QUEUE_BACKOFF_MS = 20;
/** The client wants a name; nothing joins this group and nothing is committed to it. */
const UNUSED_GROUP = 'adtally-append-times';

/** An offset of a partition. */
export interface LogPlace {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/**
 * Looks up when single records were appended, one batch of a partition at a time: for somebody who wants to know how
 * old a record is and not what it says. Transactions do not matter to it: a record that nobody may read yet has an
 * age, too.
 */
export class AppendTimes {
  readonly #native: NativeConsumer;
  readonly #notices: NoticeBoard;

  private constructor(settings: KafkaSettings, onNotice: OnNotice | undefined) {
    this.#notices = new NoticeBoard(onNotice);
    this.#native = newConsumer({
      ...commonConfig(settings),
      'group.id': UNUSED_GROUP,
      'enable.auto.commit': false,
      'enable.auto.offset.store': false,
      'auto.offset.reset': 'error',
      'allow.auto.create.topics': false,
      'isolation.level': 'read_uncommitted',
      'fetch.message.max.bytes': FETCH_BYTES,
      'fetch.wait.max.ms': CONSUME_WAIT_MS,
      'queued.min.messages': 1,
      'queued.max.messages.kbytes': QUEUED_KBYTES,
      'fetch.queue.backoff.ms': FETCH_QUEUE_BACKOFF_MS,
    });
    this.#native.on('event.error', (error) => this.#notices.post('connection', error));
    renewCredentials(this.#native, settings);
  }

  /** Rejects with a `KafkaError` where no broker answers in ten seconds. */
  static async connect(settings: KafkaSettings, onNotice?: OnNotice): Promise<AppendTimes> {
    const times = new AppendTimes(settings, onNotice);
    await new Promise<void>((resolve, reject) => {
      times.#native.connect({ timeout: CONNECT_TIMEOUT_MS }, (error) =>
        error ? reject(classify(error, 'connect')) : resolve(),
      );
    });
    return times;
  }

  /**
   * @param places at most one of a partition
   * @returns the append time (Unix ms) of the first record at or after each place, in the order of the places;
   *   null where none was read in the time given, or where the record has no time
   */
  async of(places: readonly LogPlace[], withinMs: number): Promise<(number | null)[]> {
    const found = new Map<string, number | null>();
    const deadline = performance.now() + withinMs;
    try {
      this.#native.assign(places.map((place) => ({ ...place })));
      while (found.size < places.length && performance.now() < deadline) {
        for (const { topic, partition, timestamp } of await this.#consume()) {
          const key = `${topic} ${partition}`;
          if (!found.has(key)) found.set(key, timestamp ?? null);
        }
      }
    } catch (error) {
      this.#notices.post('consume', error);
    } finally {
      this.#letGo();
    }
    return places.map(({ topic, partition }) => found.get(`${topic} ${partition}`) ?? null);
  }

  /** Disconnects, in at most 15 seconds. */
  async close(): Promise<void> {
    await disconnect(this.#native, this.#notices);
  }

  #consume(): Promise<SourceRecord[]> {
    return new Promise((resolve) => {
      this.#native.setDefaultConsumeTimeout(CONSUME_WAIT_MS);
      this.#native.consume(CONSUME_RECORDS, (error, records) => {
        // An offset that is not there, a batch that cannot be read: the others may come yet.
        if (error) this.#notices.post('consume', error);
        resolve(error ? [] : (records as SourceRecord[]));
      });
    });
  }

  #letGo(): void {
    try {
      this.#native.unassign();
    } catch (error) {
      this.#notices.post('consume', error);
    }
  }
}
