import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { deleteTopic, emptyDatabase, kafkaBrokers, uniqueName } from '@adtally/testkit';
import { expect, test } from 'vitest';

// The command line as a user starts it, in a process of its own.
const MAIN = resolve(import.meta.dirname, '../src/main.ts');

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function cli(env: Record<string, string>, ...args: string[]): Promise<Outcome> {
  const child = spawn(process.execPath, ['--conditions=@adtally/source', MAIN, ...args], {
    env: { ...process.env, ...env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return await new Promise((done) => {
    child.once('close', (code) => done({ code, stdout, stderr }));
  });
}

const lastLine = (outcome: Outcome): unknown =>
  JSON.parse(outcome.stdout.trimEnd().split('\n').at(-1) ?? '');

test('migrate makes schema, days and topics once, and reports a topic that differs', async () => {
  await using database = await emptyDatabase();
  const [events, dlq, dead] = ['events', 'dlq', 'dead'].map((name) =>
    uniqueName(`adtally_test_${name}`),
  ) as [string, string, string];
  const env = {
    DATABASE_URL: database.url,
    KAFKA_BROKERS: await kafkaBrokers(),
    EVENTS_TOPIC: events,
    DLQ_TOPIC: dlq,
    DEAD_TOPIC: dead,
    EVENTS_PARTITIONS: '2',
  };
  try {
    const first = await cli(env, 'migrate', '--dlq-partitions', '3', '--json');
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(lastLine(first)).toMatchObject({
      topics: [
        { name: events, created: true, partitions: 2 },
        { name: dlq, created: true, partitions: 3 },
        { name: dead, created: true, partitions: 1 },
      ],
    });
    const again = await cli(env, 'migrate', '--json');
    expect(again.code).toBe(0);
    expect(again.stderr).toContain(`topic ${dlq} has 3 partitions, not 12`);
    expect(lastLine(again)).toMatchObject({
      applied: [],
      days_created: [],
      topics: [{ created: false }, { created: false, partitions: 3 }, { created: false }],
    });
  } finally {
    await Promise.all([events, dlq, dead].map((name) => deleteTopic(name)));
  }
});

test('migrate refuses wrong numbers and topic names before it touches anything', async () => {
  await using database = await emptyDatabase();
  const env = { DATABASE_URL: database.url, KAFKA_BROKERS: await kafkaBrokers() };
  const wrongNumber = await cli(env, 'migrate', '--events-partitions', 'many');
  expect(wrongNumber.code).toBe(2);
  expect(wrongNumber.stderr).toContain('--events-partitions');
  const wrongName = await cli({ ...env, EVENTS_TOPIC: 'a b' }, 'migrate');
  expect(wrongName.code).toBe(2);
  expect(wrongName.stderr).toContain('EVENTS_TOPIC');
  // Nothing was migrated: the audit still refuses the schema, naming both versions.
  const audit = await cli(env, 'audit');
  expect(audit).toMatchObject({ code: 78, stdout: '' });
  expect(audit.stderr).toContain('schema version 0');
});

test('brokers that do not answer are told in one sentence', async () => {
  await using database = await emptyDatabase();
  const env = { DATABASE_URL: database.url, KAFKA_BROKERS: '127.0.0.1:9' };
  const outcome = await cli(env, 'migrate');
  expect(outcome).toMatchObject({ code: 69, stdout: '' });
  expect(outcome.stderr).toMatch(
    /^adtally: Kafka at 127\.0\.0\.1:9 \(KAFKA_BROKERS\) does not answer: .* failed: Connection refused\n$/,
  );
});
