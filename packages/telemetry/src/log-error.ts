/** What of an error may stand in a log: one JSON object. */
export interface LoggedError {
  readonly type: string;
  /** Its own and those of its causes. */
  readonly message: string;
  readonly stack?: string;
  readonly [field: string]: unknown;
}

/**
 * The fields that are told beside name, message and stack. All others stay out: a driver's error may carry
 * the whole command it failed with, its password included, or a row's values (PostgreSQL's `detail`).
 */
const PLAIN_FIELDS = [
  'code',
  'errno',
  'syscall',
  'hostname',
  'address',
  'port',
  'path',
  'exitCode',
  'statusCode',
  // PostgreSQL
  'severity',
  'schema',
  'table',
  'column',
  'dataType',
  'constraint',
  'routine',
  // Kafka and our own
  'partition',
  'transient',
  'isFatal',
  'isRetriable',
] as const;
/** Objects of our own errors, of which plain values are told: WriteError, OffsetOutOfRange, a wait's reason. */
const OBJECT_FIELDS = ['failure', 'at', 'reason'] as const;

const CAUSES_MAX = 5;
const TEXT_MAX = 1_000;

/** Turns an error into what may be logged of it, by an allow-list. */
export function logError(error: Error): LoggedError {
  const chain = causesOf(error);
  const fields: Record<string, unknown> = {};
  // The outermost that has a field tells it: a SQLSTATE lies on the driver's error, within ours.
  for (const one of chain as (Error & Record<string, unknown>)[]) {
    for (const name of PLAIN_FIELDS) {
      if (isPlain(one[name])) fields[name] ??= shortened(one[name]);
    }
    for (const name of OBJECT_FIELDS) fields[name] ??= plainFieldsOf(one[name]);
  }
  const stacks = chain.map(({ stack }) => stack).filter((stack) => stack !== undefined);
  return {
    type: typeName(error),
    message: chain.map(({ message }) => message).join(': '),
    ...(stacks.length > 0 && { stack: stacks.join('\ncaused by: ') }),
    ...fields,
  };
}

/** A log line's object with its errors, however deep, turned into what may be told of them. */
export function withoutErrors(object: Record<string, unknown>): Record<string, unknown> {
  return tellable(object, 0) as Record<string, unknown>;
}

const DEPTH_MAX = 6;

function tellable(value: unknown, depth: number): unknown {
  if (value instanceof Error) return logError(value);
  if (typeof value !== 'object' || value === null || depth > DEPTH_MAX) return value;
  if (Array.isArray(value)) {
    return value.some(holdsObjects) ? value.map((item) => tellable(item, depth + 1)) : value;
  }
  // What knows how it is written (a Date) writes itself; class instances do not go into log lines.
  if (
    Object.getPrototypeOf(value) !== Object.prototype ||
    !Object.values(value).some(holdsObjects)
  ) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, tellable(item, depth + 1)]),
  );
}

function holdsObjects(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

/** The error and its causes, also where one is its own cause; the first reason stands for several. */
function causesOf(error: Error): Error[] {
  const chain: Error[] = [];
  let current: unknown = error;
  while (current instanceof Error && chain.length < CAUSES_MAX && !chain.includes(current)) {
    chain.push(current);
    current =
      current instanceof AggregateError ? (current.errors[0] ?? current.cause) : current.cause;
  }
  return chain;
}

function typeName(error: Error): string {
  return error.name === 'Error' || error.name === '' ? error.constructor.name : error.name;
}

function plainFieldsOf(value: unknown): Record<string, unknown> | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const plain = Object.entries(value).filter(([, item]) => isPlain(item) || isPlainList(item));
  return Object.fromEntries(plain.map(([name, item]) => [name, shortened(item)]));
}

function isPlain(value: unknown): value is string | number | boolean {
  return ['string', 'number', 'boolean'].includes(typeof value);
}

function isPlainList(value: unknown): boolean {
  return Array.isArray(value) && value.every(isPlain);
}

function shortened(value: unknown): unknown {
  return typeof value === 'string' ? value.slice(0, TEXT_MAX) : value;
}
