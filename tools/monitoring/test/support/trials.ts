import { connect } from 'node:net';
import { Sink, type ServiceName } from '@adtally/breaking-run';
import {
  kafkaCluster,
  produceRecords,
  produceTransaction,
  setQuota,
  testRedis,
  waitFor,
  type KafkaCluster,
  type TestRedis,
} from '@adtally/testkit';
import { sql } from 'kysely';
import type { Deployment } from './deployment.ts';

/** Something that breaks in a deployment, and how people hear of it. */
export interface Fault {
  readonly name: string;
  /** Alerts that must come while it is broken; none: nobody need be told. */
  readonly alerts: readonly string[];
  /** Alerts that may come as well: what follows from it, and is told before its cause is. */
  readonly consequences?: readonly string[];
  /** Of the alerts those that go on for minutes after it is healed. */
  readonly lasting?: readonly string[];
  readonly break: (deployment: Deployment) => Promise<void>;
  /** Waits until it can be seen, past the services, that it is broken. */
  readonly evidence: (deployment: Deployment) => Promise<void>;
  readonly heal: (deployment: Deployment) => Promise<void>;
}

/** What one deployment goes through, fault after fault. */
export interface Trial {
  readonly name: string;
  /** Starts what is broken beside the services; the stack ends it. */
  readonly prepare: (stack: AsyncDisposableStack) => Promise<{
    /** For every service. */
    readonly env?: Readonly<Record<string, string>>;
    readonly faults: readonly Fault[];
  }>;
}

/** Every process of one app killed, and no other started. */
function killed(app: ServiceName, alert: string, consequences: readonly string[] = []): Fault {
  return {
    name: `every ${app} killed`,
    alerts: [alert],
    consequences,
    break: async ({ fleet }) => void (await Promise.all(fleet.of(app).map((one) => one.kill()))),
    evidence: async (deployment) => {
      for (const { process } of deployment.fleet.of(app)) await process.ended;
      if (app === 'ingest-consumer') await recordsWait(deployment);
    },
    heal: async ({ fleet }) => {
      for (const one of fleet.of(app)) one.start();
    },
  };
}

const WAITING_MIN = 50;

async function recordsWait(deployment: Deployment): Promise<void> {
  await waitFor(async () => (await deployment.recordsWaiting()) > WAITING_MIN, {
    what: `${WAITING_MIN} records behind the cursors`,
    intervalMs: 500,
  });
}

/** Records that no build will ever read. */
const HOPELESS = { partition: 0, key: null, value: Buffer.from('no event') };

async function hopeless({ topics, brokers }: Deployment, count: number): Promise<void> {
  await produceRecords(
    topics.events,
    Array.from({ length: count }, () => HOPELESS),
    brokers,
  );
}

/** The end of a transaction is an offset that nobody can read: a hole, once there are records behind it. */
export const halted: Fault = {
  name: 'a partition that halts',
  alerts: ['PartitionHalted'],
  break: ({ topics, brokers }) =>
    produceTransaction(topics.events, 1, [Buffer.from('{}')], brokers),
  evidence: async ({ db }) => {
    const halts = db.selectFrom('cursors').select('source_id').where('halted_code', 'is not', null);
    await until('a halt in the database', async () => (await halts.execute()).length === 1);
  },
  heal: async (deployment) => {
    const { source_id: source } = await deployment.db
      .selectFrom('cursors')
      .select('source_id')
      .where('halted_code', 'is not', null)
      .executeTakeFirstOrThrow();
    const order = ['--execute', '--reason', 'a trial'];
    await deployment.ops('accept-loss', '--source', String(source), ...order);
  },
};

/** A minute of a slowed partition. */
const FLOOD = 3_000;
const FLOOD_SEEN = 100;

export const flooded: Fault = {
  name: 'a flood of records that cannot be counted',
  alerts: ['RejectionBreakerOpen', 'DlqVolumeSpike', 'DeadEventRateHigh'],
  lasting: ['DeadEventRateHigh'],
  break: (deployment) => hopeless(deployment, FLOOD),
  evidence: async ({ db }) => {
    const refs = db.selectFrom('dead_letter_refs').select('code');
    await until('dead letters', async () => (await refs.execute()).length > FLOOD_SEEN);
  },
  heal: async () => undefined,
};

/** As long as `OutboxStuck` waits. */
const STUCK = sql<never>`created_at - interval '300 seconds'`;

