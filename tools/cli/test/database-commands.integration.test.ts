import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { acceptLoss, auditResults, migrate, openDatabase, registerTopic } from '@adtally/db';
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

test('audit exits 0 only when all balances, and sources ends a halt with a reason', async () => {
  await using database = await emptyDatabase();
  const env = { DATABASE_URL: database.url };
  await migrate(database.url);
  const db = openDatabase(database.url, { applicationName: 'adtally-cli-test' });
  try {
    const request = {
      kind: 'events',
      topic: 'ad-events',
      partitions: 1,
      genesis: () => 5n,
    } as const;
    const [source] = await registerTopic(db, { ...request, topicId: 'old' });
    const id = String(source?.sourceId);
    const balanced = await cli(env, 'audit', '--json');
    expect(balanced.code).toBe(0);
    expect(lastLine(balanced)).toMatchObject({ balanced: true, complete: true });

    const accept = ['sources', 'accept-loss', '--reason', 'wiped', '--actor', 'ops', '--json'];
    expect((await cli(env, ...accept)).code).toBe(2);
    expect((await cli(env, ...accept, '--source', '99')).code).toBe(2);
    const refused = await cli(env, ...accept, '--source', id);
    expect([refused.code, lastLine(refused)]).toMatchObject([4, { outcome: 'not-halted' }]);

    await registerTopic(db, { ...request, topicId: 'new' });
    expect((await cli(env, 'sources')).stdout).toContain('HALTED topic_recreated');
    const incomplete = await cli(env, 'audit');
    expect(incomplete.code).toBe(3);
    expect(incomplete.stdout).not.toContain('Everything balances');
    expect(incomplete.stdout).toContain(
      `source ${id} ad-events[0] is halted at 5: topic_recreated`,
    );
    expect(incomplete.stdout).toContain(
      'What was counted balances, but it is NOT everything: partitions stand still (1 halted).',
    );
    const accepted = await cli(env, ...accept, '--source', id);
    expect([accepted.code, lastLine(accepted)]).toMatchObject([0, { lost: 0, closed: true }]);
    expect(lastLine(await cli(env, 'sources', '--json'))).toMatchObject({
      sources: [{ source: source?.sourceId, halted_code: null, next_offset: 5 }],
    });
    expect(await acceptLoss(db, { sourceId: Number(id), actor: 'ops', reason: 'twice' })).toEqual({
      outcome: 'not-halted',
    });

    await db
      .insertInto('dead_letter_refs')
      .values({
        source_id: Number(id),
        source_offset: 7n,
        code: 'empty',
        record_sha256: Buffer.alloc(32),
      })
      .execute();
    const unbalanced = await cli(env, 'audit');
    expect(unbalanced.code).toBe(1);
    expect(unbalanced.stdout).toContain('dead-letter-refs does not hold');
    expect(unbalanced.stdout).toContain('[7, 8)');
    // Known to whoever tells metrics and pages.
    expect((await auditResults(db)).filter(({ offence }) => offence !== null)).toMatchObject([
      { scope: 'full', checkId: 'dead-letter-refs', offence: expect.stringContaining('[7, 8)') },
    ]);
  } finally {
    await db.destroy();
  }
});
