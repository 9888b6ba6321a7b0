import type { FetchedRecords } from './fetched-records.ts';
import type { ReadUpTo } from './log-witness.ts';
import type { Start } from './readers.ts';
import type { Hindrance } from './record-source.ts';

/**
 * How records come out of the logs of partitions that somebody has decided to read: through the native
 * client, or over the protocol itself. One fetch at a time.
 */
export interface Reading {
  readonly isFetching: boolean;
  /** Resolves once no fetch is in flight. */
  idle(): Promise<void>;

  /** As `RecordSource.read`; also what the client learns of its group is learnt in it. */
  read(maxRecords: number, timeoutMs: number): Promise<FetchedRecords>;
  /** Looks in the background at what was not delivered though it may be there. Between fetches. */
  checkQuiet(): void;

  /** The group changes: a read that waits for records returns where it can, since its caller has something to settle. */
  wake(): void;
  /** The group grants these, which are about to be started: the same, and what their first records would wait for is done meanwhile. */
  expect(partitions: readonly number[]): void;
  /** Between fetches. Throws where the client cannot take it now. */
  start(partition: number, start: Start): void;
  /**
   * Ends reading those of them that are read, at any time; records in flight are dropped. The client answers
   * its group by what is taken from it: with `answer` it is told even of nothing.
   */
  stop(partitions: readonly number[], answer: boolean): void;
  /** Delivers nothing more of partitions that belong to somebody else already, until they are stopped. */
  lose(partitions: readonly number[]): void;
  partitions(): number[];
  has(partition: number): boolean;

  /** As `RecordSource` has them. */
  position(partition: number): number | undefined;
  lastRead(partition: number): ReadUpTo | null;
  cachedEnd(partition: number): number | null;
  readonly isTopicSure: boolean;
  hindrances(): ReadonlyMap<number, Hindrance>;

  /** Ends what is its own; the client is its owner's. */
  close(): Promise<void>;
}
