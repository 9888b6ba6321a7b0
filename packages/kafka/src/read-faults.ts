import { KafkaError } from './errors.ts';
import { CODE } from './rdkafka.ts';

/**
 * Why a partition delivers nothing more until it is stopped and started again: thrown by a record source in
 * place of records. Nothing was skipped, and the other partitions go on.
 */
export class ReadFault extends KafkaError {
  override name = 'ReadFault';
  /** Undefined where it is not known which one: then every partition is to be looked at. */
  readonly partition: number | undefined;

  constructor(message: string, code: number, partition: number | undefined) {
    super(message, code);
    this.partition = partition;
  }
}

/** Where a partition is read, and what its log holds. */
export interface LogPosition {
  readonly topic: string;
  readonly partition: number;
  /** The next offset to read. */
  readonly position: number;
  readonly logStart: number;
  readonly end: number;
}

/**
 * The offset to read does not exist in the partition's log: it lies before the log's start (truncated)
 * or past its end (recreated or unclean). Nothing was skipped; the partition delivers nothing more
 * until it is stopped and started again.
 *
 * Without `at` the client met such an offset but by now every position lies inside its log, as after a
 * topic was recreated and filled anew: every partition has to be claimed again, topic id included.
 */
export class OffsetOutOfRange extends ReadFault {
  override name = 'OffsetOutOfRange';
  readonly at: LogPosition | undefined;

  constructor(at?: LogPosition) {
    super(
      at === undefined
        ? 'an offset to read did not exist; the partition is unknown'
        : `offset ${at.position} of ${at.topic}[${at.partition}] is outside its log ${at.logStart}..${at.end}`,
      CODE.autoOffsetReset,
      at?.partition,
    );
    this.at = at;
  }
}

/**
 * The log has more records but the partition delivered none for about half a minute. It has to be stopped,
 * claimed again (the topic may have been recreated) and started.
 */
export class PartitionStalled extends ReadFault {
  override name = 'PartitionStalled';
  declare readonly partition: number;
  readonly at: LogPosition;

  constructor(at: LogPosition) {
    super(
      `${at.topic}[${at.partition}] delivers nothing at ${at.position}, its end is ${at.end}`,
      CODE.timedOut,
      at.partition,
    );
    this.at = at;
  }
}

/** A batch that no reader can read: damaged on the broker's disk, or of a kind this client does not know. */
export interface UnreadableAt {
  readonly topic: string;
  readonly partition: number;
  /** The first offset that cannot be read. */
  readonly offset: number;
  /** Where the next batch begins; null where that could not be found out. */
  readonly end: number | null;
  /** What is wrong with it, in the words of whoever read it. */
  readonly detail: string;
}

/** The log has a batch at the position that cannot be read; asking again brings the same bytes. */
export class BatchUnreadable extends ReadFault {
  override name = 'BatchUnreadable';
  declare readonly partition: number;
  readonly at: UnreadableAt;

  constructor(at: UnreadableAt) {
    const upTo = at.end === null ? '' : `..${at.end - 1}`;
    super(
      `${at.topic}[${at.partition}] cannot be read at ${at.offset}${upTo}: ${at.detail}`,
      CODE.badMessage,
      at.partition,
    );
    this.at = at;
  }
}

/** Where a log was cut below what had been read of it, and written on with other records. */
export interface DivergedAt {
  readonly topic: string;
  readonly partition: number;
  /** The next offset to read. */
  readonly position: number;
  /** Of the leader that had appended the last record read. */
  readonly leaderEpoch: number;
  /** Where that leader's records end by now: from here on the log holds others than were read, or none. */
  readonly divergesAt: number;
}

/**
 * A leader was elected that did not have all that had been read (an unclean election): what was read from
 * `divergesAt` on is gone, and other records stand, or will stand, at these offsets.
 */
export class LogDiverged extends ReadFault {
  override name = 'LogDiverged';
  declare readonly partition: number;
  readonly at: DivergedAt;

  constructor(at: DivergedAt) {
    super(
      `${at.topic}[${at.partition}] was read up to ${at.position}, but what leader epoch ${at.leaderEpoch} ` +
        `wrote ends at ${at.divergesAt}`,
      CODE.logTruncation,
      at.partition,
    );
    this.at = at;
  }
}

/** The topic of a partition is gone, made again under its name, or cannot be asked for: its claim must be looked at. */
export class TopicGone extends ReadFault {
  override name = 'TopicGone';
  declare readonly partition: number;

  constructor(topic: string, partition: number) {
    super(`${topic}[${partition}] is not the one that was read`, CODE.unknownPartition, partition);
  }
}
