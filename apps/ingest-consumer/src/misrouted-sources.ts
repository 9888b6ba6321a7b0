import { noteMisrouted, OTHER_SOURCES, type Database, type MisroutedRecords } from '@adtally/db';
import { sourceName, VERDICT, type EventBatch } from '@adtally/event-schema';
import { RecurringTask } from '@adtally/pacing';
import { misroutingOf } from '@adtally/pipeline';
import type { Logger } from '@adtally/telemetry';

/** How often what was counted is written down. */
const EVERY_MS = 10_000;
/** So many pairs of source and cause are held between two writes; the database has a bound of its own. */
const HELD_MAX = 100;

export interface MisroutedSourcesParts {
  readonly db: Database;
  /** How many partitions the topic has. */
  readonly partitions: () => number;
  readonly log: Logger;
}

/**
 * Counts who sends records under another key or to another partition, for `ops producers`. Of a committed batch a few
 * such records are looked at and stand for the others, so a topic in which all are costs no more than one in which
 * some are. Beside the loop; nothing waits for it.
 */
export class MisroutedSources {
  readonly #parts: MisroutedSourcesParts;
  readonly #topic: string;
  readonly #held = new Map<string, MisroutedRecords>();
  readonly #writing: RecurringTask;

  constructor(parts: MisroutedSourcesParts, topic: string) {
    this.#parts = parts;
    this.#topic = topic;
    this.#writing = new RecurringTask({
      everyMs: EVERY_MS,
      run: () => this.#write(),
      onError: (error) => this.#tell(error),
    });
  }

  start(): void {
    this.#writing.start();
  }

  async stop(): Promise<void> {
    await this.#writing.stop();
    await this.#write().catch((error: unknown) => this.#tell(error));
  }

  /** Takes in a batch that was committed. */
  note(batch: EventBatch): void {
    const { seen, rows } = batch.misroutedRows;
    const partitions = this.#parts.partitions();
    for (const row of rows) {
      if (batch.verdict[row] !== VERDICT.event) continue;
      const { partition, offset, ...record } = batch.record(row);
      const misrouting = misroutingOf(batch, row, partitions);
      const source = sourceName(record) ?? '';
      const example = { ...misrouting, partition, offset };
      this.#add({ source, ...example, records: seen / rows.length });
    }
  }

  #add(noted: MisroutedRecords): void {
    const key = (source: string): string => JSON.stringify([source, noted.cause]);
    const isFull = this.#held.size >= HELD_MAX && !this.#held.has(key(noted.source));
    const source = isFull ? OTHER_SOURCES : noted.source;
    const held = this.#held.get(key(source));
    this.#held.set(key(source), {
      ...noted,
      source,
      records: noted.records + (held?.records ?? 0),
    });
  }

  async #write(): Promise<void> {
    const noted = [...this.#held.values()];
    this.#held.clear();
    try {
      await noteMisrouted(this.#parts.db, this.#topic, noted);
    } catch (error) {
      for (const one of noted) this.#add(one);
      throw error;
    }
  }

  /** That the database is away is told by whoever needs it. */
  #tell(error: unknown): void {
    this.#parts.log.debug({ err: error }, 'who sends misrouted records could not be noted');
  }
}
