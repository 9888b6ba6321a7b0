import { WRITTEN_COLUMN_LIST, WRITTEN_COLUMNS } from '@adtally/db';
import { EventBatch, readEvent, uuidText, VERDICT } from '@adtally/event-schema';
import { classify } from '@adtally/pipeline';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { rulesFor } from './choose-records.ts';
import type { RowByRowResult, RowByRowTask } from './tasks.ts';
import { TopicReader } from './topic-reader.ts';

const KEY_TTL_SECONDS = 3_600;
const RECORDS_A_FETCH = 1_000;

const INSERT = `INSERT INTO events (${WRITTEN_COLUMN_LIST})
  VALUES (${WRITTEN_COLUMNS.map((_, index) => `$${index + 1}`).join(', ')})
  ON CONFLICT (impression_id, event_key) DO NOTHING`;

/**
 * The way one would begin: ask Redis whether the key is new (SET NX EX), insert the event, commit, take
 * the next. Same client, decoder and table; invalid records are skipped.
 */
export async function runRowByRow(task: RowByRowTask): Promise<RowByRowResult> {
  const { kafka, topic, ends, databaseUrl, redisUrl, keyPrefix } = task;
  const database = new Client({ connectionString: databaseUrl });
  const redis = new Redis(redisUrl, { lazyConnect: true });
  redis.on('error', () => undefined);
  await Promise.all([database.connect(), redis.connect()]);
  const reader = await TopicReader.open(kafka, topic, ends);
  const batch = new EventBatch(RECORDS_A_FETCH);
  let records = 0;
  try {
    const startedMs = performance.now();
    const endMs = startedMs + task.seconds * 1000;
    reader.begin();
    while (reader.hasMore && performance.now() < endMs) {
      batch.clear();
      for (const record of await reader.next(RECORDS_A_FETCH)) batch.append(record, 1);
      classify(batch, 0, rulesFor(ends.length));
      for (let row = 0; row < batch.count && performance.now() < endMs; row += 1) {
        records += 1;
        if (batch.verdict[row] !== VERDICT.event) continue;
        const key = uuidText(batch.eventKey, row * 16);
        const isNew = await redis.set(`${keyPrefix}${key}`, 1, 'EX', KEY_TTL_SECONDS, 'NX');
        if (isNew === null) continue;
        await database.query({ name: 'insert', text: INSERT, values: rowValues(batch, row, key) });
      }
    }
    return { records, seconds: (performance.now() - startedMs) / 1000 };
  } finally {
    redis.disconnect();
    await reader.close();
    await database.end();
  }
}

/** The row in the order of the columns, as the driver takes it. */
function rowValues(batch: EventBatch, row: number, key: string): unknown[] {
  const event: Readonly<Record<string, unknown>> = { ...readEvent(batch, row) };
  const values: Readonly<Record<string, unknown>> = {
    ...event,
    amount_micros: event['price_micros'] ?? event['value_micros'],
    source_offset: batch.record(row).offset,
    source_id: batch.sourceId[row],
    event_key: key,
  };
  return WRITTEN_COLUMNS.map(({ name }) => values[name] ?? null);
}
