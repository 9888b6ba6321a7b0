import { command, EXIT, formatTable, JSON_OPTION, printJson, say } from '@adtally/command-line';
import { LAG_STALE_MS, readLag, shownLag, type ObservedLag } from '@adtally/db';
import { onDatabase, type OpsEnvironment } from '../on-database.ts';
import { count, printable, span } from '../words.ts';

const SECOND_MS = 1_000;
const COLUMNS = [
  'TOPIC',
  'PARTITION',
  'CURSOR',
  'END',
  'LAG',
  'AGE',
  'SINCE',
  'OWNER',
  'STATE',
  'REASON',
];
const RIGHT_ALIGNED = new Set([1, 2, 3, 4, 5]);
const AGE_WORDS = { append_time: 'appended', cursor_moved: 'cursor moved' } as const;

/** Every partition of every counted topic as the leader last found it, what stands still first. */
export const lag = command({
  options: JSON_OPTION,
  run: async ({ options: { json } }, environment: OpsEnvironment) =>
    await onDatabase(environment, async ({ db }) => {
      const partitions = (await readLag(db)).toSorted(byUrgency);
      if (json) printJson({ partitions: partitions.map(shownLag) });
      else if (partitions.length > 0) process.stdout.write(`${lagText(partitions)}\n`);
      if (partitions.length === 0) say('nobody has looked yet: does any service live?');
      else if (partitions.every(isStale)) {
        const agoMs = Math.min(...partitions.map(({ observedMsAgo }) => observedMsAgo));
        say(`nobody has looked for ${span(agoMs / SECOND_MS)}: does any service live?`);
      }
      return EXIT.success;
    }),
});

/** Halted, then stuck, then by how much waits. */
function byUrgency(a: ObservedLag, b: ObservedLag): number {
  return rank(a) - rank(b) || (b.lagRecords ?? 0) - (a.lagRecords ?? 0);
}

function rank({ state, stuck }: ObservedLag): number {
  if (state === 'halted') return 0;
  return stuck === null ? 2 : 1;
}

function isStale({ observedMsAgo }: ObservedLag): boolean {
  return observedMsAgo > LAG_STALE_MS;
}

function lagText(partitions: readonly ObservedLag[]): string {
  const number = (value: number | null) => (value === null ? '-' : count(value));
  const rows = partitions.map((one) => [
    printable(one.topic),
    String(one.partition),
    number(one.nextOffset),
    number(one.endOffset),
    number(one.lagRecords),
    one.lagSeconds === null ? '-' : span(one.lagSeconds),
    one.ageFrom === null ? '-' : AGE_WORDS[one.ageFrom],
    one.owner === null ? '-' : printable(one.owner),
    isStale(one) ? `${one.state}?` : one.state,
    reasonText(one),
  ]);
  return formatTable([COLUMNS, ...rows], RIGHT_ALIGNED);
}

function reasonText({ stuck }: ObservedLag): string {
  if (stuck === null) return '-';
  return `${stuck.code} for ${span(stuck.forMs / SECOND_MS)}: ${printable(stuck.detail)}`;
}
