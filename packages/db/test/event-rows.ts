import { sql } from 'kysely';
import type { DatabaseExecutor } from '../src/database.ts';

/** A UUIDv7 of a moment; `n` tells ids of one moment apart. */
export function idAt(ms: number, n: number): string {
  const time = ms.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${n.toString(16).padStart(12, '0')}`;
}

/** A key whose first 64 bits are spread; stands in for the derived one. */
export function keyOf(n: number): string {
  const high = ((BigInt(n) + 1n) * 0x9e3779b97f4a7c15n) & 0xffffffffffffffffn;
  const hex = high.toString(16).padStart(16, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12)}-8000-${n.toString(16).padStart(12, '0')}`;
}

/** The first 64 bits of a key as the ledger's signed fingerprint. */
export function fingerprintOf(key: string): bigint {
  return BigInt.asIntN(64, BigInt(`0x${key.replaceAll('-', '').slice(0, 16)}`));
}

export interface EventRow {
  readonly impressionId: string;
  readonly key: string;
  readonly sourceId: number;
  readonly offset: bigint;
}

/** Writes one impression; what the test does not name is constant. */
export async function insertEvent(db: DatabaseExecutor, row: EventRow): Promise<void> {
  await sql`INSERT INTO events (occurred_at, amount_micros, source_offset, source_id, event_type,
      impression_id, event_key, currency, campaign_id, creative_id, placement_id)
    VALUES ('2026-01-31T12:00:00Z', 5, ${row.offset}, ${row.sourceId}, 'impression',
      ${row.impressionId}, ${row.key}, 'EUR', 'c', 'r', 'p')`.execute(db);
}
