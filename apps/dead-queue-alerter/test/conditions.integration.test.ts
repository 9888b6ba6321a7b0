import {
  acceptLoss,
  ADVISORY_LOCK_CLASS,
  ADVISORY_LOCKS,
  insertSource,
  openDatabase,
  registerTopic,
  replaceLag,
  type PartitionLag,
} from '@adtally/db';
import { KafkaAdmin } from '@adtally/kafka';
import { kafkaBrokers, produceRecords, testTopic, waitFor } from '@adtally/testkit';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { told } from './support/listener.ts';
import { stage, untilAccepted, type Stage } from './support/stage.ts';

/** The brokers have none of this name: a leader that finds one made anew would tell other things of it. */
const TOPIC = 'counted-elsewhere';

/** A counted topic with two partitions. */
async function countedTopic(the: Stage): Promise<number[]> {
  const sources = await registerTopic(the.db, {
    kind: 'events',
    topic: TOPIC,
    topicId: 'id',
    partitions: 2,
    genesis: () => 120n,
  });
  return sources.map(({ sourceId }) => sourceId);
}

async function halt(the: Stage, sourceId: number): Promise<void> {
  await sql`UPDATE cursors SET halted_code = 'hole', halted_detail = '120..125 missing', halted_resume_at = 125,
    halted_at = clock_timestamp() WHERE source_id = ${sourceId}`.execute(the.db);
}

/** What a leader finds: this partition stuck, or getting on. */
function lagOf(partition: number, code: string | null): PartitionLag {
  return {
    kind: 'events',
    topic: TOPIC,
    partition,
    sourceId: null,
    nextOffset: 120,
    endOffset: 500,
    lagRecords: 380,
    lagSeconds: 60,
    ageFrom: 'append_time',
    state: 'not_granted',
    owner: null,
    stuck: code === null ? null : { code, detail: 'as the client says', forMs: 60_000 },
  };
}

function conditionsOf(the: Stage) {
  return async (alert: string, status: string) =>
    await waitFor(
      async () =>
        (await the.incidents()).find((one) => one.alert === alert && one.status === status),
      { what: `${alert} ${status}`, timeoutMs: 30_000 },
    );
}

test.concurrent('a halted partition pages once, whoever dies, and resolves when the loss is accepted', async (context) => {
  const the = await stage(context, { env: { RUNBOOK_BASE_URL: 'https://runbooks.example' } });
  const [first = 0] = await countedTopic(the);
  await halt(the, first);
  const one = the.start();
  await untilAccepted(the.webhook, 1);
  expect(the.webhook.accepted[0]?.body).toMatchObject({
    commonLabels: { alertname: 'PartitionHalted', key: `${TOPIC}/0` },
    commonAnnotations: {
      summary: `${TOPIC}/0 is halted at offset 120: hole, 120..125 missing`,
      description: expect.stringContaining(
        `do: read the runbook, then: ops accept-loss --source ${first} says what it comes to, --execute does it`,
      ),
      runbook_url: 'https://runbooks.example/PartitionHalted.md',
    },
  });
  // Killed before that it would be sent once more, under the same key.
  await one.logged('notification sent');
  await one.kill();
  const two = the.start();
  await two.logged('active: reads the dead topic and sends');
  await acceptLoss(the.db, { sourceId: first, actor: 'ann', reason: 'of this test' });
  await untilAccepted(the.webhook, 2);
  expect(told(the.webhook)).toEqual(['PartitionHalted firing', 'PartitionHalted resolved']);
});

test.concurrent('two halted sources of one partition are two pages', async (context) => {
  const the = await stage(context);
  const [first = 0] = await countedTopic(the);
  await halt(the, first);
  const other = await insertSource(
    the.db,
    { kind: 'events', topic: TOPIC, topicId: 'another', partition: 0 },
    120n,
  );
  await halt(the, other);
  the.start();
  await untilAccepted(the.webhook, 2);
  expect((await the.incidents()).map(({ key }) => key)).toEqual([
    `${TOPIC}/0`,
    `${TOPIC}/0 source ${other}`,
  ]);
});

