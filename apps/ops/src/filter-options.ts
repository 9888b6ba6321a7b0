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
/** Stands on the command line and in tables for what a letter does not tell. */
export const UNKNOWN = 'unknown';

/** Which letters: the same options for every command, but for the states it can do something with. */
export function filterOptions<const S extends DeadLetterState>(states: readonly S[]) {
  return {
    id: list(
      id('letter'),
      'letters by number; several with commas or repeated, as all up to --state',
    ),
    code: list(text('CODE'), 'by what they failed with last'),
    fingerprint: list(text('HEX'), 'by the cause they failed with last'),
    field: list(text('FIELD'), 'by the field or header they failed by last'),
    source: list(text('NAME'), `by who sent them, as the record says (or ${UNKNOWN})`),
    campaign: list(text('ID'), `by their campaign, as the record says (or ${UNKNOWN})`),
    version: list(
      text('VERSION'),
      `by their schema_version, as the record spells it (or ${UNKNOWN})`,
    ),
    state: list(choice(states, 'STATE'), 'by state'),
    'source-id': option(
      wholeNumber(1, INT4_MAX),
      'by the number of the source, as ops sources has it',
    ),
    topic: option(text('TOPIC'), 'by the topic of the original'),
    partition: option(wholeNumber(0, INT4_MAX), 'by its partition'),
    since: option(timestamp, 'recorded at or after; UTC unless an offset is given'),
    until: option(timestamp, 'recorded before'),
  } as const satisfies Options;
}

type FilterValues = ValuesOf<ReturnType<typeof filterOptions>>;

/** The filter that the options come to. Without `--state` it means `states`. */
export function filterOf(
  { id: letterIds, code, fingerprint, state, ...rest }: FilterValues,
  states?: readonly DeadLetterState[],
): LetterFilter {
  const { field, source, campaign, version, topic, partition, since, until } = rest;
  return {
    letterIds,
    codes: code,
    fingerprints: fingerprint,
    fields: factsOf(field),
    claimedSources: factsOf(source),
    claimedCampaigns: factsOf(campaign),
    claimedVersions: factsOf(version),
    states: state ?? states,
    sourceId: rest['source-id'],
    topic,
    partition,
    since,
    until,
  };
}

/** As the letters have them: what is unknown is empty there. */
function factsOf(given: readonly string[] | undefined): readonly string[] | undefined {
  return given?.flatMap((fact) => (fact === UNKNOWN ? [UNKNOWN, ''] : [fact]));
}
