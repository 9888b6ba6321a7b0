import { auditDatabase } from '@adtally/db';
import { identityOf } from './identity.ts';
import type { Expected } from './load.ts';
import { readIdentities } from './topic-contents.ts';
import type { World } from './world.ts';

/** What a recount came to: the simulator's own books against the tables, and the product's audit. */
export interface Recount {
  /** `exact`, or what of it is not. */
  readonly verdict: string;
  readonly isRight: boolean;
}

/**
 * Counts anew. Nothing may be there twice or besides, and nothing be missing; a kind that `loses` acknowledged
 * records inside Kafka may miss those that are nowhere in the topic any more, and how many is told.
 */
export async function recount(world: World, expected: Expected, loses: boolean): Promise<Recount> {
  const { db } = world;
  const audit = await auditDatabase(db);
  const sums = await db
    .selectFrom('events')
    .select((eb) => eb.fn.sum<string | null>('amount_micros').as('micros'))
    .executeTakeFirstOrThrow();
  const stored = await storedIdentities(world);
  const { totals } = audit;
  const lost = Number(totals.lost);
  const differences: string[] = [];
  const compare = (what: string, wanted: number | bigint, actual: number | bigint): void => {
    if (wanted !== actual) differences.push(`${what} ${actual} of ${wanted}`);
  };
  if (!audit.balanced) differences.push('the audit does not balance');
  const strange = stored.filter((identity) => !expected.possible.has(identity)).length;
  if (strange > 0) differences.push(`${strange} that nobody produced`);
  if (new Set(stored).size < stored.length) differences.push('events stored twice');
  const missing = expected.identities.difference(new Set(stored));
  const isWhole = lost === 0 && expected.unknown === 0 && !loses;
  if (isWhole) {
    compare('unique', expected.unique, stored.length);
    compare('duplicates', expected.duplicate, Number(totals.duplicate));
    compare('conflicts', expected.conflict, Number(totals.conflict));
    compare('dead letters', expected.deadLettered, Number(totals.dead_lettered));
    compare('money', expected.micros, BigInt(sums.micros ?? 0));
  } else if (loses) {
    differences.push(...(await readableAndMissing(world, missing)));
  } else {
    if (lost > 0) differences.push(`${lost} written as lost`);
    if (missing.size > 0) differences.push(`${missing.size} missing`);
  }
  const parts = [`${expected.acked} records`];
  if (missing.size > 0) parts.push(`${missing.size} events gone from the topic uncounted`);
  if (lost > 0) parts.push(`${lost} offsets written as lost`);
  if (expected.unknown > 0) parts.push(`${expected.unknown} unanswered`);
  const isRight = differences.length === 0;
  // Where Kafka did not answer the producer, or records are lost, only bounds can be held.
  const good = isWhole ? 'exact' : 'within bounds';
  const verdict = isRight ? `${good}: ${parts.join(', ')}` : `WRONG: ${differences.join(', ')}`;
  return { isRight, verdict };
}

async function storedIdentities({ db }: World): Promise<string[]> {
  const rows = await db
    .selectFrom('events')
    .select([
      'event_type as type',
      'impression_id as impressionId',
      'click_id as clickId',
      'conversion_id as conversionId',
    ])
    .execute();
  return rows.map(identityOf);
}

/** What can still be read must be counted, whatever else was lost. */
async function readableAndMissing(world: World, missing: ReadonlySet<string>): Promise<string[]> {
  if (missing.size === 0) return [];
  const places = await readIdentities(world);
  const found = [...missing].flatMap((identity) => places.get(identity) ?? []);
  if (found.length === 0) return [];
  return [`${found.length} not counted although the topic has them, such as ${found[0]}`];
}
