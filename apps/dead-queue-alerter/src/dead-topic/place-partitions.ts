import {
  deadTopicPositions,
  placeDeadTopicPosition,
  type DeadTopicPosition,
} from '@adtally/alerting';
import { requestNotification, type Database, type DatabaseExecutor } from '@adtally/db';
import type { KafkaAdmin, TopicDescription, TopicReader, Watermarks } from '@adtally/kafka';
import type { Logger } from '@adtally/telemetry';
import { DISCONTINUITY_ALERT } from '../incidents/settings.ts';
import type { PartitionProgress } from './partition-progress.ts';

export interface PlaceParts {
  readonly session: Database;
  readonly admin: KafkaAdmin;
  readonly reader: TopicReader;
  readonly topic: string;
  readonly owner: string;
  readonly log: Logger;
  /** What was asked of the brokers; rejects with `Abandoned` once nobody needs it. */
  unlessStopped<T>(asked: Promise<T>): Promise<T>;
}

interface Discontinuity {
  readonly code: 'recreated' | 'truncated' | 'shrunk';
  readonly summary: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/**
 * Starts reading those of the topic's partitions that are not read yet, each where the database says. A
 * partition never read begins at its log's start. Where the log does not hold the position any more (topic
 * made again, truncated, shrunk) reading goes on at the next offset there is, and people are told: the
 * letters themselves are in `dead_letters`, but nobody can say any more how fast those came.
 */
export async function placePartitions(
  parts: PlaceParts,
  described: TopicDescription,
  isRead: (partition: number) => boolean,
): Promise<PartitionProgress[]> {
  const missing = described.partitions.map((one) => one.partition).filter((one) => !isRead(one));
  if (missing.length === 0) return [];
  const rows = await deadTopicPositions(parts.session, parts.topic);
  const current = rows.filter((row) => row.topicId === described.topicId);
  const wasRecreated = current.length === 0 && rows.length > 0;
  const placed: PartitionProgress[] = [];
  for (const partition of missing) {
    const row = current.find((one) => one.partition === partition);
    const log = await parts.unlessStopped(parts.reader.watermarks(partition));
    const found = await findPlace(parts, partition, row, log);
    const discontinuity =
      wasRecreated && placed.length === 0
        ? recreated(parts.topic, rows, described.topicId)
        : found.discontinuity;
    if (found.position !== Number(row?.nextOffset ?? -1)) {
      await write(parts, described.topicId, partition, found.position, discontinuity);
    }
    parts.reader.start(partition, found.position);
    parts.log.info({ partition, offset: found.position, end: log.end }, 'reading the dead topic');
    placed.push({
      partition,
      position: found.position,
      lastAppendMs: row?.lastAppendAt?.getTime() ?? -Infinity,
      knownEnd: log.end,
      deliveredAtMs: performance.now(),
    });
  }
  return placed;
}

async function findPlace(
  { admin, topic, unlessStopped }: PlaceParts,
  partition: number,
  row: DeadTopicPosition | undefined,
  log: Watermarks,
): Promise<{ position: number; discontinuity: Discontinuity | null }> {
  if (row === undefined) return { position: log.logStart, discontinuity: null };
  const position = Number(row.nextOffset);
  const detail = { partition, position, log_start: log.logStart, log_end: log.end };
  if (position < log.logStart) {
    const summary = `${log.logStart - position} offsets of ${topic}/${partition} were deleted before they were read`;
    return { position: log.logStart, discontinuity: { code: 'truncated', summary, detail } };
  }
  if (position <= log.end) return { position, discontinuity: null };
  // What is appended from now on lies below our position: read again from the last time we know of.
  const since = row.lastAppendAt?.getTime() ?? 0;
  const byTime = (await unlessStopped(admin.offsetsForTime(topic, since))).get(partition);
  const summary = `the log of ${topic}/${partition} ends at ${log.end}, ${position - log.end} offsets before what was read`;
  return {
    position: Math.min(byTime ?? log.end, log.end),
    discontinuity: { code: 'shrunk', summary, detail },
  };
}

function recreated(
  topic: string,
  rows: readonly DeadTopicPosition[],
  topicId: string,
): Discontinuity {
  return {
    code: 'recreated',
    summary: `topic ${topic} was deleted and made again: read from its start`,
    detail: { topic_id: topicId, former_topic_ids: [...new Set(rows.map((row) => row.topicId))] },
  };
}

async function write(
  { session, topic, owner, log }: PlaceParts,
  topicId: string,
  partition: number,
  nextOffset: number,
  discontinuity: Discontinuity | null,
): Promise<void> {
  await session.transaction().execute(async (trx) => {
    await placeDeadTopicPosition(trx, { topic, topicId, partition, nextOffset });
    if (discontinuity !== null) await ask(trx, owner, `${topic}/${partition}`, discontinuity);
  });
  if (discontinuity === null) return;
  const { code, summary } = discontinuity;
  log.error({ partition, code, offset: nextOffset }, `dead topic discontinuity: ${summary}`);
}

/** Told and over at once: there is nothing to wait for. */
async function ask(
  trx: DatabaseExecutor,
  owner: string,
  key: string,
  { code, summary, detail }: Discontinuity,
): Promise<void> {
  for (const status of ['firing', 'resolved'] as const) {
    await requestNotification(trx, {
      alert: DISCONTINUITY_ALERT,
      key,
      status,
      summary,
      detail: { code, ...detail },
      requestedBy: owner,
    });
  }
}
