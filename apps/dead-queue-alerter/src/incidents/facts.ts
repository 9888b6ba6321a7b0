import type { Incident } from '@adtally/alerting';
import { causeLine } from '@adtally/event-schema';
import { plain } from '../plain-text.ts';
import type { Tally } from '../rule/tally.ts';

const CAUSES_SHOWN = 5;
const CAUSE_MAX = 300;
const PARTITIONS_SHOWN = 10;
const DETAILS_SHOWN = 20;
const NAME_MAX = 200;
const DETAIL_MAX = 200;

/** The causes of dead letters, the most frequent first; the fingerprint stands beside, for commands. */
export function letterCauses({ causes, otherCauses }: Tally): string[] {
  const ordered = Object.entries(causes).toSorted(
    ([a, left], [b, right]) => right.count - left.count || (a < b ? -1 : 1),
  );
  const shown = ordered.slice(0, CAUSES_SHOWN);
  const rest = ordered.slice(CAUSES_SHOWN).reduce((sum, [, { count }]) => sum + count, otherCauses);
  return [
    ...shown.map(([words, { count, sample, fingerprint, sources }]) => {
      const beside = [fingerprint === '' ? '' : `fingerprint ${fingerprint}`, `e.g. ${sample}`];
      const line = causeLine(words, count, sources, beside.filter(Boolean));
      return plain(line, CAUSE_MAX);
    }),
    ...(rest > 0 ? [`other causes, ${rest} events`] : []),
  ];
}

/** What else is known of dead letters. */
export function letterFacts(incident: Incident, tally: Tally, topic: string): string[] {
  return [
    `Letters: ${incident.letters} since ${incident.startsAt.toISOString()}, by append time of ${topic}`,
    ...(incident.endsAt === null ? [] : [`Over since: ${incident.endsAt.toISOString()}`]),
    `Offsets: ${offsetText(tally)}`,
  ];
}

function offsetText({ offsets }: Tally): string {
  const partitions = Object.entries(offsets).toSorted(([a], [b]) => Number(a) - Number(b));
  const shown = partitions
    .slice(0, PARTITIONS_SHOWN)
    .map(([partition, [first, last]]) => `partition ${partition}: ${first}..${last}`);
  const hidden = partitions.length - shown.length;
  return [...shown, ...(hidden > 0 ? [`${hidden} more partitions`] : [])].join(', ');
}

/** The causes that whoever asked to be told names, in words already. */
export function requestCauses({ detail }: Incident): string[] {
  const { causes } = detail as { readonly causes?: unknown };
  if (!Array.isArray(causes)) return [];
  return causes
    .filter((cause) => typeof cause === 'string')
    .slice(0, CAUSES_SHOWN)
    .map((cause) => plain(cause, CAUSE_MAX));
}

/** What else whoever asked says, one line a detail. */
export function requestFacts(incident: Incident): string[] {
  const { causes: _, ...detail } = incident.detail as Record<string, unknown>;
  return [
    `Key: ${plain(incident.key, NAME_MAX)}`,
    ...Object.entries(detail)
      .slice(0, DETAILS_SHOWN)
      .map(([name, value]) => {
        const text = typeof value === 'string' ? value : JSON.stringify(value);
        return `${plain(name, NAME_MAX)}: ${plain(text, DETAIL_MAX)}`;
      }),
  ];
}
