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

/** Of a topic, a group, the cluster. */
const RIGHT_MISSING = new Set([29, 30, 31]);

/** Whether whoever asks may not do it. */
export function isRightMissing(error: unknown): boolean {
  return RIGHT_MISSING.has(codeOf(error));
}

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
