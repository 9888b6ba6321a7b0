import type { NoticeBoard } from './notices.ts';
import type { Start } from './readers.ts';
import type { Reading } from './reading.ts';

/** Starts reading between two fetches: records that one in flight may hold belong to an earlier position. */
export class DeferredStarts {
  readonly #reading: Reading;
  readonly #notices: NoticeBoard;
  readonly #waiting = new Map<number, Start>();

  constructor(reading: Reading, notices: NoticeBoard) {
    this.#reading = reading;
    this.#notices = notices;
  }

  has(partition: number): boolean {
    return this.#waiting.has(partition);
  }

  /** At once where no fetch is in flight. */
  start(partition: number, start: Start): void {
    this.#waiting.set(partition, start);
    this.startAll();
  }

  /** Starts what waits, unless a fetch is in flight. */
  startAll(): void {
    if (this.#reading.isFetching) return;
    const starts = [...this.#waiting];
    this.#waiting.clear();
    for (const [partition, start] of starts) {
      try {
        this.#reading.start(partition, start);
      } catch (error) {
        // Between losing its membership and joining again a member may assign nothing: try after the next fetch.
        this.#notices.post('rebalance', error);
        this.#waiting.set(partition, start);
      }
    }
  }

  forget(partitions: readonly number[]): void {
    for (const partition of partitions) this.#waiting.delete(partition);
  }

  clear(): void {
    this.#waiting.clear();
  }
}
