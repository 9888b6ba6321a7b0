import { Buffer } from 'node:buffer';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeEvent, type SourceRecord } from '@adtally/event-schema';
import { RecordObjects, type FetchedRecords } from '@adtally/kafka';
import { createLogger, createMetrics } from '@adtally/telemetry';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  BatchFiller,
  BatchWork,
  classify,
  Ownership,
  type OwnedPartition,
} from '@adtally/pipeline';
import { METRICS } from '../metrics.ts';
import { PartitionBreakers } from './partition-breakers.ts';
import type { BreakerForce } from './rejection-breaker.ts';

const PARTITIONS = 3;
const BATCH = 200;
const RULES = { horizonMs: null, partitions: null };
const CONTROL = { mayLinger: () => false, mustReturn: () => false };
/** What the id below says. */
const BORN_MS = 0x019c00000000;
const GOOD = encodeEvent({
  event_type: 'impression',
  impression_id: '019c0000-0000-7000-8000-000000000001',
  occurred_at: '2026-01-31T12:00:00.000001Z',
  price_micros: 1n,
  currency: 'EUR',
  campaign_id: 'c',
  creative_id: 'c',
  placement_id: 'p',
});
const BAD = Buffer.from('not an event');

/** Positions as the client keeps them: what was delivered is not delivered again until a new start. */
class Client {
  readonly logs: boolean[][];
  readonly positions = new Map<number, number>();
  hasRebalance = false;
  nextRun = 1;

  constructor(logs: boolean[][]) {
    this.logs = logs;
  }

  start(partition: number, offset: number): void {
    if (this.positions.has(partition)) throw new Error(`partition ${partition} is already read`);
    this.positions.set(partition, offset);
  }

  stop(partition: number): void {
    this.positions.delete(partition);
  }

  position(partition: number): number | undefined {
    return this.positions.get(partition);
  }

  async read(maxRecords: number): Promise<FetchedRecords> {
    const records: SourceRecord[] = [];
    for (const [partition, position] of this.positions) {
      const log = this.logs[partition] ?? [];
      const end = Math.min(
        log.length,
        position + this.nextRun,
        position + maxRecords - records.length,
      );
      for (let offset = position; offset < end; offset += 1) {
        const value = log[offset] === true ? GOOD : BAD;
        records.push({
          topic: 't',
          partition,
          offset,
          key: null,
          value,
          timestamp: BORN_MS + offset,
        });
      }
      this.positions.set(partition, end);
    }
    return new RecordObjects(records);
  }
}

function emptyWork(): BatchWork<OwnedPartition> {
  return new BatchWork(BATCH);
}

/** Filler and breakers on such a client, and the offsets that reached a batch. */
class Reading {
  readonly client: Client;
  readonly ownership = new Ownership();
  readonly breakers: PartitionBreakers;
  readonly filler: BatchFiller;
  readonly read: number[][] = Array.from({ length: PARTITIONS }, () => []);
  #epoch = 0;

  constructor(logs: boolean[][], recordsPerSecond: number) {
    this.client = new Client(logs);
    this.breakers = new PartitionBreakers(
      {
        consumer: this.client,
        ownership: this.ownership,
        alerts: { leftFiring: new Set(), lookForLeftFiring: () => {}, report: () => {} },
        metrics: createMetrics({ service: 'test', version: '0', definitions: METRICS }),
        log: createLogger({ service: 'test', level: 'silent' }),
      },
      { windowRecords: 20, rejectedShare: 0.5, recordsPerSecond },
    );
    const options = { classify, lingerMs: 0, mayHaveGaps: false };
    this.filler = new BatchFiller(this.client, this.ownership, this.breakers, options);
    for (let partition = 0; partition < PARTITIONS; partition += 1) this.claim(partition);
  }

  /** Claims anew, as after a fence: reading begins at the cursor. */
  claim(partition: number): void {
    const next = this.read[partition]?.length ?? 0;
    this.#epoch += 1;
    this.client.stop(partition);
    this.ownership.grant(partition, performance.now());
    this.ownership.own({
      partition,
      sourceId: partition,
      topicId: 't',
      epoch: this.#epoch,
      committedOffset: next,
      readOffset: next,
    });
    this.client.start(partition, next);
  }

