import type { KafkaAdmin } from '@adtally/kafka';

/** Where a topic that was never read before begins to count. */
export type StartAt =
  | { readonly kind: 'log_start' }
  | { readonly kind: 'time'; readonly timeMs: number }
  | { readonly kind: 'group'; readonly groupId: string };

const TEXT_MAX = 300;

/** Reads `earliest`, `group:<id>` or an RFC 3339 time; null where it is none of them. */
export function parseStartAt(text: string): StartAt | null {
  if (text.length > TEXT_MAX) return null;
  if (text === 'earliest') return { kind: 'log_start' };
  if (text.startsWith('group:') && text.length > 'group:'.length) {
    return { kind: 'group', groupId: text.slice('group:'.length) };
  }
  const timeMs = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(timeMs) ? null : { kind: 'time', timeMs };
}

/** As `parseStartAt` reads it; a time in UTC. */
export function startAtText(startAt: StartAt): string {
  if (startAt.kind === 'log_start') return 'earliest';
  return startAt.kind === 'group'
    ? `group:${startAt.groupId}`
    : new Date(startAt.timeMs).toISOString();
}

/** The first offset to count, for each partition; one that a group never committed begins at log start. */
export async function genesisOffsets(
  admin: KafkaAdmin,
  topic: string,
  partitions: readonly number[],
  startAt: StartAt,
): Promise<Map<number, number>> {
  const known = await namedOffsets(admin, topic, startAt);
  const missing = partitions.filter((partition) => !known.has(partition));
  const starts = await Promise.all(
    missing.map(async (partition) => (await admin.watermarks(topic, partition)).logStart),
  );
  for (const [index, partition] of missing.entries()) known.set(partition, starts[index] as number);
  return known;
}

/** What the broker knows of where to begin; by partition. */
async function namedOffsets(
  admin: KafkaAdmin,
  topic: string,
  startAt: StartAt,
): Promise<Map<number, number>> {
  switch (startAt.kind) {
    case 'log_start':
      return new Map();
    case 'time':
      return await admin.offsetsForTime(topic, startAt.timeMs);
    case 'group':
      return await admin.groupOffsets(startAt.groupId, topic);
    default:
      return startAt satisfies never;
  }
}
