import type { DeferredStarts } from './deferred-starts.ts';
import type { NoticeBoard } from './notices.ts';
import type { NativeConsumer } from './rdkafka.ts';
import type { Reading } from './reading.ts';

export interface AnswersParts {
  readonly native: Pick<NativeConsumer, 'incrementalAssign'>;
  readonly reading: Pick<Reading, 'stop'>;
  readonly deferred: DeferredStarts;
  readonly notices: NoticeBoard;
}

/** What the client is told when the group changes its assignment. Granted partitions are read by `start` alone. */
export class AssignmentAnswers {
  readonly #parts: AnswersParts;

  constructor(parts: AnswersParts) {
    this.#parts = parts;
  }

  accept(): void {
    this.#guarded(() => this.#parts.native.incrementalAssign([]));
  }

  /** Ends reading and lets go; the client waits for this also of no partitions. */
  giveBack(partitions: readonly number[]): void {
    this.#stop(partitions, true);
  }

  /** Ends reading what stays granted. */
  stop(partitions: readonly number[]): void {
    this.#stop(partitions, false);
  }

  /** Closing already, the client may accept nothing but an unassign, as the answer to everything. */
  whileLeaving(isGranted: boolean, partitions: readonly number[]): void {
    if (isGranted) {
      try {
        this.#parts.native.incrementalAssign([]);
        return;
      } catch {
        // As said above.
      }
    }
    this.giveBack(partitions);
  }

  #stop(partitions: readonly number[], isAnswer: boolean): void {
    const { deferred, reading } = this.#parts;
    deferred.forget(partitions);
    this.#guarded(() => reading.stop(partitions, isAnswer));
  }

  /** Assignment calls fail only when the client is closing or dead; the next fetch tells which. */
  #guarded(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#parts.notices.post('rebalance', error);
    }
  }
}
