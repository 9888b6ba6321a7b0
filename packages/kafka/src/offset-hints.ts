import type { NoticeBoard } from './notices.ts';
import type { NativeConsumer } from './rdkafka.ts';

/** A commit whose outcome never came back no longer blocks the next one after this. */
const FORGOTTEN_AFTER_MS = 30_000;

/**
 * Offsets on their way to Kafka as a hint for lag tools. One commit is in flight at a time and newer
 * offsets replace waiting ones, so a slow coordinator costs neither memory nor requests.
 */
export class OffsetHints {
  readonly #native: NativeConsumer;
  readonly #topic: string;
  readonly #notices: NoticeBoard;
  readonly #waiting = new Map<number, number>();
  #inFlightSinceMs: number | undefined;
  #isLeaving = false;

  constructor(native: NativeConsumer, topic: string, notices: NoticeBoard) {
    this.#native = native;
    this.#topic = topic;
    this.#notices = notices;
  }

  note(offsets: ReadonlyMap<number, number>): void {
    for (const [partition, offset] of offsets) this.#waiting.set(partition, offset);
    const since = this.#inFlightSinceMs;
    if (since === undefined || performance.now() - since > FORGOTTEN_AFTER_MS) this.#send();
  }

  /** The commit in flight is over, well or not. */
  settled(error: unknown): void {
    if (this.#isLeaving) return;
    if (error) this.#notices.post('commit', error);
    this.#inFlightSinceMs = undefined;
    this.#send();
  }

  /** Sends what waits, whatever is in flight, before the member leaves; how that ends is told to nobody. */
  leave(): void {
    this.#isLeaving = true;
    this.#send();
  }

  /** The group took the partition: its offset is the next owner's to commit. */
  forget(partition: number): void {
    this.#waiting.delete(partition);
  }

  #send(): void {
    if (this.#waiting.size === 0) return;
    const offsets = [...this.#waiting].map(([partition, offset]) => ({
      topic: this.#topic,
      partition,
      offset,
    }));
    this.#waiting.clear();
    this.#inFlightSinceMs = performance.now();
    try {
      this.#native.commit(offsets);
    } catch (error) {
      this.#inFlightSinceMs = undefined;
      if (!this.#isLeaving) this.#notices.post('commit', error);
    }
  }
}
