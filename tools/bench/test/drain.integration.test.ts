import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readKafkaSettings } from '@adtally/kafka/env';
import { servers } from '@adtally/testkit';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { benchDrain, type BenchDrainOptions } from '../src/index.ts';
import { removeLoads } from '../src/preload/preload.ts';

const EVENTS = 20_000;

let folder: string;
let options: BenchDrainOptions;
let addresses: Parameters<typeof benchDrain>[0];
let kafka: Parameters<typeof benchDrain>[1];

beforeAll(async () => {
  addresses = await servers();
  kafka = readKafkaSettings({ KAFKA_BROKERS: addresses.kafkaBrokers });
  folder = mkdtempSync(join(tmpdir(), 'adtally-bench-'));
  options = {
    events: EVENTS,
    seed: 11,
    repeat: 1,
    rowByRowSeconds: 1,
    reload: false,
    cpuProfile: false,
    loadsFile: join(folder, 'loads.json'),
    onProgress: () => undefined,
    signal: new AbortController().signal,
  };
});

afterAll(async () => {
  await removeLoads(kafka, options.loadsFile ?? '');
  rmSync(folder, { recursive: true });
});

/** Every number in the report, by path; null (a server that cannot be seen) is left out. */
function numbersOf(value: unknown, path = ''): [string, number][] {
  if (typeof value === 'number') return [[path, value]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, item]) => numbersOf(item, `${path}.${name}`));
}

test('a small drain is exact and every figure is a number', { timeout: 180_000 }, async () => {
  const { report, profile } = await benchDrain(addresses, kafka, options);
  expect(report.problems).toEqual([]);
  expect(report.exact).toBe(true);
  expect(profile).toBeNull();
  expect(numbersOf(report).filter(([, value]) => !Number.isFinite(value))).toEqual([]);
  expect(report.events_per_second).toBeGreaterThan(0);
  expect(report.floor_ratio).toBeGreaterThan(0);
  expect(report.row_by_row_ratio).toBeGreaterThan(0);
  expect(report.wal_bytes_per_event).toBeGreaterThan(0);
  expect(report.rss_mb).toBeGreaterThan(0);
  expect(report.cpu_us_per_event.consumer).toBeGreaterThan(0);
  expect(report.batch.batches).toBeGreaterThan(0);
});

test(
  'a second run takes the same topic, drains it from the start and can profile it',
  { timeout: 180_000 },
  async () => {
    const before = readFileSync(options.loadsFile ?? '', 'utf8');
    const { report, profile } = await benchDrain(addresses, kafka, {
      ...options,
      rowByRowSeconds: 0,
      cpuProfile: true,
    });
    expect(readFileSync(options.loadsFile ?? '', 'utf8')).toBe(before);
    expect(report).toMatchObject({ exact: true, row_by_row_ratio: null });
    // A first write of every event: the marks of the run before are gone. One guess may be wrong.
    expect(report.batch.copy_fallbacks).toBeLessThanOrEqual(1);
    expect(profile?.functions.some(({ name }) => name.startsWith('classify '))).toBe(true);
  },
);

test('an aborted bench leaves no database behind', async () => {
  const reason = new Error('enough');
  const stop = new AbortController();
  const bench = benchDrain(addresses, kafka, {
    ...options,
    signal: stop.signal,
    onProgress: (text) => {
      if (text.startsWith('drain: 0 of')) stop.abort(reason);
    },
  });
  await expect(bench).rejects.toBe(reason);
  const client = new Client({ connectionString: addresses.databaseUrl });
  await client.connect();
  const { rows } = await client.query('SELECT FROM pg_database WHERE datname LIKE $1', [
    `adtally\\_bench\\_%\\_${process.pid}\\_%`,
  ]);
  await client.end();
  expect(rows).toEqual([]);
});
