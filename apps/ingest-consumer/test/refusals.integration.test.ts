import { SUPPORTED_SCHEMA_VERSION } from '@adtally/db';
import { testTopic } from '@adtally/testkit';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { stage } from './support/stage.ts';
import { expectExact } from './support/truth.ts';

test('a schema it does not fit ends it with 78, naming both versions', async () => {
  const the = await stage();
  await sql`INSERT INTO kysely_migration VALUES ('0999_future', '')`.execute(the.db);
  const { code, stderr } = await the.start().ended;
  expect(code).toBe(78);
  expect(stderr).toContain(`schema version 999, this build supports ${SUPPORTED_SCHEMA_VERSION}`);
});

test('a wrong configuration ends it with 78, naming everything that is wrong', async () => {
  const the = await stage();
  const { code, stderr } = await the.start({ BATCH_MAX_EVENTS: '0', START_AT: 'noon' }).ended;
  expect(code).toBe(78);
  expect(stderr).toContain('BATCH_MAX_EVENTS');
  expect(stderr).toContain('START_AT');
});

test('a topic that does not exist is refused with 78 by policy, else waited for', async () => {
  const the = await stage();
  await the.admin.deleteTopic(the.topic);
  const refused = await the.start({ TOPIC_POLICY: 'refuse' }).ended;
  expect(refused.code).toBe(78);
  expect(refused.stderr).toContain(the.topic);

  const consumer = the.start();
  await consumer.logged(`topic ${the.topic} does not exist: run the migration job, which makes it`);
  await testTopic({ name: the.topic, partitions: 4 });
  const truth = await the.simulate(1_000);
  await the.untilConsumed(truth.acked, consumer);
  await expectExact(the, truth);
});
