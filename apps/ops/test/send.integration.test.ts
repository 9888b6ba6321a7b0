import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { encodeEvent, type AdEvent, type SourceRecord } from '@adtally/event-schema';
import { TopicReader } from '@adtally/kafka';
import { partitionFor } from '@adtally/key-derivation';
import { kafkaBrokers, testTopic } from '@adtally/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { runOps } from './support/ops.ts';

const PARTITIONS = 12;
const READ_WAIT_MS = 1_000;
const MAIN = resolve(import.meta.dirname, '../src/main.ts');
const brokers = await kafkaBrokers();

function event(n: number): string {
  const impression_id = `01890A5D-AC96-774B-BCCE-${String(n).padStart(12, '0')}`;
  const value = {
    event_type: 'impression',
    impression_id,
    occurred_at: '2026-01-31T12:00:00.000001Z',
    price_micros: 1_500_000n,
    currency: 'EUR',
    campaign_id: 'campaign-1',
    creative_id: 'creative-1',
    placement_id: 'placement-1',
  };
  return encodeEvent(value as AdEvent).toString();
}

const idOf = (n: number): string => `01890a5d-ac96-774b-bcce-${String(n).padStart(12, '0')}`;
const WITHOUT_CURRENCY = event(7).replace(/"currency":"EUR",?/, '');

async function newTopic(): Promise<string> {
  const topic = await testTopic({ partitions: PARTITIONS });
  onTestFinished(() => topic.delete());
  return topic.name;
}

async function fileOf(...lines: string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'adtally-send-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'events.ndjson');
  writeFileSync(path, lines.join('\n'));
  return path;
}

/** The records of a topic, which are to be so many. */
async function recordsOf(topic: string, records: number): Promise<SourceRecord[]> {
  const reader = await TopicReader.connect({ brokers, clientId: 'test', security: {} }, { topic });
  try {
    for (let partition = 0; partition < PARTITIONS; partition += 1) reader.start(partition, 0);
    const found: SourceRecord[] = [];
    while (found.length < records) {
      const fetched = await reader.fetch(100, READ_WAIT_MS);
      for (const record of fetched) found.push(record);
    }
    return found;
  } finally {
    await reader.close();
  }
}

async function send(env: Record<string, string>, ...argv: string[]) {
  const { code, stdout } = await runOps(['send', ...argv, '--json'], {
    KAFKA_BROKERS: brokers,
    ...env,
  });
  return { code, result: JSON.parse(stdout) };
}

test('events lie under their canonical id, where all of an impression go; what ingest would reject is named and left out', async () => {
  const topic = await newTopic();
  expect(await send({ EVENTS_TOPIC: topic }, event(1), event(2))).toMatchObject({
    code: 0,
    result: { executed: true, topic, events: 2, refused: 0, failed: 0, not_sent: [] },
  });
  const path = await fileOf(event(3), '', '{', WITHOUT_CURRENCY, event(4));
  const mixed = await runOps(['send', '--topic', topic, '--file', path], {
    KAFKA_BROKERS: brokers,
  });
  expect(mixed).toMatchObject({
    code: 3,
    stdout: expect.stringContaining(`2 events sent to ${topic}, partitions `),
    stderr: expect.stringMatching(
      /event 3 not sent: malformed_json.*\n.*event 4 not sent: missing_field currency: /,
    ),
  });
  expect(await send({}, WITHOUT_CURRENCY, '--topic', topic)).toMatchObject({
    code: 4,
    result: { executed: false, events: 0, refused: 1, not_sent: [{ place: 1, field: 'currency' }] },
  });
  expect((await send({}, WITHOUT_CURRENCY, '--topic', topic, '--unchecked')).code).toBe(0);

  const found = await recordsOf(topic, 5);
  const keys = found.map(({ key }) => String(key)).toSorted();
  expect(keys).toEqual([1, 2, 3, 4, 7].map(idOf));
  for (const { key, partition } of found)
    expect(partition).toBe(partitionFor(Buffer.from(String(key)), PARTITIONS));
});

test('a dry run asks no broker; standard input is read a line an event', async () => {
  const child = spawn(
    process.execPath,
    ['--conditions=@adtally/source', MAIN, 'send', '--dry-run', '--json'],
    { env: { ...process.env, KAFKA_BROKERS: '127.0.0.1:9' } },
  );
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stdin.end(`${event(1)}\n${WITHOUT_CURRENCY}\n${event(2)}`);
  const code = await new Promise((done) => child.once('close', done));
  expect({ code, ...JSON.parse(stdout) }).toMatchObject({
    code: 3,
    executed: false,
    topic: 'ad-events',
    events: 2,
    refused: 1,
    not_sent: [{ place: 2, code: 'missing_field', field: 'currency' }],
  });
});

test('what cannot be is refused in one sentence', async () => {
  const refusals = [
    [[event(1), '--topic', 'no-such-topic-of-ours'], 4, 'there is no topic no-such-topic-of-ours'],
    [['--file', '/no/such/file', '--dry-run'], 2, '/no/such/file cannot be read'],
    [[event(1), '--file', 'any'], 2, 'not both'],
  ] as const;
  for (const [argv, code, why] of refusals) {
    const outcome = await runOps(['send', ...argv], { KAFKA_BROKERS: brokers });
    expect(outcome).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(why) });
  }
});
