import { CODE, type NativeError } from './rdkafka.ts';
import type { Trouble } from './trouble.ts';

/** Base of all errors of this package; `code` is librdkafka's or the broker's number. */
export class KafkaError extends Error {
  override name = 'KafkaError';
  readonly code: number;
  /** Where there was no answer: what the client last said of its connections. */
  trouble: Trouble | null = null;

  constructor(message: string, code: number, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The client instance can never work again (fenced, refused identity): end the process. */
export class KafkaFatalError extends KafkaError {
  override name = 'KafkaFatalError';
}

/** A request failed. `transient` tells whether asking again later can help. */
export class KafkaRequestError extends KafkaError {
  override name = 'KafkaRequestError';
  readonly transient: boolean;

  constructor(message: string, code: number, transient: boolean, options?: ErrorOptions) {
    super(message, code, options);
    this.transient = transient;
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
export class OffsetOutOfRange extends KafkaError {
  override name = 'OffsetOutOfRange';
  readonly partition: number | undefined;
  readonly at: LogPosition | undefined;

  constructor(at?: LogPosition) {
    super(
      at === undefined
        ? 'an offset to read did not exist; the partition is unknown'
        : `offset ${at.position} of ${at.topic}[${at.partition}] is outside its log ${at.logStart}..${at.end}`,
      CODE.autoOffsetReset,
    );
    this.partition = at?.partition;
    this.at = at;
  }
}

/**
 * The log has more records but the partition delivered none for about half a minute. It has to be stopped,
 * claimed again (the topic may have been recreated) and started.
 */
export class PartitionStalled extends KafkaError {
  override name = 'PartitionStalled';
  readonly partition: number;
  readonly at: LogPosition;

  constructor(at: LogPosition) {
    super(
      `${at.topic}[${at.partition}] delivers nothing at ${at.position}, its end is ${at.end}`,
      CODE.timedOut,
    );
    this.partition = at.partition;
    this.at = at;
  }
}

/** Codes that no amount of waiting heals: the request itself is wrong or not allowed. */
const LASTING = new Set([
  1, // offset out of range
  10, // message too large
  17, // invalid topic name
  18, // record list too large
  29, // topic authorization
  30, // group authorization
  31, // cluster authorization
  35, // unsupported version
  36, // topic already exists
  37, // invalid partitions
  38, // invalid replication factor
  39, // invalid replica assignment
  40, // invalid config
  42, // invalid request
  44, // policy violation
  87, // invalid record
  -186, // invalid argument
  -169, // authentication
]);

export function codeOf(error: unknown): number {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'number' ? code : -1;
}

export function isFatal(error: unknown): boolean {
  const code = codeOf(error);
  return (
    code === CODE.fatal ||
    code === CODE.fenced ||
    (error as NativeError | null | undefined)?.isFatal === true
  );
}

/** Turns anything the client throws into a typed error. Never throws. */
export function classify(error: unknown, doing: string): KafkaError {
  if (error instanceof KafkaError) return error;
  const code = codeOf(error);
  const text = `${doing}: ${messageOf(error)} (${code})`;
  if (isFatal(error)) return new KafkaFatalError(text, code, { cause: error });
  return new KafkaRequestError(text, code, !LASTING.has(code), { cause: error });
}

/** Codes of a request that nobody answered. They tell nothing of why. */
const NO_ANSWER = new Set<number>([
  CODE.timedOut,
  CODE.allBrokersDown,
  CODE.resolve,
  CODE.transport,
  CODE.timedOutInQueue,
  CODE.messageTimedOut,
]);

export function isNoAnswer(error: unknown): boolean {
  return NO_ANSWER.has(codeOf(error));
}

/** Adds the client's last words, as text and as cause, to an error that says only that nobody answered. */
export function withWords(error: KafkaError, trouble: Trouble | null): KafkaError {
  if (!isNoAnswer(error) || error.trouble !== null) return error;
  if (trouble === null) {
    error.message += ', and no connection complained';
    return error;
  }
  error.message += `; the client said: ${trouble.message}`;
  error.cause = new Error(trouble.message, { cause: error.cause });
  error.trouble = trouble;
  return error;
}

export function messageOf(error: unknown): string {
  const message = (error as { message?: unknown } | null | undefined)?.message;
  return typeof message === 'string' ? message : String(error);
}
