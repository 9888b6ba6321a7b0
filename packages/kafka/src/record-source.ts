import type { SourceRecord } from '@adtally/event-schema';
import type { FetchedRecords } from './fetched-records.ts';
import type { ReadUpTo } from './log-witness.ts';
import type { Watermarks } from './listed-offsets.ts';

/** What is known of a partition when reading it begins. */
export interface ReadFrom {
  /** The topic that is meant, as Kafka's tools print its id: another one under its name is not read. */
  readonly topicId?: string;
  /** What is known to have been read of the partition before. */
  readonly last?: ReadUpTo | null;
}

/** Why nothing comes of a partition though it is read: something that may end by itself. */
export interface Hindrance {
  /** One short word in snake case. */
  readonly code: string;
  /** One sentence with the coordinates and the broker's or the connection's own words; no secret. */
  readonly detail: string;
}

/**
 * A reader of partitions of one topic, as whoever counts their records sees it; how the records come out of
 * the log is its own affair. Which partitions may be read is decided elsewhere, by a group or a claim.
 *
 * Offsets of one partition come in order from its start, none twice, and none is left out silently: between
 * two records, or behind the last one, only offsets are missing that can never be delivered to anybody
 * (markers of transactions, records of aborted ones, what compaction took). `position` passes those too, so
 * it reaches the end of a log that ends in such. Everything else that keeps records from coming is thrown.
 *
 * Methods are called by one loop, one `read` or `fetch` at a time.
 */
export interface RecordSource {
  /** Reads a partition from `offset` on. Throws where it is already read or may not be. */
  start(partition: number, offset: number, from?: ReadFrom): void;

  /** Ends reading a partition; what was thrown of it and not yet seen is forgotten. Harmless when not read. */
  stop(partition: number): void;

  isReading(partition: number): boolean;

  /**
   * Waits up to `timeoutMs` for a first record, then takes what is at hand, up to `maxRecords`; may be empty.
   * Throws a `ReadFault` for one partition, which delivers nothing more until it is stopped and started
   * again while the others go on, and `KafkaFatalError`; everything else is retried inside and noticed.
   */
  read(maxRecords: number, timeoutMs: number): Promise<FetchedRecords>;

  /** As `read`, with an object made of each record. */
  fetch(maxRecords: number, timeoutMs: number): Promise<SourceRecord[]>;

  /**
   * The next offset to be delivered: all before it was, or never can be. Undefined where the partition is
   * not read. Moves in `read` and `fetch` only.
   */
  position(partition: number): number | undefined;

  /**
   * Whether all that is delivered is surely of the topic that `start` named, whatever stands under its name by
   * now. Where it is not, whoever counts it asks the brokers before.
   */
  readonly isTopicSure: boolean;

  /** By partition, of those that it keeps from being read just now. */
  hindrances(): ReadonlyMap<number, Hindrance>;

  /** The last record read of a partition, with whose epoch its leader had appended it; null where unknown. */
  lastRead(partition: number): ReadUpTo | null;

  /**
   * Of the partitions whose log does not hold what was read any more: from which offset on it has other records,
   * or none. What cannot be found out is left out.
   */
  departures(read: ReadonlyMap<number, ReadUpTo>): Promise<Map<number, number>>;

  /** These may be started soon: what their first records would wait for is done meanwhile. */
  expect(partitions: readonly number[]): void;

  /** A read that waits for records returns where it can: its caller has something else to do. */
  wake(): void;

  /** Asks the broker for the offsets the partition's log holds. */
  watermarks(partition: number): Promise<Watermarks>;

  /** The partition's end as last told by the broker, without a request; null when unknown. */
  cachedEnd(partition: number): number | null;
}
