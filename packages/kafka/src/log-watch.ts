import type { Watermarks } from './listed-offsets.ts';
import type { NoticeBoard } from './notices.ts';
import { OffsetOutOfRange, PartitionStalled, type ReadFault } from './read-faults.ts';
import type { Readers } from './readers.ts';

/** A partition that delivered nothing for this long is compared with the broker's log. */
const QUIET_CHECK_MS = 5_000;
/** So many checks and fetches without a record, though the log has more, are a stall. */
const STALL_CHECKS = 6;
const STALL_FETCHES = 100;

interface Watched {
  readonly topic: string;
  readonly readers: Readers;
  readonly notices: NoticeBoard;
  watermarks(partition: number): Promise<Watermarks>;
}

/**
 * Finds the partitions whose position left the log. The client cannot be trusted with that: its error names
 * no partition, and an error that meets a non-empty batch is dropped altogether.
 */
export class LogWatch {
  readonly #watched: Watched;
  #found: ReadFault[] = [];
  #checking = false;

  constructor(watched: Watched) {
    this.#watched = watched;
  }

  /** The next partition at fault. */
  take(): ReadFault | undefined {
    return this.#found.shift();
  }

  forget(partition: number): void {
    this.#found = this.#found.filter((error) => error.partition !== partition);
  }

  /** Starts a check of the quiet partitions in the background, unless one runs. */
  checkQuiet(): void {
    if (this.#checking) return;
    const quiet = this.#watched.readers.takeQuiet(QUIET_CHECK_MS);
    if (quiet.length === 0) return;
    this.#checking = true;
    this.compare(quiet)
      .catch((error: unknown) => this.#watched.notices.post('stall', error))
      .finally(() => (this.#checking = false));
  }

  /** Compares positions with the broker's log and remembers those outside it. */
  async compare(partitions: readonly number[]): Promise<void> {
    const { readers, topic } = this.#watched;
    for (const partition of partitions) {
      const position = readers.position(partition);
      if (position === undefined) continue;
      const log = await this.#watched.watermarks(partition);
      // Restarted or delivering meanwhile: nothing to compare.
      if (readers.position(partition) !== position) continue;
      if (this.#found.some((known) => known.partition === partition)) continue;
      const at = { topic, partition, position, ...log };
      if (position < log.logStart || position > log.end) {
        this.#found.push(new OffsetOutOfRange(at));
      } else if (position < log.end && readers.isStalled(partition, STALL_CHECKS, STALL_FETCHES)) {
        this.#found.push(new PartitionStalled(at));
      }
    }
  }
}
