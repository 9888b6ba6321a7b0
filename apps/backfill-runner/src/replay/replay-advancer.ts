import { advanceReplay } from './runs/advance-replay.ts';
import { type WriterSession } from '@adtally/db';
import type { CommitCompanion } from '@adtally/pipeline';
import type { ReplayBatch } from './replay-batch.ts';

/**
 * Writes how far the replay has come into the commit of its events. What is rejected goes nowhere: its
 * letter exists since the consumer read it.
 */
export class ReplayAdvancer implements CommitCompanion {
  readonly #batch: ReplayBatch;

  constructor(batch: ReplayBatch) {
    this.#batch = batch;
  }

  /** Whatever is rejected now leaves the batch, and the rows behind it move up. */
  async secure(): Promise<void> {
    this.#batch.number();
  }

  async writeAlongside(session: WriterSession): Promise<void> {
    const { lane } = this.#batch;
    await advanceReplay(session, lane.claim.sourceId, lane.state, this.#batch.reached());
  }
}
