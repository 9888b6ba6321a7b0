import { Buffer } from 'node:buffer';
import { partitionFor } from '@adtally/key-derivation';
import { describe, expect, it } from 'vitest';
import type { PlannedRecord } from './planned-record.ts';
import { Plan } from './plan.ts';
import { Books, type Truth } from './truth.ts';

const PARTITIONS = 6;
const KNOWN_FIELDS = new Set(
  (
    'schema_version event_type impression_id occurred_at price_micros value_micros currency ' +
    'campaign_id creative_id placement_id click_id conversion_id source sent_at'
  ).split(' '),
);

/** Every seventh record never reaches the topic. */
function isLost(index: number): boolean {
  return index % 7 === 0;
}

interface Recount {
  unique: number;
  duplicate: number;
  conflict: number;
  misrouted: number;
  unknown_fields: number;
  money: Record<string, bigint>;
}

/** Counts again from the bytes alone, with plain objects and strings, partition after partition. */
function recount(records: readonly PlannedRecord[]): Recount {
  const first = new Map<string, string>();
  const result: Recount = {
    unique: 0,
    duplicate: 0,
    conflict: 0,
    misrouted: 0,
    unknown_fields: 0,
    money: {},
  };
  const valid = records.filter(({ truth }) => truth.kind === 'event');
  const byPartition = Map.groupBy(valid, placeOf);
  // Partitions drain in any order: taken here from the highest to the lowest.
  for (const partition of [...byPartition.keys()].toSorted((a, b) => b - a))
    for (const record of byPartition.get(partition) ?? []) count(record, partition, first, result);
  return result;
}

function placeOf({ partition, key }: PlannedRecord): number {
  return partition ?? partitionFor(Buffer.from(key ?? ''), PARTITIONS);
}

function count(
  record: PlannedRecord,
  partition: number,
  first: Map<string, string>,
  result: Recount,
): void {
  const json = (record.value ?? Buffer.alloc(0)).toString('utf8');
  // Amounts may exceed what a double holds: read them as text.
  const amount = /"(?:price|value)_micros"\s*:\s*(\d+)/.exec(json)?.[1] ?? 'none';
  const event = JSON.parse(json) as Record<string, string | undefined>;
  const impressionId = String(event['impression_id']).toLowerCase();
  const clickId = event['click_id']?.toLowerCase() ?? '';
  const type = String(event['event_type']);
  const own = type === 'click' ? clickId : (event['conversion_id'] ?? '');
  const [text, fraction] = String(event['occurred_at']).slice(0, -1).split('.');
  const payload = JSON.stringify([
    [text, (fraction ?? '').padEnd(6, '0'), amount, clickId],
    ['currency', 'campaign_id', 'creative_id', 'placement_id'].map((name) => event[name]),
  ]);
  const identity = `${type} ${impressionId} ${own}`;
  const known = first.get(identity);
  if (known === undefined) {
    first.set(identity, payload);
    result.unique += 1;
    const currency = String(event['currency']);
    result.money[currency] = (result.money[currency] ?? 0n) + BigInt(amount);
  } else if (known === payload) result.duplicate += 1;
  else result.conflict += 1;
  const isAtHome = partitionFor(Buffer.from(impressionId), PARTITIONS) === partition;
  if (record.key?.toString() !== impressionId || !isAtHome) result.misrouted += 1;
  result.unknown_fields += Object.keys(event).filter((name) => !KNOWN_FIELDS.has(name)).length;
}

function comparable(truth: Truth): Recount {
  const { unique, duplicate, conflict, misrouted, unknown_fields } = truth;
  const money = Object.fromEntries(
    Object.entries(truth.money).map(([currency, sum]) => [currency, BigInt(sum)]),
  );
  return { unique, duplicate, conflict, misrouted, unknown_fields, money };
}

describe('Books', () => {
  it.each([1, 2, 3])(
    'I8: agree with a recount of the bytes in another partition order (seed %i)',
    (seed) => {
      const mix = {
        duplicate: 0.1,
        conflict: 0.05,
        respelt: 0.1,
        misrouted: 0.05,
        hugeAmount: 0.05,
      };
      const options = {
        events: 30_000,
        seed,
        baseTimeMs: Date.UTC(2026, 0, 15),
        partitions: PARTITIONS,
        mix,
      };
      const records = [...new Plan(options)];
      const books = new Books();
      for (const { truth } of records) books.enter(truth, 'acked');
      const truth = books.truth();
      expect(comparable(truth)).toEqual(recount(records));
      const dead = Object.values(truth.dead_lettered).reduce((sum, codes) => sum + codes, 0);
      expect(truth.unique + truth.duplicate + truth.conflict + dead).toBe(truth.acked);
      expect(Math.min(truth.conflict, truth.duplicate, truth.misrouted)).toBeGreaterThan(100);
    },
  );

  it('count only what was acknowledged: where the first failed, the next payload is the one kept', () => {
    const options = { events: 5000, seed: 5, baseTimeMs: Date.UTC(2026, 0, 15), partitions: 1 };
    const mix = { conflict: 0.1, duplicate: 0.1, malformed: 0 };
    const records = [...new Plan({ ...options, mix })];
    const books = new Books();
    records.forEach((record, index) =>
      books.enter(record.truth, isLost(index) ? 'failed' : 'acked'),
    );
    const truth = books.truth();
    expect(comparable(truth)).toMatchObject({
      unique: recount(records.filter((_, index) => !isLost(index))).unique,
    });
    expect(truth).toMatchObject({ attempted: 5000, failed: 715, acked: 4285, unknown: 0 });
  });
});
