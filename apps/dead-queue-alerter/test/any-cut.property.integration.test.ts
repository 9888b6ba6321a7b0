import { insertArrivals, listIncidents, type ArrivedLetter } from '@adtally/alerting';
import { openDatabase } from '@adtally/db';
import { migrated } from '@adtally/db/testing';
import { testDatabase } from '@adtally/testkit';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { applyArrivals } from '../src/incidents/apply-arrivals.ts';
import type { AlertSettings } from '../src/incidents/settings.ts';

const RULE = { threshold: 3, windowMs: 50, resolveMs: 200 };
const RUNS = 150;
const BASE_MS = Date.UTC(2026, 0, 1);

function settings(topic: string): AlertSettings {
  return {
    topic,
    rule: RULE,
    updateMs: 3_600_000,
    repeatMs: 3_600_000,
    copyMemoryMs: 3_600_000,
    env: 'test',
    labels: {},
    eventsTopic: 'ad-events',
    runbookBaseUrl: '',
    sinks: ['webhook'],
  };
}

interface Expected {
  readonly since: number;
  readonly breached: number;
  readonly until: number;
  letters: number;
}

/** The rule by its words, over all letters at once: what any cut must come to. */
function truth(times: readonly number[]): Expected[] {
  const episodes: { -readonly [K in keyof Expected]: Expected[K] }[] = [];
  const size = RULE.threshold + 1;
  for (let last = size - 1; last < times.length; last += 1) {
    const since = times[last - size + 1] ?? 0;
    const breached = times[last] ?? 0;
    if (breached - since >= RULE.windowMs) continue;
    const open = episodes.at(-1);
    if (open !== undefined && breached < open.until + RULE.resolveMs) {
      open.until = Math.max(open.until, since + RULE.windowMs);
    } else {
      episodes.push({ since, breached, until: since + RULE.windowMs, letters: last - size + 1 });
    }
  }
  for (const episode of episodes) {
    // Until here: where its first letter stands among them all.
    const from = episode.letters;
    episode.letters = times.filter(
      (ms, index) => index >= from && ms < episode.until + RULE.resolveMs,
    ).length;
  }
  return episodes;
}

interface Step {
  readonly gapMs: number;
  readonly partition: number;
  readonly isCopyOf: number | null;
}

const steps = fc.array(
  fc.record<Step>({
    // Around what decides: a window's worth in three steps, the quiet to the millisecond.
    gapMs: fc.oneof(
      { weight: 3, arbitrary: fc.integer({ min: 0, max: 5 }) },
      { weight: 6, arbitrary: fc.constantFrom(15, 16, 17, 18, 20, 25) },
      { weight: 2, arbitrary: fc.constantFrom(49, 50, 51) },
      { weight: 2, arbitrary: fc.constantFrom(150, 199, 200, 201, 225, 249, 250, 251, 600) },
    ),
    partition: fc.integer({ min: 0, max: 2 }),
    isCopyOf: fc.oneof(
      { weight: 6, arbitrary: fc.constant(null) },
      { weight: 1, arbitrary: fc.nat() },
    ),
  }),
  { minLength: 20, maxLength: 80 },
);

/** Records by partition, in the order they lie there; a copy lies in its letter's partition. */
function lay(
  plan: readonly Step[],
  partitions: number,
): { all: ArrivedLetter[]; distinct: number[] } {
  const all: ArrivedLetter[] = [];
  const originals: ArrivedLetter[] = [];
  const offsets = [0, 0, 0];
  let atMs = BASE_MS;
  for (const { gapMs, partition, isCopyOf } of plan) {
    atMs += gapMs;
    const original = isCopyOf === null ? undefined : originals[isCopyOf % originals.length];
    const where = original?.partition ?? partition % partitions;
    const deadOffset = offsets[where] ?? 0;
    offsets[where] = deadOffset + 1;
    const number = String(all.length).padStart(12, '0');
    const letter = original?.letter ?? `00000000-0000-4000-8000-${number}`;
    const arrival = {
      letter,
      appendedMs: atMs,
      partition: where,
      deadOffset,
      cause: 'c',
      fingerprint: '',
      source: '',
      origin: 'o',
    };
    all.push(arrival);
    if (original === undefined) originals.push(arrival);
  }
  return { all, distinct: originals.map(({ appendedMs }) => appendedMs) };
}

test('openings, ends and counts are those of the rule, however batches are cut and partitions interleave', async () => {
  const database = await testDatabase(migrated);
  const db = openDatabase(database.url, { applicationName: 'test', maxConnections: 1 });
  onTestFinished(async () => {
    await db.destroy();
    await database.drop();
  });
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(
      steps,
      fc.integer({ min: 1, max: 3 }),
      fc.infiniteStream(fc.record({ partition: fc.nat(), size: fc.integer({ min: 1, max: 8 }) })),
      async (plan, partitions, cuts) => {
        runs += 1;
        const topic = `topic-${runs}`;
        const { all, distinct } = lay(plan, partitions);
        const queues = [0, 1, 2].map((partition) =>
          all.filter((one) => one.partition === partition),
        );
        const lastMs = [-Infinity, -Infinity, -Infinity];
        const evaluateNow = async (batch: ArrivedLetter[], completeMs: number) => {
          const lagging = lastMs.filter((_, partition) => (queues[partition] ?? []).length > 0);
          const throughMs = Math.min(Infinity, ...lagging);
          await db.transaction().execute(async (trx) => {
            await insertArrivals(trx, topic, batch);
            // Nothing is kept between two batches: each is also a restart.
            await applyArrivals(trx, settings(topic), { throughMs, completeMs });
          });
        };
        for (const { partition, size } of cuts) {
          const waiting = queues.filter((queue) => queue.length > 0);
          if (waiting.length === 0) break;
          const batch = waiting[partition % waiting.length]?.splice(0, size) ?? [];
          const last = batch.at(-1);
          if (last !== undefined) lastMs[last.partition] = last.appendedMs;
          const copies = new Set<string>();
          const first = batch.filter(({ letter }) => !copies.has(letter) && copies.add(letter));
          await evaluateNow(first, -Infinity);
        }
        await evaluateNow([], Infinity);
        const incidents = (await listIncidents(db, { limit: 1_000 }))
          .filter(({ key }) => key === topic)
          .toReversed();
        expect(
          incidents.map(({ startsAt, breachedAt, breachedUntil, endsAt, letters }) => ({
            since: startsAt.getTime(),
            breached: breachedAt?.getTime(),
            until: breachedUntil?.getTime(),
            endsAt: endsAt?.getTime(),
            letters: Number(letters),
          })),
        ).toEqual(truth(distinct).map((one) => ({ ...one, endsAt: one.until + RULE.resolveMs })));
        const { told } = await db
          .selectFrom('notifications')
          .innerJoin('incidents', 'incidents.incident_id', 'notifications.incident_id')
          .where('alert_key', '=', topic)
          .select((select) => select.fn.countAll<bigint>().as('told'))
          .executeTakeFirstOrThrow();
        expect(Number(told)).toBe(incidents.length * 2);
      },
    ),
    { numRuns: RUNS },
  );
});
