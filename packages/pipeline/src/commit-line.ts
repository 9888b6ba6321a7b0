import { BatchWork } from './batch-work.ts';
import type { SourceClaim } from './source-claim.ts';

/** What is done with each batch. Either step has one batch at a time, in the order in which they were pushed. */
export interface LineSteps<C extends SourceClaim> {
  prepare(work: BatchWork<C>): Promise<void>;
  write(work: BatchWork<C>): Promise<void>;
}

/** One is filled, one prepared, one written. */
const BATCHES = 3;

/**
 * Batches on their way into the database, in order: one is written while the next is prepared and a third is
 * filled. After a failure nothing more goes through, and nothing behind it may wait on.
 */
export class CommitLine<C extends SourceClaim> {
  readonly #steps: LineSteps<C>;
  readonly #all: readonly BatchWork<C>[];
  readonly #free: BatchWork<C>[];
  /** Of each batch in the line, the first one first: settles when it is through. */
  readonly #line: Promise<void>[] = [];
  readonly #failure = new AbortController();
  #prepared: Promise<void> = Promise.resolve();
  #written: Promise<void> = Promise.resolve();

  constructor(batchMaxEvents: number, steps: LineSteps<C>) {
    this.#steps = steps;
    this.#all = Array.from({ length: BATCHES }, () => new BatchWork<C>(batchMaxEvents));
    this.#free = [...this.#all];
  }

  /** Whether a batch is on its way, and may arrive. */
  get isBusy(): boolean {
    return this.#line.length > 0 && !this.failed.aborted;
  }

  /** What is being filled and on its way: batches are empty again once they are through. */
  get inHand(): readonly BatchWork<C>[] {
    return this.#all.filter((work) => !work.isEmpty);
  }

  /** Fires at the first failure, which is its reason: what is under way then gives up waiting for servers. */
  get failed(): AbortSignal {
    return this.#failure.signal;
  }

  /** An empty batch, to be filled and pushed. Waits until there is one; rejects with what failed first. */
  async room(): Promise<BatchWork<C>> {
    if (this.#free.length === 0) await Promise.allSettled(this.#line.slice(0, 1));
    this.failed.throwIfAborted();
    return this.#free.pop() as BatchWork<C>;
  }

  /** Sends a batch on its way; it is written no sooner than `confirmed`, and is empty when it is through. */
  push(work: BatchWork<C>, confirmed: Promise<void> = Promise.resolve()): void {
    const before = this.#written;
    const prepared = this.#prepared.then(() => this.#steps.prepare(work));
    this.#prepared = prepared;
    this.#written = this.#through(work, [before, prepared, confirmed]);
    this.#line.push(this.#written);
    for (const promise of [confirmed, prepared, this.#written])
      promise.catch((error: unknown) => this.#failure.abort(error));
  }

  /** Waits until the line is empty. Rejects with what failed first, once nothing is under way any more. */
  async drained(): Promise<void> {
    await Promise.allSettled([this.#written]);
    this.failed.throwIfAborted();
  }

  async #through(work: BatchWork<C>, needs: readonly Promise<void>[]): Promise<void> {
    try {
      await this.#sendThrough(work, needs);
    } catch (error) {
      work.trace?.end(error);
      throw error;
    }
  }

  async #sendThrough(work: BatchWork<C>, needs: readonly Promise<void>[]): Promise<void> {
    // All of them, even where one failed: who is told of the failure may close what the others use.
    await Promise.allSettled(needs);
    for (const need of needs) await need;
    await this.#steps.write(work);
    work.clear();
    this.#free.push(work);
    void this.#line.shift();
  }
}
