import type { SourceRecord } from '@adtally/event-schema';
import { type FetchedRecords, recordsOf } from './fetched-records.ts';
import type { Watermarks } from './listed-offsets.ts';
import type { LogQuestions } from './log-questions.ts';
import type { ReadUpTo } from './log-witness.ts';
import type { Reading } from './reading.ts';
import type { Hindrance, ReadFrom, RecordSource } from './record-source.ts';

/** What any source has of its reading, and of what may be asked of the logs, whoever says which partitions are read. */
export abstract class ReadingSource implements RecordSource {
  protected abstract get reading(): Reading;
  protected abstract get questions(): LogQuestions;

  abstract start(partition: number, offset: number, from?: ReadFrom): void;
  abstract stop(partition: number): void;
  abstract isReading(partition: number): boolean;
  abstract read(maxRecords: number, timeoutMs: number): Promise<FetchedRecords>;

  async fetch(maxRecords: number, timeoutMs: number): Promise<SourceRecord[]> {
    return recordsOf(await this.read(maxRecords, timeoutMs));
  }

  position(partition: number): number | undefined {
    return this.reading.position(partition);
  }

  get isTopicSure(): boolean {
    return this.reading.isTopicSure;
  }

  hindrances(): ReadonlyMap<number, Hindrance> {
    return this.reading.hindrances();
  }

  lastRead(partition: number): ReadUpTo | null {
    return this.reading.lastRead(partition);
  }

  departures(read: ReadonlyMap<number, ReadUpTo>): Promise<Map<number, number>> {
    return this.questions.departures(read);
  }

  expect(partitions: readonly number[]): void {
    this.reading.expect(partitions);
  }

  wake(): void {
    if (this.reading.isFetching) this.reading.wake();
  }

  watermarks(partition: number): Promise<Watermarks> {
    return this.questions.watermarks(partition);
  }

  cachedEnd(partition: number): number | null {
    return this.reading.cachedEnd(partition);
  }
}
