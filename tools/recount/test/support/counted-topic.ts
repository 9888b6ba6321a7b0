import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ensureSomeVersion, keepRollups } from '@adtally/analytics';
import { type Database, openDatabase } from '@adtally/db';
import { migrated } from '@adtally/db/testing';
import { simulate } from '@adtally/event-simulator';
import {
  kafkaBrokers,
  ServiceProcess,
  testDatabase,
  testTopic,
  uniqueName,
} from '@adtally/testkit';
import { sql } from 'kysely';
import { MIXED, send, sendUncounted } from './mixed.ts';

const INGEST = resolve(import.meta.dirname, '../../../../apps/ingest-consumer/src/main.ts');
/** Enough of everything that a small run has every kind of it. */
const MIX = {
  duplicate: 0.05,
  conflict: 0.02,
  malformed: 0.02,
  misrouted: 0.02,
  hugeAmount: 0.05,
  outOfOrder: 0.05,
};

const ZONE = 'America/New_York';
const DAY_MS = 86_400_000;

export interface CountedTopic extends AsyncDisposable {
  readonly db: Database;
  /** What a command needs to find both servers. */
  readonly env: Record<string, string>;
  /** Empty, and removed afterwards. */
  readonly folder: string;
  /** Brings the rollups up to date. */
  sumUp(): Promise<void>;
  /** The campaign and month with the most events, in a zone whose days are not those of UTC. */
  busiestCampaign(): Promise<{ campaignId: string; month: string; timeZone: string }>;
}

/** A topic with all that a producer can do, MIXED too, counted by the real service; its rollups have a version. */
export async function countedTopic(events: number): Promise<CountedTopic> {
  const [brokers, database, topic, dlq] = await Promise.all([
    kafkaBrokers(),
    testDatabase(migrated),
    testTopic({ partitions: 6 }),
    testTopic({ partitions: 2 }),
  ]);
  const db = openDatabase(database.url, { applicationName: 'test', statementTimeoutMs: 0 });
  const folder = mkdtempSync(join(tmpdir(), 'adtally-recount-'));
  const startAt = await sendUncounted(brokers, topic.name);
  await simulate({
    brokers,
    topic: topic.name,
    events,
    seed: 11,
    mix: MIX,
    baseTimeMs: timeWithDaysBefore(),
    clockMs: Date.now(),
  });
  await send(brokers, topic.name, MIXED);
  const servers = { KAFKA_BROKERS: brokers, DATABASE_URL: database.url };
  const consumer = new ServiceProcess(INGEST, {
    ...servers,
    EVENTS_TOPIC: topic.name,
    START_AT: startAt,
    DLQ_TOPIC: dlq.name,
    CONSUMER_GROUP: uniqueName('adtally_test_group'),
    ADMIN_PORT: '0',
  });
  await consumer.until('all to be counted', async () => {
    const { consumed } = await db
      .selectFrom('ledger')
      .select((eb) => eb.fn.coalesce(eb.fn.sum<string>('consumed'), sql<string>`0`).as('consumed'))
      .executeTakeFirstOrThrow();
    return Number(consumed) === events + MIXED.length;
  });
  await consumer.stop();
  await ensureSomeVersion(db);
  return {
    db,
    env: { ...(process.env as Record<string, string>), ...servers },
    folder,
    async sumUp() {
      // Cohorts end on their own; what is younger is told apart by both sides.
      const options = {
        settleMs: 0,
        holdsFrontier: false,
        baseRows: 50_000,
        maxImpressions: 10_000,
      };
      while ((await keepRollups(db, options, new AbortController().signal)).hasMore);
    },
    async busiestCampaign() {
      const { rows } = await sql<{ campaignId: string; month: string }>`
        SELECT campaign_id AS "campaignId", to_char(occurred_at AT TIME ZONE ${ZONE}, 'YYYY-MM') AS month
        FROM events GROUP BY 1, 2 ORDER BY count(*) DESC LIMIT 1`.execute(db);
      const [busiest] = rows;
      if (busiest === undefined) throw new Error('nothing was counted');
      return { ...busiest, timeZone: ZONE };
    },
    async [Symbol.asyncDispose]() {
      await db.destroy();
      await Promise.all([database.drop(), topic.delete(), dlq.delete()]);
      rmSync(folder, { recursive: true });
    },
  };
}

/** Now, or the end of the month before where this one has just begun: what is late lies some days before, and is to be of the same month. */
function timeWithDaysBefore(): number {
  const format = new Intl.DateTimeFormat('en', { timeZone: ZONE, day: 'numeric' });
  const dayOfMonth = Number(format.format());
  return Date.now() - (dayOfMonth <= 3 ? dayOfMonth : 0) * DAY_MS;
}
