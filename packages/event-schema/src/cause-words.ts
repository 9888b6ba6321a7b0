import { SCHEMA_VERSIONS } from './versions.ts';

/** Why a record was rejected, as far as people are told it. */
export interface RejectionCause {
  readonly code: string;
  /** JSON field or header concerned; empty where there is none. */
  readonly field: string;
  /** The `schema_version` that the record claims (`claimedFacts`); empty where unknown. */
  readonly version: string;
}

/**
 * A cause in words, the same for all records it concerns: `missing field currency`,
 * `schema version 4 (this build reads 1-3)`.
 */
export function causeWords({ code, field, version }: RejectionCause): string {
  if (code === 'schema_mismatch' && field === 'schema_version' && version !== '') {
    return SCHEMA_VERSIONS.some((known) => String(known.version) === version)
      ? `does not fit schema version ${version}`
      : `schema version ${version} (this build reads ${versionsRead()})`;
  }
  const words = code.replaceAll('_', ' ') || 'unknown cause';
  if (field === '') return words;
  return code.endsWith('_field') ? `${words} ${field}` : `${words}, field ${field}`;
}

/** `1`, `1-3`, or `1, 3` where they have gaps. */
function versionsRead(): string {
  const versions = SCHEMA_VERSIONS.map(({ version }) => version);
  const [first = 0, last = 0] = [versions[0], versions.at(-1)];
  if (first === last) return String(first);
  return last - first + 1 === versions.length ? `${first}-${last}` : versions.join(', ');
}

/** How many records each source sent, of a bounded number of sources. */
export interface SourceCounts {
  /** By name; empty = it does not say. */
  readonly bySource: Readonly<Record<string, number>>;
  /** Records of sources beyond the bound, which are not told apart. */
  readonly others: number;
}

/** `source edge-3 and 2 more`, the one that sent most first; `source unknown` where none says. */
export function sourcesWords({ bySource, others }: SourceCounts): string {
  const named = Object.entries(bySource).toSorted(
    ([a, left], [b, right]) => right - left || (a < b ? -1 : 1),
  );
  const [first = ''] = named[0] ?? [];
  const more = named.length - 1;
  const least = others > 0 ? 'at least ' : '';
  return `source ${first || 'unknown'}${more > 0 || others > 0 ? ` and ${least}${Math.max(more, 1)} more` : ''}`;
}

/** `missing field currency, 118 events, source edge-3`, and in parentheses what stands beside. */
export function causeLine(
  words: string,
  events: number,
  sources: SourceCounts,
  beside: readonly string[] = [],
): string {
  const count = `${events.toLocaleString('en-US')} ${events === 1 ? 'event' : 'events'}`;
  const more = beside.length === 0 ? '' : ` (${beside.join(', ')})`;
  return `${words}, ${count}, ${sourcesWords(sources)}${more}`;
}
