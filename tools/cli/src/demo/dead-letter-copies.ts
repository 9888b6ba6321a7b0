import type { Database } from '@adtally/db';
import { DEAD_LETTER_HEADERS, splitHeaders, type SourceRecord } from '@adtally/event-schema';
import { GroupConsumer, KafkaAdmin, type KafkaSettings } from '@adtally/kafka';
import { readEnds } from './position.ts';
import { waitFor } from './waiting.ts';

export interface DeadLetterCopies {
  /** Records on the DLQ topic; a crash between their ack and the commit leaves a second copy. */
  readonly onTopic: number;
  /** References whose record is kept: on the DLQ topic, or in the database if too large for it. */
  readonly kept: bigint;
}

export interface DeadLetterPlaces {
  readonly events: string;
  readonly dlq: string;
  /** A consumer group nobody else uses. */
  readonly groupId: string;
}

const FETCH_RECORDS = 5_000;
const FETCH_WAIT_MS = 200;
const READ_LIMIT_MS = 120_000;

/** Looks for the copy of every dead-letter reference, by the coordinate in its headers. */
export async function findDeadLetterCopies(
  db: Database,
  kafka: KafkaSettings,
  places: DeadLetterPlaces,
  signal: AbortSignal,
): Promise<DeadLetterCopies> {
  const missing = await references(db, places.events);
  const referenced = missing.size;
  let onTopic = 0;
  await readAll(kafka, places, signal, (record) => {
    onTopic += 1;
    const coordinate = coordinateOf(record);
    if (coordinate?.topic === places.events) missing.delete(coordinate.place);
  });
  const kept = await db
    .selectFrom('dead_letters')
    .where('dlq_source_id', 'is', null)
    .select(['source_id', 'source_offset'])
    .execute();
  const partitions = await partitionsOfSources(db, places.events);
  for (const letter of kept) {
    missing.delete(`${partitions.get(letter.source_id ?? -1)}/${letter.source_offset}`);
  }
  return { onTopic, kept: BigInt(referenced - missing.size) };
}

/** Where a dead letter says it came from. */
export function coordinateOf(record: SourceRecord): { topic: string; place: string } | undefined {
  const added = splitHeaders(record.headers)?.added;
  const topic = added?.get(DEAD_LETTER_HEADERS.topic);
  const partition = added?.get(DEAD_LETTER_HEADERS.partition);
  const offset = added?.get(DEAD_LETTER_HEADERS.offset);
  if (topic === undefined || partition === undefined || offset === undefined) return undefined;
  return { topic, place: `${partition}/${offset}` };
}

async function references(db: Database, topic: string): Promise<Set<string>> {
  const rows = await db
    .selectFrom('dead_letter_refs as r')
    .innerJoin('sources as s', 's.source_id', 'r.source_id')
    .where('s.topic', '=', topic)
    .select(['s.partition', 'r.source_offset'])
    .execute();
  return new Set(rows.map((row) => `${row.partition}/${row.source_offset}`));
}

async function partitionsOfSources(db: Database, topic: string): Promise<Map<number, number>> {
  const rows = await db
    .selectFrom('sources')
    .where('topic', '=', topic)
    .select(['source_id', 'partition'])
    .execute();
  return new Map(rows.map((row) => [row.source_id, row.partition]));
}

/** Reads a topic that nobody writes to any more, from its first record to its last. */
async function readAll(
  kafka: KafkaSettings,
  { dlq, groupId }: DeadLetterPlaces,
  signal: AbortSignal,
  onRecord: (record: SourceRecord) => void,
): Promise<void> {
  const left = await partitionsWithRecords(kafka, dlq);
  if (left.size === 0) return;
  const consumer = await GroupConsumer.connect(kafka, {
    groupId,
    topic: dlq,
    protocol: 'cooperative-sticky',
  });
  try {
    const what = `all records of ${dlq}`;
    await waitFor({ what, limitMs: READ_LIMIT_MS, pollMs: 0, signal }, async () => {
      for (const event of consumer.takeRebalances()) {
        consumer.settle(event);
        if (event.kind !== 'granted') continue;
        for (const partition of event.partitions) {
          if (left.has(partition)) consumer.start(partition, 0);
        }
      }
      for (const record of await consumer.fetch(FETCH_RECORDS, FETCH_WAIT_MS)) {
        onRecord(record);
        if (record.offset + 1 === left.get(record.partition)) left.delete(record.partition);
      }
      return left.size === 0 ? true : undefined;
    });
  } finally {
    await consumer.leave();
  }
}

/** Ends of the partitions that are not empty. */
async function partitionsWithRecords(
  kafka: KafkaSettings,
  topic: string,
): Promise<Map<number, number>> {
  const admin = new KafkaAdmin(kafka);
  try {
    const partitions = (await admin.describeTopic(topic))?.partitions.length ?? 0;
    const ends = await readEnds(admin, topic, partitions);
    return new Map([...ends.entries()].filter(([, end]) => end > 0));
  } finally {
    admin.close();
  }
}