function sinkAway(sink: Sink): Fault {
  return {
    name: 'a sink that is away while there is a halt to tell of',
    alerts: ['OutboxStuck', 'PartitionHalted'],
    break: async (deployment) => {
      sink.close();
      await halted.break(deployment);
    },
    evidence: async (deployment) => {
      await nothingListens(sink.url);
      await halted.evidence(deployment);
      const { db } = deployment;
      const waiting = db.selectFrom('notifications').select('sink').where('state', '=', 'waiting');
      await until('a notification', async () => (await waiting.execute()).length > 0);
      // Five minutes of waiting need not be waited for.
      await db.updateTable('notifications').set({ created_at: STUCK }).execute();
    },
    heal: async (deployment) => {
      await sink.open();
      await halted.heal(deployment);
    },
  };
}

function redisAway(redis: TestRedis): Fault {
  return {
    name: 'Redis killed, which costs speed alone',
    alerts: [],
    break: () => redis.stop(),
    evidence: () => nothingListens(redis.url),
    heal: () => redis.start(),
  };
}

/** Less than what a small load brings, of reading alone. */
const BYTES_PER_SECOND = 100;

function throttled(cluster: KafkaCluster): Fault {
  return {
    name: 'a quota of the broker that throttles',
    alerts: ['PartitionsStuck'],
    break: () => setQuota(cluster, 'consumer_byte_rate', BYTES_PER_SECOND),
    evidence: recordsWait,
    heal: () => setQuota(cluster, 'consumer_byte_rate', undefined),
  };
}

const STRAY = 'a trial';

/** A reference to a dead letter that no ledger row counts. */
const unbalanced: Fault = {
  name: 'an account that does not balance',
  alerts: ['AuditFailed'],
  break: async ({ db, topics }) => {
    const counted = db
      .selectFrom('ledger')
      .innerJoin('sources', 'sources.source_id', 'ledger.source_id')
      .select(['ledger.source_id', 'first_offset', sql.val(STRAY).as('code')])
      .select(sql<Buffer>`decode(repeat('00', 32), 'hex')`.as('record_sha256'))
      .where('topic', '=', topics.events)
      .where('first_offset', 'is not', null)
      .orderBy('end_offset', 'desc')
      .limit(1);
    await db
      .insertInto('dead_letter_refs')
      .columns(['source_id', 'source_offset', 'code', 'record_sha256'])
      .expression(counted)
      .execute();
  },
  evidence: async ({ db }) => {
    const stray = db.selectFrom('dead_letter_refs').select('code').where('code', '=', STRAY);
    await until('the stray reference', async () => (await stray.execute()).length === 1);
  },
  heal: async ({ db }) =>
    void (await db.deleteFrom('dead_letter_refs').where('code', '=', STRAY).execute()),
};

async function nothingListens(url: string): Promise<void> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  const isThere = await new Promise((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
  });
  socket.destroy();
  if (isThere) throw new Error(`${url} is there`);
}

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  await waitFor(condition, { what, timeoutMs: 60_000, intervalMs: 500 });
}

/** As few deployments as can be broken at a time: each is five processes. */
export const TRIALS: readonly Trial[] = [
  {
    name: 'no consumer, then a halt',
    prepare: async () => ({
      // Its own page comes a little later than that of what stands still without it.
      faults: [killed('ingest-consumer', 'IngestConsumerDown', ['PartitionsStuck']), halted],
    }),
  },
  {
    name: 'no reprocessor, then a flood',
    prepare: async () => ({
      env: { BREAKER_WINDOW_RECORDS: '200', MAX_ATTEMPTS: '1', RETRY_INTERVAL_MS: '500ms' },
      faults: [killed('dlq-reprocessor', 'DlqReprocessorDown'), flooded],
    }),
  },
  {
    name: 'no alerter, then no sink',
    prepare: async (stack) => {
      const sink = new Sink();
      await sink.open();
      stack.defer(() => sink.close());
      return {
        env: { ALERT_WEBHOOK_URL: sink.url, SINK_RETRY_MAX_MS: '2s' },
        faults: [killed('dead-queue-alerter', 'DeadAlerterDown'), sinkAway(sink)],
      };
    },
  },
  {
    name: 'no rollups, then no Redis',
    prepare: async (stack) => {
      const redis = stack.use(await testRedis());
      return {
        env: { REDIS_URL: redis.url },
        faults: [killed('backfill-runner', 'BackfillRunnerDown'), redisAway(redis)],
      };
    },
  },
  {
    name: 'a quota, then a false account',
    prepare: async (stack) => {
      const cluster = stack.use(await kafkaCluster());
      return {
        env: { KAFKA_BROKERS: cluster.brokers },
        faults: [throttled(cluster), unbalanced],
      };
    },
  },
];
