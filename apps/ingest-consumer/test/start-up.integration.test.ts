import { deleteTopic, testTopic } from '@adtally/testkit';
import { SUPPORTED_SCHEMA_VERSION } from '@adtally/db';
import { sql } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import { ConsumerProcess } from './support/consumer-process.ts';
import { stage } from './support/stage.ts';
import { expectExact } from './support/truth.ts';

const CONFIG_ERROR = 78;

test('a schema of another version ends the start with 78 and both versions named', async () => {
  const the = await stage();
  const newer = SUPPORTED_SCHEMA_VERSION + 3;
  await sql`INSERT INTO kysely_migration (name, timestamp)
    VALUES (${`${String(newer).padStart(4, '0')}_of_a_newer_build`}, '')`.execute(the.db);
  const { code, stderr } = await the.start().ended;
  expect(code).toBe(CONFIG_ERROR);
  expect(stderr).toContain(`schema version ${newer}`);
  expect(stderr).toContain(`supports ${SUPPORTED_SCHEMA_VERSION}`);
});

test('a missing topic ends the start with 78 where TOPIC_POLICY is refuse', async () => {
  const the = await stage();
  await deleteTopic(the.topic);
  const { code, stderr } = await the.start({ TOPIC_POLICY: 'refuse' }).ended;
  expect(code).toBe(CONFIG_ERROR);
  expect(stderr).toContain(`topic ${the.topic} does not exist`);
});

test('a missing topic is waited for where TOPIC_POLICY is warn, and read from its start', async () => {
  const the = await stage();
  await deleteTopic(the.topic);
  const consumer = the.start();
  await consumer.running();
  await testTopic({ name: the.topic, partitions: 4 });
  const truth = await the.simulate(2_000);
  await the.untilConsumed(truth.acked, consumer);
  await expectExact(the, truth);
});

test('a wrong environment ends with 78 and all its problems', async () => {
  const consumer = new ConsumerProcess({ BATCH_MAX_EVENTS: '0', START_AT: 'now' });
  onTestFinished(() => void consumer.kill());
  const { code, stderr } = await consumer.ended;
  expect(code).toBe(CONFIG_ERROR);
  for (const name of ['DATABASE_URL', 'KAFKA_BROKERS', 'BATCH_MAX_EVENTS', 'START_AT']) {
    expect(stderr).toContain(name);
  }
});

test.each([
  ['right', 0],
  ['wrong', CONFIG_ERROR],
])('--check-config of a %s environment ends with %i and touches no server', async (kind, code) => {
  const env = {
    KAFKA_BROKERS: 'nowhere.invalid:9092',
    DATABASE_URL: 'postgres://user:a-secret@nowhere.invalid/adtally',
    ...(kind === 'wrong' && { DEDUP_TTL_SECONDS: 'soon' }),
  };
  const consumer = new ConsumerProcess(env, ['--check-config']);
  const exit = await consumer.ended;
  expect(exit.code).toBe(code);
  expect(exit.stdout + exit.stderr).not.toContain('a-secret');
  if (kind === 'right') expect(exit.stdout).toContain('configuration ok');
  else expect(exit.stderr).toContain('DEDUP_TTL_SECONDS');
});
