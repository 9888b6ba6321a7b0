import { UsageError, wholeNumberOf } from '@adtally/command-line';
import { DEAD_LETTER_STATES, type DeadLetterState } from '@adtally/db';
import { type LetterFilter } from '@adtally/letters';
import { daysInMonth } from '@adtally/event-schema';
import { readId } from './options.ts';

/** Which letters: the same options for every command. */
export const FILTER_OPTIONS = {
  id: { type: 'string', multiple: true },
  code: { type: 'string', multiple: true },
  fingerprint: { type: 'string', multiple: true },
  state: { type: 'string', multiple: true },
  source: { type: 'string' },
  topic: { type: 'string' },
  partition: { type: 'string' },
  since: { type: 'string' },
  until: { type: 'string' },
} as const;

export interface FilterValues {
  readonly id?: readonly string[] | undefined;
  readonly code?: readonly string[] | undefined;
  readonly fingerprint?: readonly string[] | undefined;
  readonly state?: readonly string[] | undefined;
  readonly source?: string | undefined;
  readonly topic?: string | undefined;
  readonly partition?: string | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

const INT4_MAX = 2_147_483_647;

/**
 * Reads a filter. Without `--state` it means `states`; only states among `allowed` may be given.
 *
 * @throws UsageError naming the option that is wrong
 */
export function readFilter(
  values: FilterValues,
  {
    states,
    allowed = DEAD_LETTER_STATES,
  }: {
    readonly states?: readonly DeadLetterState[];
    readonly allowed?: readonly DeadLetterState[];
  } = {},
): LetterFilter {
  const since = values.since === undefined ? undefined : readTime('since', values.since);
  const until = values.until === undefined ? undefined : readTime('until', values.until);
  return {
    letterIds: listOf('id', values.id)?.map((id) => readId('letter', id)),
    codes: listOf('code', values.code),
    fingerprints: listOf('fingerprint', values.fingerprint),
    states: listOf('state', values.state)?.map((state) => readState(state, allowed)) ?? states,
    sourceId: numberOf('source', values.source, 1),
    topic: values.topic,
    partition: numberOf('partition', values.partition, 0),
    since,
    until,
  };
}

/** Values of an option that may be repeated and may hold commas. */
export function listOf(
  name: string,
  given: readonly string[] | undefined,
): readonly string[] | undefined {
  if (given === undefined) return undefined;
  const values = given.flatMap((text) => text.split(',')).map((text) => text.trim());
  if (values.includes('')) throw new UsageError(`--${name} needs a value`);
  return values;
}

function numberOf(name: string, text: string | undefined, min: number): number | undefined {
  return text === undefined ? undefined : wholeNumberOf(name, text, min, INT4_MAX);
}

function readState(text: string, allowed: readonly DeadLetterState[]): DeadLetterState {
  const state = allowed.find((candidate) => candidate === text);
  if (state === undefined) {
    throw new UsageError(`--state must be one of ${allowed.join(', ')}, not "${text}"`);
  }
  return state;
}

const TIME =
  /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.\d{1,6})?(?:[Zz]|[+-](\d{2}):(\d{2}))?$/;

/** RFC 3339; UTC where no offset is given. */
function readTime(name: string, text: string): string {
  const wrong = new UsageError(
    `--${name} must be a time such as 2026-03-01T12:00:00Z, not "${text}"`,
  );
  const match = TIME.exec(text);
  if (match === null) throw wrong;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, offset = 0, rest = 0] =
    match.slice(1).map((digits) => Number(digits ?? 0));
  const isDate = year >= 1 && month >= 1 && month <= 12 && day >= 1;
  if (!isDate || day > daysInMonth(year, month)) throw wrong;
  if (hour > 23 || minute > 59 || second > 59 || offset > 14 || rest > 59) throw wrong;
  return /(?:[Zz]|[+-]\d{2}:\d{2})$/.test(text) ? text : `${text}Z`;
}