test.concurrent('stuck partitions of a topic are one page; it ends after quiet, and not because nobody looks', async (context) => {
  const the = await stage(context, {
    env: { INCIDENT_RESOLVE_MS: '4s', INCIDENT_UPDATE_MS: '100ms' },
  });
  const until = conditionsOf(the);
  await countedTopic(the);
  // What the leader finds is said here: no alerter leads while this session holds the lock.
  const leader = openDatabase(the.databaseUrl, { applicationName: 'leader', maxConnections: 1 });
  context.onTestFinished(() => leader.destroy());
  await sql`SELECT pg_advisory_lock(${sql.lit(ADVISORY_LOCK_CLASS)}, ${sql.lit(ADVISORY_LOCKS.lag)})`.execute(
    leader,
  );
  await replaceLag(the.db, [lagOf(0, 'open_transaction'), lagOf(1, null)]);
  the.start();
  const { summary } = await until('PartitionsStuck', 'firing');
  expect(summary).toBe(`${TOPIC}: 1 partition is stuck: 0 (open_transaction)`);
  await replaceLag(the.db, [lagOf(0, 'open_transaction'), lagOf(1, 'throttled')]);
  await untilAccepted(the.webhook, 2);
  // The leader is gone: what it found last is old, and says nothing.
  await sql`UPDATE partition_lag SET observed_at = clock_timestamp() - interval '1 minute'`.execute(
    the.db,
  );
  await new Promise((resolve) => setTimeout(resolve, 8_000));
  expect(told(the.webhook)).toEqual(['PartitionsStuck firing', 'PartitionsStuck More']);
  await replaceLag(the.db, [lagOf(0, null), lagOf(1, null)]);
  await until('PartitionsStuck', 'resolved');
  expect(await the.incidents()).toHaveLength(1);
});

test.concurrent('an audit that does not balance pages, by its scope', async (context) => {
  const the = await stage(context);
  const until = conditionsOf(the);
  const say = async (offence: string | null) =>
    await sql`INSERT INTO audit_results (scope, check_id, holds, offence, checked_by)
      VALUES ('full', 'I4', ${offence === null}::boolean, ${offence}::text, 'ann: ops audit')
      ON CONFLICT (scope, check_id) DO UPDATE SET holds = excluded.holds, offence = excluded.offence`.execute(
      the.db,
    );
  await say('source 4 [10, 20) the ledger counted 6 rows, events has 5');
  the.start();
  expect(await until('AuditFailed', 'firing')).toMatchObject({
    key: 'full',
    summary: 'the full audit does not balance: I4',
    detail: { what: 'source 4 [10, 20) the ledger counted 6 rows, events has 5' },
  });
  await say(null);
  await until('AuditFailed', 'resolved');
});

test.concurrent(
  'records that wait while no consumer lives page: whoever leads has found them',
  { timeout: 120_000 },
  async (context) => {
    const the = await stage(context);
    const topic = await testTopic({ partitions: 1 });
    context.onTestFinished(() => topic.delete());
    const admin = new KafkaAdmin({ brokers: await kafkaBrokers(), clientId: 't', security: {} });
    context.onTestFinished(() => admin.close());
    const described = await admin.describeTopic(topic.name);
    await registerTopic(the.db, {
      kind: 'events',
      topic: topic.name,
      topicId: described?.topicId ?? '',
      partitions: 1,
      genesis: () => 0n,
    });
    await produceRecords(topic.name, [{ partition: 0, value: Buffer.from('{}') }]);
    the.start();
    const page = async () =>
      (await the.incidents()).find(({ alert }) => alert === 'PartitionsStuck');
    const { summary } = await waitFor(page, { what: 'the page', timeoutMs: 100_000 });
    expect(summary).toBe(`${topic.name}: 1 partition is stuck: 0 (not_granted)`);
  },
);
