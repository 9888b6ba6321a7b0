import {
  choice,
  id,
  list,
  option,
  text,
  timestamp,
  wholeNumber,
  type Options,
  type ValuesOf,
} from '@adtally/command-line';
import type { DeadLetterState } from '@adtally/db';
import type { LetterFilter } from '@adtally/letters';

const INT4_MAX = 2_147_483_647;

/** Which letters: the same options for every command, but for the states it can do something with. */
export function filterOptions<const S extends DeadLetterState>(states: readonly S[]) {
  return {
    id: list(
      id('letter'),
      'letters by number; several with commas or repeated, as all up to --state',
    ),
    code: list(text('CODE'), 'by what they failed with last'),
    fingerprint: list(text('HEX'), 'by the cause they failed with last'),
    state: list(choice(states, 'STATE'), 'by state'),
    source: option(wholeNumber(1, INT4_MAX), 'by source'),
    topic: option(text('TOPIC'), 'by the topic of the original'),
    partition: option(wholeNumber(0, INT4_MAX), 'by its partition'),
    since: option(timestamp, 'recorded at or after; UTC unless an offset is given'),
    until: option(timestamp, 'recorded before'),
  } as const satisfies Options;
}

type FilterValues = ValuesOf<ReturnType<typeof filterOptions>>;

/** The filter that the options come to. Without `--state` it means `states`. */
export function filterOf(
  { id: letterIds, code, fingerprint, state, source, ...rest }: FilterValues,
  states?: readonly DeadLetterState[],
): LetterFilter {
  const { topic, partition, since, until } = rest;
  return {
    letterIds,
    codes: code,
    fingerprints: fingerprint,
    states: state ?? states,
    sourceId: source,
    topic,
    partition,
    since,
    until,
  };
}
