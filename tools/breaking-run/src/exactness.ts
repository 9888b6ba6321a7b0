import { auditDatabase, type Database } from '@adtally/db';
import type { Expected } from './load.ts';

/** What a recount came to: the simulator's own books against the tables, and the product's audit. */
export interface Recount {
  /** `exact`, or what of it is not. */
  readonly verdict: string;
  readonly isRight: boolean;
}

/**
 * Counts anew. Nothing may be there twice or besides, and nothing be missing; a kind that `loses` acknowledged records
 * inside Kafka may miss some, and how many is told.
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
  const isWhole = lost === 0 && expected.unknown === 0 && !loses;
  const missing = expected.unique - stored;
  if (isWhole) {
    compare('unique', expected.unique, stored);
    compare('duplicates', expected.duplicate, Number(totals.duplicate));
    compare('conflicts', expected.conflict, Number(totals.conflict));
    compare('dead letters', expected.deadLettered, Number(totals.dead_lettered));
    if (micros !== expected.micros) differences.push(`money ${micros} of ${expected.micros}`);
  } else {
    if (lost > 0 && !loses) differences.push(`${lost} written as lost`);
    if (stored > expected.unique + expected.unknown) differences.push(`${-missing} too many`);
    if (missing > 0 && !loses) differences.push(`${missing} missing`);
  }
  const counted = `${expected.acked} records${missing > 0 ? `, ${missing} missing` : ''}${lost > 0 ? `, ${lost} written as lost` : ''}${
    expected.unknown > 0 ? `, ${expected.unknown} unanswered` : ''
  }`;
  const isRight = differences.length === 0;
  // Where Kafka did not answer the producer, or records are lost, only bounds can be held.
  const good = isWhole ? 'exact' : 'within bounds';
  return { isRight, verdict: isRight ? `${good}: ${counted}` : `WRONG: ${differences.join(', ')}` };
}
