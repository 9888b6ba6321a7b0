import { openDatabase } from '@adtally/db';
import { simulate, type Mix, type Truth } from '@adtally/event-simulator';
import { shown } from '@adtally/pipeline/testing';
import {
  kafkaBrokers,
  produceRecords,
  redisUrl,
  ServiceProcess,
  testTopic,
  uniqueName,
} from '@adtally/testkit';
import { sql } from 'kysely';
import { inOrder } from '../in-order.ts';
import type { Stage } from '../world.ts';
import { patiently } from '../patiently.ts';
import { compared, WorldDatabase } from './world-database.ts';

const PARTITIONS = 2;
const EVENTS = 120;
/** Of it every outcome a batch can have. */
const MIX: Partial<Mix> = { duplicate: 0.1, conflict: 0.05, malformed: 0.15, outOfOrder: 0 };
const POISON = 'poison';
const POISONED = 3;
/** A malformed record of the simulator that is `oversize` does not fit, and is kept in the database. */
const DLQ_MESSAGE_BYTES = '20000';

/**
 * Provokes each recovery once a process, by the number of statements on `events` since its start: a passing refusal, a
 * moved horizon, a lost claim, a lost session. What it does to guards and cursors is undone with the transaction that
 * notices it. Nearly every impression is late, and the frontier is not where a new process believes it.
 */
const PROVOKE = `
  ALTER TABLE events ADD CONSTRAINT no_poison CHECK (campaign_id <> '${POISON}');
  UPDATE write_guards SET frontier_ms = extract(epoch FROM now())::bigint * 1000;
  CREATE SEQUENCE provoked;
  CREATE FUNCTION provoke() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    CASE nextval('provoked')
      WHEN 2 THEN RAISE EXCEPTION 'not now' USING ERRCODE = '40001';
      WHEN 4 THEN UPDATE write_guards SET horizon_ms = horizon_ms + 1;
      WHEN 6 THEN UPDATE cursors SET epoch = epoch + 1;
      WHEN 8 THEN PERFORM pg_terminate_backend(pg_backend_pid());
      ELSE NULL;
    END CASE;
    RETURN NULL;
  END $$;
  CREATE TRIGGER provoke BEFORE INSERT ON events FOR EACH STATEMENT EXECUTE FUNCTION provoke();`;

/** Leaves a session for the next owner to end where the last one's is gone: a frozen owner's stays like that. */
const FORMER_OWNER = `
  UPDATE cursors c SET backend_pid = pg_backend_pid(), backend_start = own.backend_start
  FROM pg_stat_activity own
  WHERE own.pid = pg_backend_pid() AND NOT EXISTS (
    SELECT FROM pg_stat_activity a WHERE a.pid = c.backend_pid AND a.backend_start = c.backend_start)`;

/** ingest-consumer on a topic that holds everything a topic can hold. */
export const commitStage: Stage = {
  name: 'ingest-consumer counts',
  protocol: 'commit',
  app: 'ingest-consumer',
  open: async (build) => {
    const [brokers, redis, database, topic, dlq] = await Promise.all([
      kafkaBrokers(),
      redisUrl(),
      WorldDatabase.open(),
      testTopic({ partitions: PARTITIONS }),
      testTopic({ partitions: 1, config: { 'max.message.bytes': DLQ_MESSAGE_BYTES } }),
    ]);
    const { db } = database;
    const former = openDatabase(database.url, { applicationName: 'former-owner' });
    await sql.raw(PROVOKE).execute(db);
    const truths: Truth[] = [];
    let poisoned = 0;
    const consumed = () => database.number('SELECT sum(consumed) FROM ledger');
    const produced = () => truths.reduce((sum, { acked }) => sum + acked, poisoned);
    return {
      async feed() {
        await sql.raw(FORMER_OWNER).execute(former);
        await sql`ALTER SEQUENCE provoked RESTART`.execute(db);
        if (produced() - (await consumed()) >= EVENTS) return;
        const truth = await simulate({
          brokers,
          topic: topic.name,
          events: EVENTS,
          seed: truths.length + 1,
          mix: MIX,
        });
        if (truth.acked !== EVENTS) throw new Error(`${truth.acked} of ${EVENTS} acknowledged`);
        truths.push(truth);
        const poison = Array.from({ length: POISONED }, (_, n) => shown(poisoned + n, POISON));
        await produceRecords(
          topic.name,
          poison.map(({ key, value }, n) => ({
            partition: n % PARTITIONS,
            key: key as Buffer,
            value,
          })),
        );
        poisoned += POISONED;
      },
      start: async (env) =>
        database.started(
          new ServiceProcess(build.main('ingest-consumer'), {
            KAFKA_BROKERS: brokers,
            DATABASE_URL: database.url,
            REDIS_URL: redis,
            EVENTS_TOPIC: topic.name,
            DLQ_TOPIC: dlq.name,
            CONSUMER_GROUP: uniqueName('adtally_crash'),
            ADMIN_PORT: '0',
            BATCH_MAX_EVENTS: '40',
            TOPIC_CHECK_MS: '500ms',
            TOPIC_MIN_PARTITIONS: '1',
            START_AT: '2020-01-01T00:00:00Z',
            BREAKER_REJECTED_SHARE: 'off',
            ...env,
          }),
        ),
      settled: async (by) => {
        await patiently(
          by,
          `${produced()} records counted`,
          async () => (await consumed()) >= produced(),
        );
      },
      end: inOrder,
      claims: () => database.number('SELECT sum(epoch) FROM cursors'),
      unbalanced: () => database.unbalanced(),
      differences: async () => compared(await counted(database), booked(truths, poisoned)),
      close: async () => {
        await former.destroy();
        await Promise.all([database.close(), topic.delete(), dlq.delete()]);
      },
    };
  },
};

type Totals = Record<string, string>;

/** What the simulator's own books say must be there. */
function booked(truths: readonly Truth[], poisoned: number): Totals {
  const totals: Record<string, bigint> = {};
  const add = (what: string, count: number | bigint) => {
    totals[what] = (totals[what] ?? 0n) + BigInt(count);
  };
  for (const truth of truths) {
    add('stored', truth.unique);
    add('duplicate', truth.duplicate);
    add('conflict', truth.conflict);
    for (const [code, count] of Object.entries(truth.dead_lettered)) add(`letters ${code}`, count);
    for (const [currency, micros] of Object.entries(truth.money))
      add(`money ${currency}`, BigInt(micros));
    for (const [type, count] of Object.entries(truth.by_event_type)) add(`events ${type}`, count);
  }
  add('letters data_refused', poisoned);
  return Object.fromEntries(Object.entries(totals).map(([what, count]) => [what, String(count)]));
}

async function counted(database: WorldDatabase): Promise<Totals> {
  const rows = await database.rows<{ what: string; count: string }>(`
    SELECT k.what, k.count::text FROM (SELECT sum(stored) AS stored, sum(duplicate) AS duplicate,
      sum(conflict) AS conflict FROM ledger) l,
      LATERAL (VALUES ('stored', l.stored), ('duplicate', l.duplicate), ('conflict', l.conflict)) k (what, count)
    UNION ALL SELECT 'letters ' || code, count(*)::text FROM dead_letter_refs GROUP BY code
    UNION ALL SELECT 'money ' || currency, sum(amount_micros)::text FROM events GROUP BY currency
    UNION ALL SELECT 'events ' || event_type::text, count(*)::text FROM events GROUP BY event_type`);
  return Object.fromEntries(rows.map(({ what, count }) => [what, count]));
}
