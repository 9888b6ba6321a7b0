import { WRITTEN_COLUMN_LIST, WRITTEN_COLUMNS } from '@adtally/db';
import { EventBatch, readEvent, type SourceRecord, uuidText, VERDICT } from '@adtally/event-schema';
import { classify } from '@adtally/pipeline';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { rulesFor } from './choose-records.ts';

const KEY_TTL_SECONDS = 3_600;

const INSERT = `INSERT INTO events (${WRITTEN_COLUMN_LIST})
  VALUES (${WRITTEN_COLUMNS.map((_, index) => `$${index + 1}`).join(', ')})
  ON CONFLICT (impression_id, event_key) DO NOTHING`;

export interface RowWriterOptions {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly keyPrefix: string;
}

/**
 * The way one would begin: ask Redis whether the key is new (SET NX EX), insert the event, commit, take the next.
 * Same decoder and table as the service; invalid records are skipped.
 */
export class RowWriter {
  readonly #database: Client;
  readonly #redis: Redis;
  readonly #keyPrefix: string;

  private constructor(database: Client, redis: Redis, keyPrefix: string) {
    this.#database = database;
    this.#redis = redis;
    this.#keyPrefix = keyPrefix;
  }

  static async connect({ databaseUrl, redisUrl, keyPrefix }: RowWriterOptions): Promise<RowWriter> {
    const database = new Client({ connectionString: databaseUrl });
    const redis = new Redis(redisUrl, { lazyConnect: true });
    redis.on('error', () => undefined);
    await Promise.all([database.connect(), redis.connect()]);
    return new RowWriter(database, redis, keyPrefix);
  }

  /** Writes record after record, each its own commit, and tells of each when it is done; until `mayGoOn` is false. */
  async write(
    records: readonly SourceRecord[],
    partitions: number,
    mayGoOn: () => boolean,
    onDone: (record: SourceRecord) => void,
  ): Promise<void> {
    const batch = new EventBatch(records.length);
    for (const record of records) batch.append(record, 1);
    classify(batch, 0, rulesFor(partitions));
    for (const [row, record] of records.entries()) {
      if (!mayGoOn()) return;
      if (batch.verdict[row] === VERDICT.event) await this.#writeRow(batch, row);
      onDone(record);
    }
  }

  async #writeRow(batch: EventBatch, row: number): Promise<void> {
    const key = uuidText(batch.eventKey, row * 16);
    const isNew = await this.#redis.set(`${this.#keyPrefix}${key}`, 1, 'EX', KEY_TTL_SECONDS, 'NX');
    if (isNew === null) return;
    const values = rowValues(batch, row, key);
    await this.#database.query({ name: 'insert', text: INSERT, values });
  }

  async close(): Promise<void> {
    this.#redis.disconnect();
    await this.#database.end();
  }
}

/** The row in the order of the columns, as the driver takes it. */
function rowValues(batch: EventBatch, row: number, key: string): unknown[] {
  const event: Readonly<Record<string, unknown>> = { ...readEvent(batch, row) };
  const values: Readonly<Record<string, unknown>> = {
    ...event,
    amount_micros: event['price_micros'] ?? event['value_micros'],
    source_offset: batch.places.offset[row] as number,
    source_id: batch.sourceId[row],
    event_key: key,
  };
  return WRITTEN_COLUMNS.map(({ name }) => values[name] ?? null);
}
