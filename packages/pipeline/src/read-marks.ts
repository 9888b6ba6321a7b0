import { noteReadMarks, type Database, type ReadMark } from '@adtally/db';
import type { RecordSource } from '@adtally/kafka';
import { RecurringTask } from '@adtally/pacing';
import type { Logger } from '@adtally/telemetry';
import type { Ownership } from './ownership.ts';

export interface ReadMarksParts {
  readonly source: Pick<RecordSource, 'lastRead'>;
  readonly db: Database;
  readonly ownership: Ownership;
  readonly log: Logger;
}

/**
 * Notes every few seconds, beside the loop, whose records were counted last: an unclean election that happens
 * while nobody reads shows by nothing else once the log has grown past the cursor again.
 */
export class ReadMarks {
  readonly #parts: ReadMarksParts;
  readonly #noting: RecurringTask;

  constructor(parts: ReadMarksParts, everyMs: number) {
    this.#parts = parts;
    this.#noting = new RecurringTask({
      everyMs,
      run: () => this.#note(),
      onError: (error) => parts.log.debug({ err: error }, 'read marks could not be noted'),
    });
  }

  start(): void {
    this.#noting.start();
  }

  async stop(): Promise<void> {
    await this.#noting.stop();
  }

  async #note(): Promise<void> {
    const { source, db, ownership } = this.#parts;
    const marks = new Map<number, ReadMark>();
    for (const { partition, sourceId, epoch, committedOffset } of ownership.allOwned()) {
      const last = source.lastRead(partition);
      if (last === null) continue;
      // What lies before that record was appended under its epoch or an earlier one.
      const upTo = BigInt(Math.min(last.offset, committedOffset));
      marks.set(sourceId, { epoch, upTo, leaderEpoch: last.leaderEpoch });
    }
    await noteReadMarks(db, marks);
  }
}
