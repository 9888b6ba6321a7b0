import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { MALFORMED_KINDS } from './mix.ts';
import { EVENTS_MAX, Plan, type PlanOptions } from './plan.ts';
import { Books } from './truth.ts';

const OPTIONS: PlanOptions = {
  events: 30_000,
  seed: 11,
  baseTimeMs: Date.UTC(2026, 0, 15, 12),
  partitions: 12,
};

/** A digest of everything the broker would be given, in order. */
function digest(options: PlanOptions): string {
  const hash = createHash('sha256');
  for (const { key, value, headers, partition } of new Plan(options))
    hash.update(
      JSON.stringify([key, value?.toString('base64') ?? null, headers, partition]) + '\n',
    );
  return hash.digest('hex');
}

describe('Plan', () => {
  it('gives the same bytes, partitions and order for the same seed and options', () => {
    expect(digest(OPTIONS)).toBe(digest({ ...OPTIONS }));
  });

  it('gives other bytes for another seed, also where only the high half of the seed differs', () => {
    const digests = [11, 12, 11 + 2 ** 32].map((seed) => digest({ ...OPTIONS, seed }));
    expect(new Set(digests).size).toBe(3);
  });

  it('plans exactly as many records as asked for, none for 0', () => {
    for (const events of [0, 1, 2, 999])
      expect([...new Plan({ ...OPTIONS, events })]).toHaveLength(events);
  });

  it('refuses options that make no plan and names each', () => {
    const options = { ...OPTIONS, events: EVENTS_MAX + 1, partitions: 0, mix: { click: 2 } };
    expect(() => new Plan(options)).toThrow(/events=.*partitions=0/);
    expect(() => new Plan({ ...OPTIONS, mix: { click: 0.9, duplicate: 0.2 } })).toThrow(/=1\.1/);
  });

  it('contains every kind of record, and of malformed ones every kind', () => {
    const books = new Books();
    for (const { truth } of new Plan(OPTIONS)) books.enter(truth, 'acked');
    const truth = books.truth();
    const { click, conversion, impression } = truth.by_event_type;
    expect(Object.keys(truth.dead_lettered).toSorted()).toEqual(MALFORMED_KINDS.toSorted());
    expect(Math.min(truth.duplicate, truth.conflict, truth.late)).toBeGreaterThan(10);
    expect(Math.min(truth.misrouted, truth.unknown_fields)).toBeGreaterThan(10);
    expect(Object.keys(truth.money).length).toBeGreaterThan(2);
    expect(click / truth.acked).toBeCloseTo(0.16, 1);
    expect(conversion / truth.acked).toBeCloseTo(0.04, 1);
    expect(impression / truth.acked).toBeGreaterThan(0.7);
  });

  it('plans nothing but valid, unique events when the other shares are 0', () => {
    const mix = { duplicate: 0, conflict: 0, malformed: 0, misrouted: 0, unknownFields: 0 };
    const books = new Books();
    for (const { truth } of new Plan({ ...OPTIONS, mix })) books.enter(truth, 'acked');
    expect(books.truth()).toMatchObject({ unique: 30_000, misrouted: 0, unknown_fields: 0 });
  });

  it('keeps a creative in one campaign, apart from conflicts that change the campaign', () => {
    const campaignOf = new Map<string, string>();
    for (const { truth } of new Plan(OPTIONS)) {
      if (truth.kind !== 'event' || truth.version > 0) continue;
      const { creative, campaign } = truth.event;
      expect(campaignOf.get(creative.text) ?? campaign.text).toBe(campaign.text);
      campaignOf.set(creative.text, campaign.text);
    }
    expect(campaignOf.size).toBeGreaterThan(100);
  });
});
