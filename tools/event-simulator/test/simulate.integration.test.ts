import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kafkaBrokers, testTopic } from '@adtally/testkit';
import { KafkaAdmin } from '@adtally/kafka';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readJournal, readTruth, simulate } from '../src/index.ts';

const EVENTS = 20_000;
const PARTITIONS = 6;

let brokers: string;
let folder: string;

beforeAll(async () => {
  brokers = await kafkaBrokers();
  folder = await mkdtemp(join(tmpdir(), 'adtally-simulator-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** Records in each partition, as the broker says. */
async function recordsIn(topic: string, partitions: number): Promise<number[]> {
  const admin = new KafkaAdmin({ brokers, clientId: 'simulator-test', security: {} });
  try {
    const marks = Array.from({ length: partitions }, (_, index) => admin.watermarks(topic, index));
    return (await Promise.all(marks)).map(({ logStart, end }) => end - logStart);
  } finally {
    admin.close();
  }
}

describe('simulate', () => {
  it('I7: every acknowledged record, and no other, lies in the partition its journal names', async () => {
    await using topic = await testTopic({ partitions: PARTITIONS });
    const journalPath = join(folder, 'whole.ndjson');
    const truth = await simulate({
      brokers,
      topic: topic.name,
      events: EVENTS,
      seed: 3,
      journalPath,
    });
    expect(truth).toMatchObject({ attempted: EVENTS, acked: EVENTS, failed: 0, unknown: 0 });
    const journalled = Array.from({ length: PARTITIONS }, () => 0);
    for await (const { partition } of readJournal(journalPath))
      journalled[partition] = (journalled[partition] ?? 0) + 1;
    expect(await recordsIn(topic.name, PARTITIONS)).toEqual(journalled);
  });

  it('journals enough to count the truth again, also when the file was cut off in the middle', async () => {
    await using topic = await testTopic({ partitions: 1 });
    const journalPath = join(folder, 'again.ndjson');
    const truth = await simulate({
      brokers,
      topic: topic.name,
      events: 5000,
      seed: 4,
      journalPath,
    });
    expect(await readTruth(journalPath)).toEqual(truth);
    const lines = (await readFile(journalPath, 'utf8')).split('\n');
    expect(JSON.parse(lines.at(-2) ?? '')).toEqual({ truth });
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ topic: topic.name, events: 5000, seed: 4 });
    const cutPath = join(folder, 'cut.ndjson');
    await writeFile(cutPath, lines.slice(0, 1001).join('\n') + '\n{"outcome":"acked","par');
    expect(await readTruth(cutPath)).toMatchObject({ attempted: 1000, acked: 1000 });
  });

  it('stops cleanly on abort: the truth tells of exactly what lies in the topic', async () => {
    await using topic = await testTopic({ partitions: 2 });
    const abort = new AbortController();
    const truth = await simulate({
      brokers,
      topic: topic.name,
      events: 1_000_000,
      seed: 5,
      rate: 40_000,
      signal: abort.signal,
      onProgress: ({ attempted }) => attempted > 0 && abort.abort(),
    });
    expect(truth.acked).toBeLessThan(1_000_000);
    expect(truth.acked).toBeGreaterThan(0);
    const records = await recordsIn(topic.name, 2);
    expect(records.reduce((sum, count) => sum + count, 0)).toBe(truth.acked);
  });

  it('refuses a topic that does not exist', async () => {
    await expect(
      simulate({ brokers, topic: 'adtally_test_no_such_topic', events: 1, seed: 1 }),
    ).rejects.toThrow(/does not exist/);
  });

  it('refuses a base time that would make the wrong ids future', async () => {
    const run = { brokers, topic: 'unused', events: 1, seed: 1 };
    await expect(simulate({ ...run, baseTimeMs: Date.UTC(2020, 0, 1) })).rejects.toThrow(
      RangeError,
    );
  });
});
