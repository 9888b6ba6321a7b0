import { auditDatabase, type Database } from '@adtally/db';
import type { Truth } from '@adtally/event-simulator';

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
export async function recount(db: Database, truth: Truth, loses: boolean): Promise<Recount> {
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
  const expectedMicros = Object.values(truth.money).reduce((sum, one) => sum + BigInt(one), 0n);
  const { totals } = audit;
  const lost = Number(totals.lost);
  const differences: string[] = [];
  const compare = (what: string, expected: number, actual: number): void => {
    if (expected !== actual) differences.push(`${what} ${actual} of ${expected}`);
  };
  if (!audit.balanced) differences.push('the audit does not balance');
  const isWhole = lost === 0 && truth.unknown === 0;
  if (isWhole) {
    compare('unique', truth.unique, stored);
    compare('duplicates', truth.duplicate, Number(totals.duplicate));
    compare('conflicts', truth.conflict, Number(totals.conflict));
    const dead = Object.values(truth.dead_lettered).reduce((sum, one) => sum + one, 0);
    compare('dead letters', dead, Number(totals.dead_lettered));
    if (micros !== expectedMicros) differences.push(`money ${micros} of ${expectedMicros}`);
  } else if (truth.unknown === 0) {
    if (!loses) differences.push(`${lost} written as lost`);
    if (stored > truth.unique) differences.push(`stored ${stored}, more than ${truth.unique}`);
    if (truth.unique - stored > lost) {
      differences.push(`${truth.unique - stored} missing, ${lost} written as lost`);
    }
  } else if (stored > truth.unique + truth.unknown || stored < truth.unique - lost) {
    differences.push(`stored ${stored}, not ${truth.unique} to ${truth.unique + truth.unknown}`);
  }
  const counted = `${truth.acked} records${lost > 0 ? `, ${lost} written as lost` : ''}${
    truth.unknown > 0 ? `, ${truth.unknown} unanswered` : ''
  }`;
  const isRight = differences.length === 0;
  // Where Kafka did not answer the producer, or records are lost, only bounds can be held.
  const good = isWhole ? 'exact' : 'within bounds';
  return { isRight, verdict: isRight ? `${good}: ${counted}` : `WRONG: ${differences.join(', ')}` };
}
