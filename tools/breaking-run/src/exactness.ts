import { auditDatabase, type Database } from '@adtally/db';
import type { Expected } from './load.ts';

/** What a recount came to: the simulator's own books against the tables, and the product's audit. */
export interface Recount {
  /** `exact`, or what of it is not. */
  readonly verdict: string;
  readonly isRight: boolean;
}

/**
 * Counts anew. What the ledger has as lost may be missing; nothing may be there twice or besides, and money is that of
 * the events that are there.
 */
export async function recount(db: Database, expected: Expected, loses: boolean): Promise<Recount> {
  const audit = await auditDatabase(db);
  const sums = await db
    .selectFrom('events')
    .select((eb) => [
      eb.fn.countAll<bigint>().as('events'),
      eb.fn.sum<string | null>('amount_micros').as('micros'),
    ])
    .executeTakeFirstOrThrow();
  const stored = Number(sums.events);
  const micros = BigInt(sums.micros ?? 0);
  const { totals } = audit;
  const lost = Number(totals.lost);
  const differences: string[] = [];
  const compare = (what: string, wanted: number, actual: number): void => {
    if (wanted !== actual) differences.push(`${what} ${actual} of ${wanted}`);
  };
  if (!audit.balanced) differences.push('the audit does not balance');
  const isWhole = lost === 0 && expected.unknown === 0;
  if (isWhole) {
    compare('unique', expected.unique, stored);
    compare('duplicates', expected.duplicate, Number(totals.duplicate));
    compare('conflicts', expected.conflict, Number(totals.conflict));
    compare('dead letters', expected.deadLettered, Number(totals.dead_lettered));
    if (micros !== expected.micros) differences.push(`money ${micros} of ${expected.micros}`);
  } else if (expected.unknown === 0) {
    if (!loses) differences.push(`${lost} written as lost`);
    if (stored > expected.unique)
      differences.push(`stored ${stored}, more than ${expected.unique}`);
    if (expected.unique - stored > lost) {
      differences.push(`${expected.unique - stored} missing, ${lost} written as lost`);
    }
  } else if (stored > expected.unique + expected.unknown || stored < expected.unique - lost) {
    differences.push(
      `stored ${stored}, not ${expected.unique} to ${expected.unique + expected.unknown}`,
    );
  }
  const counted = `${expected.acked} records${lost > 0 ? `, ${lost} written as lost` : ''}${
    expected.unknown > 0 ? `, ${expected.unknown} unanswered` : ''
  }`;
  const isRight = differences.length === 0;
  // Where Kafka did not answer the producer, or records are lost, only bounds can be held.
  const good = isWhole ? 'exact' : 'within bounds';
  return { isRight, verdict: isRight ? `${good}: ${counted}` : `WRONG: ${differences.join(', ')}` };
}
