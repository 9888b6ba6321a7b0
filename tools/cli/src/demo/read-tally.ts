import type { AuditReport, Database } from '@adtally/db';
import type { Tally } from './tally.ts';

/**
 * What the database has: events by what is in the table, the rest by the ledger and the references,
 * which the audit has proved to agree with each other.
 */
export async function readTally(
  db: Database,
  audit: AuditReport,
  deadLettersKept: bigint,
): Promise<Tally> {
  const rows = await db
    .selectFrom('events')
    .select((eb) => [
      'event_type',
      'currency',
      eb.fn.countAll<bigint>().as('events'),
      // The sum of an int8 is a numeric, which comes as digits.
      eb.fn.sum<string>('amount_micros').as('micros'),
    ])
    .groupBy(['event_type', 'currency'])
    .execute();
  const byEventType: Record<string, bigint> = {};
  const money: Record<string, bigint> = {};
  let unique = 0n;
  for (const row of rows) {
    unique += row.events;
    byEventType[row.event_type] = (byEventType[row.event_type] ?? 0n) + row.events;
    money[row.currency] = (money[row.currency] ?? 0n) + BigInt(row.micros);
  }
  const { totals } = audit;
  return {
    records: BigInt(totals.consumed),
    unique,
    byEventType,
    duplicate: BigInt(totals.duplicate),
    conflict: BigInt(totals.conflict),
    deadLettered: Object.fromEntries(
      Object.entries(totals.by_code).map(([code, count]) => [code, BigInt(count)]),
    ),
    deadLettersKept,
    money,
  };
}
