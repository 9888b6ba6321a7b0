import { parseTime, POSTGRES_EPOCH_MS } from '@adtally/event-schema';
import { KafkaError, type KafkaAdmin } from '@adtally/kafka';
import { WaitingError } from './wait-reason.ts';

/** Where a topic that was never read before begins to count. */
export type StartAt =
  | { readonly kind: 'log_start' }
  | { readonly kind: 'time'; readonly timeMs: number }
  | { readonly kind: 'group'; readonly groupId: string };

const TEXT_MAX = 300;

/**
 * Reads `earliest`, `group:<id>` or a time as events have them (RFC 3339 with its zone); null where it is none
 * of them. Where counting begins cannot be taken back: nothing is read leniently.
 */
export function parseStartAt(text: string): StartAt | null {
  if (text.length > TEXT_MAX) return null;
  if (text === 'earliest') return { kind: 'log_start' };
  if (text.startsWith('group:') && text.length > 'group:'.length) {
    return { kind: 'group', groupId: text.slice('group:'.length) };
  }
  const micros = parseTime(text);
  if (micros === null) return null;
  // The broker's times are milliseconds: the first that is not before the one asked for.
  return { kind: 'time', timeMs: Math.ceil(Number(micros) / 1000) + POSTGRES_EPOCH_MS };
}

/** As `parseStartAt` reads it; a time in UTC. */
export function startAtText(startAt: StartAt): string {
  if (startAt.kind === 'log_start') return 'earliest';
  return startAt.kind === 'group'
    ? `group:${startAt.groupId}`
    : new Date(startAt.timeMs).toISOString();
}

/**
 * The first offset to count, for each partition.
 *
 * @throws WaitingError `start_at_unknown` where the group that START_AT names has committed nothing of a
 *   partition that holds records: to guess would lose them or count them twice
 */
export async function genesisOffsets(
  admin: KafkaAdmin,
  topic: string,
  partitions: readonly number[],
  startAt: StartAt,
): Promise<Map<number, number>> {
  const known = await namedOffsets(admin, topic, startAt);
  const missing = partitions.filter((partition) => !known.has(partition));
  if (missing.length === 0) return known;
  const logs = await admin.watermarksOf(topic, missing);
  const unknown: number[] = [];
  for (const [partition, log] of logs) {
    if (log instanceof KafkaError) throw log;
    known.set(partition, log.logStart);
    if (log.end > log.logStart) unknown.push(partition);
  }
  if (startAt.kind === 'group' && unknown.length > 0)
    throw neverCommitted(startAt.groupId, unknown);
  return known;
}

function neverCommitted(groupId: string, partitions: readonly number[]): WaitingError {
  return new WaitingError({
    code: 'start_at_unknown',
    detail:
      `START_AT=group:${groupId}: the group has committed no offset of partitions ${partitions.join(', ')}, ` +
      'which hold records; name the group that counted them, or a time, or earliest',
  });
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