  async fill(): Promise<void> {
    const work = emptyWork();
    await this.filler.fill(work, RULES, CONTROL);
    for (let row = 0; row < work.batch.count; row += 1) {
      const { partition, offset } = work.batch.record(row);
      this.read[partition]?.push(offset);
    }
    for (const { claim, end } of work.spans.values()) {
      claim.committedOffset = end;
      const length = this.read[claim.partition]?.length;
      if (length !== end) throw new Error(`${length} records read, the span ends at ${end}`);
    }
  }

  get isDone(): boolean {
    return this.read.every((offsets, index) => offsets.length === this.client.logs[index]?.length);
  }
}

const run = fc.record({ isGood: fc.boolean(), length: fc.integer({ min: 1, max: 60 }) });
const log = fc
  .array(run, { minLength: 1, maxLength: 12 })
  .map((runs) => runs.flatMap(({ isGood, length }) => Array.from({ length }, () => isGood)));
const partition = fc.nat({ max: PARTITIONS - 1 });
const action = fc.oneof(
  { weight: 6, arbitrary: fc.record({ fetch: fc.integer({ min: 1, max: 80 }) }) },
  { weight: 1, arbitrary: fc.record({ rebalance: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ claim: partition }) },
  { weight: 1, arbitrary: fc.record({ waitMs: fc.integer({ min: 0, max: 4 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      force: fc.constantFrom<BreakerForce>('open', 'closed', 'auto'),
      of: fc.option(partition),
    }),
  },
);

async function act(
  reading: Reading,
  step: typeof action extends fc.Arbitrary<infer T> ? T : never,
) {
  if ('fetch' in step) {
    reading.client.nextRun = step.fetch;
    await reading.fill();
  } else if ('rebalance' in step) reading.client.hasRebalance = step.rebalance;
  else if ('claim' in step) reading.claim(step.claim);
  else if ('waitMs' in step) await sleep(step.waitMs);
  else reading.breakers.force(step.force, step.of);
}

test('whatever opens, closes, rests, is forced or claimed anew: each offset is read once and in order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(log, { minLength: PARTITIONS, maxLength: PARTITIONS }),
      fc.array(action, { maxLength: 60 }),
      fc.constantFrom(50, 5_000),
      async (logs, actions, recordsPerSecond) => {
        const reading = new Reading(logs, recordsPerSecond);
        for (const step of actions) await act(reading, step);
        reading.client.hasRebalance = false;
        reading.breakers.force('closed', null);
        for (let turn = 0; !reading.isDone && turn < 1_000; turn += 1) await reading.fill();
        expect([...reading.filler.halts.values()]).toEqual([]);
        expect(reading.read).toEqual(logs.map((all) => all.map((_, offset) => offset)));
      },
    ),
    { numRuns: 100 },
  );
});

test('an open breaker holds up its own partition only', async () => {
  const bad = Array.from({ length: 5_000 }, () => false);
  const good = Array.from({ length: 5_000 }, () => true);
  const reading = new Reading([bad, good, []], 1);
  reading.client.nextRun = 100;
  for (let turn = 0; turn < 100; turn += 1) await reading.fill();
  expect(reading.read[1]).toHaveLength(5_000);
  // The fetch in which it opened, and at most one record more for the time this took.
  expect(reading.read[0]?.length).toBeLessThan(110);
  expect(reading.breakers.status()[0]).toMatchObject({ state: 'open', resting: true });
  expect(reading.breakers.status()[1]).toMatchObject({ state: 'closed', resting: false });
});

test('what the database rejected after all opens it too', async () => {
  const reading = new Reading([Array.from({ length: 500 }, () => true), [], []], 50);
  reading.client.nextRun = 100;
  const work = emptyWork();
  await reading.filler.fill(work, RULES, CONTROL);
  for (let row = 0; row < 11; row += 1) {
    work.batch.reject(row, { code: 'data_refused', message: 'refused' });
  }
  reading.breakers.afterCommit(work);
  reading.breakers.beforeFetch(performance.now());
  expect(reading.breakers.status()[0]).toMatchObject({ state: 'open', resting: true });
});
