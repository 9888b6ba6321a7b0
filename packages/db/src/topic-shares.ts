import { EXIT } from '@adtally/command-line';
import { partitionRanges } from '@adtally/event-schema';
import type { DatabaseExecutor } from './database.ts';

/** The partitions of a topic that a database counts, ascending; null: all of them. */
export type TopicShare = readonly number[] | null;

/** A process was told to count other partitions of a topic than its database counts. */
export class ShareDiffers extends Error {
  override readonly name = 'ShareDiffers';
  /** Where nobody waits for another setting to come. */
  readonly exitCode = EXIT.configuration;
}

/** By topic, the partitions counted here; a topic that is counted whole is absent. */
export async function readTopicShares(
  db: DatabaseExecutor,
): Promise<Map<string, ReadonlySet<number>>> {
  const rows = await db.selectFrom('topic_shares').select(['topic', 'partitions']).execute();
  return new Map(rows.map(({ topic, partitions }) => [topic, new Set(partitions)]));
}

/**
 * Holds a process to what its database counts of a topic; the first one decides. One at a time: the caller
 * holds the lock of registrations.
 *
 * @throws ShareDiffers
 */
export async function noteTopicShare(
  trx: DatabaseExecutor,
  topic: string,
  share: TopicShare,
): Promise<void> {
  const row = await trx
    .selectFrom('topic_shares')
    .select('partitions')
    .where('topic', '=', topic)
    .executeTakeFirst();
  const isCounted =
    row !== undefined ||
    (await trx
      .selectFrom('sources')
      .select('source_id')
      .where('kind', '=', 'events')
      .where('topic', '=', topic)
      .limit(1)
      .executeTakeFirst()) !== undefined;
  if (!isCounted) {
    if (share === null) return;
    await trx
      .insertInto('topic_shares')
      .values({ topic, partitions: [...share] })
      .execute();
    return;
  }
  const [here, given] = [shareText(row?.partitions ?? null), shareText(share)];
  if (here === given) return;
  throw new ShareDiffers(
    `this database counts ${here} of topic ${topic}, and PARTITIONS says ${given}: partitions do not move between databases`,
  );
}

/** `partitions 0-5,8` */
function shareText(share: TopicShare): string {
  return share === null ? 'all partitions' : `partitions ${partitionRanges(share)}`;
}
