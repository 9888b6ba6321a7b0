import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { type Database, openDatabase } from '../../src/database.ts';
import { registerTopic } from '../../src/register-topic.ts';
import { readWriteGuards } from '../../src/write-guards.ts';
import { fingerprintOf, idAt } from '../event-rows.ts';

const STALE_HORIZON = 'ADT02';
const LOCK_NOT_AVAILABLE = '55P03';
const DEADLOCK_DETECTED = '40P01';

/** A UUIDv4 whose first bits lie at a moment. */
export function strayAt(ms: number): string {
  return `${idAt(ms, 0).slice(0, 14)}4${randomUUID().slice(15)}`;
}

/** Whether an id is a UUIDv7 of before a moment, as classification asks. */
function isExpired(id: string, horizonMs: number): boolean {
  return id[14] === '7' && Number.parseInt(id.replace('-', '').slice(0, 12), 16) < horizonMs;
}

/**
 * Counts impressions of one partition as a consumer does: rows, ledger and cursor in one transaction by `commit_batch`,
 * written again where the horizon moved. What is expired is counted as dead-lettered, with its reference.
 */
export class CountingWriter {
  readonly db: Database;
  readonly sourceId: number;
  /** Ids that were stored. */
  readonly stored = new Set<string>();
  /** Ids that were expired. */
  readonly expired = new Set<string>();
  readonly #topic: string;
  #next = 0n;

  private constructor(db: Database, sourceId: number, topic: string) {
    this.db = db;
    this.sourceId = sourceId;
    this.#topic = topic;
  }

  static async open(url: string, topic: string): Promise<CountingWriter> {
    const db = openDatabase(url, { applicationName: `writer-${topic}`, maxConnections: 1 });
    const [source] = await registerTopic(db, {
      kind: 'events',
      topic,
      topicId: topic,
      partitions: 1,
      genesis: () => 0n,
    });
    if (source === undefined) throw new Error('no source');
    return new CountingWriter(db, source.sourceId, topic);
  }

  get nextOffset(): bigint {
    return this.#next;
  }

  /** One batch: each id is an impression whose key is the id. */
  async commit(
    ids: readonly string[],
    between: () => Promise<void> = async () => {},
  ): Promise<void> {
    let { horizonMs } = await readWriteGuards(this.db);
    for (;;) {
      try {
        await this.#try(ids, horizonMs, between);
        return;
      } catch (error) {
        const { code } = error as { code?: string };
        if (code === STALE_HORIZON) horizonMs = (await readWriteGuards(this.db)).horizonMs;
        else if (code !== LOCK_NOT_AVAILABLE && code !== DEADLOCK_DETECTED) throw error;
      }
    }
  }

  async #try(
    ids: readonly string[],
    horizonMs: number,
    between: () => Promise<void>,
  ): Promise<void> {
    const first = this.#next;
    const end = first + BigInt(ids.length);
    let newly: string[] = [];
    const late = ids.filter((id) => isExpired(id, horizonMs));
    await this.db.transaction().execute(async (trx) => {
      const { rows } = await sql<{ id: string }>`
        INSERT INTO events (occurred_at, amount_micros, source_offset, source_id, event_type, impression_id,
          event_key, currency, campaign_id, creative_id, placement_id)
        SELECT now(), 1, ${first}::bigint + n - 1, ${this.sourceId}::int, 'impression', id, id, 'EUR', 'c', 'cr', 'p'
        FROM unnest(${ids}::uuid[]) WITH ORDINALITY AS given (id, n)
        WHERE NOT id = ANY (${late}::uuid[])
        ORDER BY id ON CONFLICT (impression_id, event_key) DO NOTHING RETURNING impression_id AS id`.execute(
        trx,
      );
      newly = rows.map(({ id }) => id);
      await sql`INSERT INTO dead_letter_refs (source_id, source_offset, code, record_sha256)
        SELECT ${this.sourceId}::int, ${first}::bigint + n - 1, 'expired', ${Buffer.alloc(32)}
        FROM unnest(${ids}::uuid[]) WITH ORDINALITY AS given (id, n) WHERE id = ANY (${late}::uuid[])`.execute(
        trx,
      );
      await between();
      const fingerprint = newly.reduce((xor, id) => xor ^ fingerprintOf(id), 0n);
      const duplicates = ids.length - newly.length - late.length;
      await sql`SELECT commit_batch(ARRAY[${this.sourceId}::int], ARRAY[${first}::bigint], ARRAY[${end}::bigint],
        ARRAY[0::bigint], ARRAY[${newly.length}::bigint], ARRAY[${duplicates}::bigint], ARRAY[0::bigint],
        ARRAY[${late.length}::bigint], ARRAY[0::bigint], ARRAY[${fingerprint}::bigint],
        ${horizonMs}::bigint, 9223372036854775807)`.execute(trx);
    });
    this.#next = end;
    for (const id of newly) this.stored.add(id);
    for (const id of late) this.expired.add(id);
  }

  async close(): Promise<void> {
    await this.db.destroy();
  }

  get topic(): string {
    return this.#topic;
  }
}
