import { setTimeout as sleep } from 'node:timers/promises';
import { migrate, openDatabase, takeServiceStates, type Database } from '@adtally/db';
import { migrated } from '@adtally/db/testing';
import { Heartbeat } from '@adtally/service';
import { createLogger } from '@adtally/telemetry';
import {
  hasPostgresServer,
  proxyFor,
  stressStartStop,
  testDatabase,
  testPostgres,
  waitFor,
} from '@adtally/testkit';
import { sql } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import { ServicePresence } from '../src/index.ts';

const FAST = { everyMs: 50 };
const FRESH = { isFresh: true, hasBeaten: true };
const log = createLogger({ service: 'test', level: 'silent' });

async function freshDatabase() {
  const database = await testDatabase(migrated);
  const db = openDatabase(database.url, { applicationName: 'test' });
  onTestFinished(async () => {
    await db.destroy();
    await database.drop();
  });
  return { url: database.url, db };
}

/** A process of service `x`, as far as its presence is concerned. */
function processOf(databaseUrl: string, heartbeat = FRESH, options = {}): ServicePresence {
  const parts = { app: 'x', config: { databaseUrl }, heartbeat, log };
  const presence = new ServicePresence(parts, { ...FAST, ...options });
  onTestFinished(() => presence.stop());
  return presence;
}

/** What is told of `x`: how many of its processes live, and whether one was at work just now. */
async function told(db: Database) {
  const state = (await takeServiceStates(db)).find(({ service }) => service === 'x');
  if (state === undefined) return null;
  const ageSeconds = await secondsSince(db, state.lastAtWorkSeconds);
  return { processes: state.processes, isAtWork: ageSeconds < 1 };
}

async function secondsSince(db: Database, unixSeconds: number): Promise<number> {
  const { rows } = await sql<{
    age: number;
  }>`SELECT extract(epoch FROM clock_timestamp())::float8 - ${unixSeconds}::float8 AS age`.execute(
    db,
  );
  return rows[0]?.age ?? Number.NaN;
}

async function saidAt(db: Database) {
  return await db.selectFrom('service_processes').select(['said_at', 'ended_at']).execute();
}

async function untilProcesses(db: Database, processes: number): Promise<void> {
  const isSo = async () => (await told(db))?.processes === processes;
  await waitFor(isSo, { what: `${processes} processes` });
}

test('processes are counted while they live, and the last work stays known after all have ended', async () => {
  const { url, db } = await freshDatabase();
  expect(await told(db)).toBeNull();
  const [one, two] = [processOf(url), processOf(url)];
  await one.start();
  await two.start();
  await untilProcesses(db, 2);
  expect(await told(db)).toEqual({ processes: 2, isAtWork: true });
  await one.stop();
  expect(await told(db)).toEqual({ processes: 1, isAtWork: true });
  await two.stop();
  await sleep(1_100);
  expect(await told(db)).toEqual({ processes: 0, isAtWork: false });
});

test('a process whose work hangs goes silent, and speaks again when it goes on', async () => {
  const { url, db } = await freshDatabase();
  const work = new Heartbeat(200);
  const turning = setInterval(() => work.beat(), 20);
  onTestFinished(() => clearInterval(turning));
  await processOf(url, work).start();
  await untilProcesses(db, 1);
  clearInterval(turning);
  const isOld = async () => (await told(db))?.isAtWork === false;
  await waitFor(isOld, { what: 'nobody at work' });
  // It did not say that it ended, nor anything else.
  const silent = await saidAt(db);
  await sleep(5 * FAST.everyMs);
  expect(await saidAt(db)).toEqual(silent);
  const again = setInterval(() => work.beat(), 20);
  onTestFinished(() => clearInterval(again));
  await waitFor(async () => !(await isOld()), { what: 'somebody at work' });
});

test('who was only started is not at work before its loop has turned', async () => {
  const { url, db } = await freshDatabase();
  const work = new Heartbeat(60_000);
  await processOf(url, work).start();
  await untilProcesses(db, 1);
  const [said] = await db.selectFrom('service_processes').select('worked_at').execute();
  expect(said).toEqual({ worked_at: null });
  work.beat();
  const worked = () => db.selectFrom('service_processes').select('worked_at').execute();
  await waitFor(async () => (await worked())[0]?.worked_at !== null, { what: 'work' });
});

test('who stands by lives, and is not at work', async () => {
  const { url, db } = await freshDatabase();
  let isActive = false;
  await processOf(url, FRESH, { isAtWork: () => isActive }).start();
  await untilProcesses(db, 1);
  await sleep(1_100);
  expect(await told(db)).toEqual({ processes: 1, isAtWork: false });
  isActive = true;
  await waitFor(async () => (await told(db))?.isAtWork, { what: 'somebody at work' });
  isActive = false;
  await sleep(1_100);
  expect(await told(db)).toEqual({ processes: 1, isAtWork: false });
});

test('the silent do not count, and go after an hour but for the one that was last at work', async () => {
  const { db } = await freshDatabase();
  await sql`INSERT INTO service_processes (service, process, started_at, said_at, worked_at)
    SELECT service, process, now() - interval '1 day', now() - said, now() - worked FROM (VALUES
      ('x', 'silent for 21 s', interval '21 seconds', interval '21 seconds'),
      ('x', 'dead', interval '61 minutes', interval '61 minutes'),
      ('y', 'dead first', interval '90 minutes', interval '90 minutes'),
      ('y', 'dead last', interval '80 minutes', interval '80 minutes'),
      ('y', 'stood by', interval '70 minutes', NULL)) v (service, process, said, worked)`.execute(
    db,
  );
  const states = await takeServiceStates(db);
  expect(states.map(({ service, processes }) => [service, processes])).toEqual([
    ['x', 0],
    ['y', 0],
  ]);
  expect(await secondsSince(db, states[1]?.lastAtWorkSeconds ?? 0)).toBeCloseTo(80 * 60, -1);
  const left = await db
    .selectFrom('service_processes')
    .select('process')
    .orderBy('process')
    .execute();
  expect(left.map(({ process }) => process)).toEqual(['dead last', 'silent for 21 s']);
  expect(await takeServiceStates(db)).toEqual(states);
});

test.skipIf(!hasPostgresServer())(
  'what was said outlives a crash of the server, when nobody is left to say it anew',
  async () => {
    const server = await testPostgres();
    onTestFinished(() => server.close());
    await migrate(server.url);
    const db = openDatabase(server.url, { applicationName: 'test' });
    onTestFinished(() => db.destroy());
    const the = processOf(server.url);
    await the.start();
    await untilProcesses(db, 1);
    await the.stop();
    const before = await takeServiceStates(db);
    // The words are on the disk within three times wal_writer_delay.
    await sleep(1_000);
    const pid = await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(db);
    process.kill(pid.rows[0]?.pid ?? 0, 'SIGKILL');
    const recovered = async () => (await takeServiceStates(db)).length > 0;
    await waitFor(recovered, { what: 'the server after its crash' });
    const started = await sql<{ crashed: boolean }>`
      SELECT count(*) = 0 AS crashed FROM pg_stat_activity WHERE pid = ${pid.rows[0]?.pid}`.execute(
      db,
    );
    expect(started.rows).toEqual([{ crashed: true }]);
    expect(await takeServiceStates(db)).toEqual(before);
  },
);

test('with the database away it starts, speaks once it is there, and stops in the middle of a silent one', async () => {
  const { url, db } = await freshDatabase();
  await stressStartStop(() => processOf(url));
  const proxy = await proxyFor(url);
  onTestFinished(() => proxy.close());
  proxy.refuse(true);
  const the = processOf(proxy.urlFor(url));
  await the.start();
  await sleep(5 * FAST.everyMs);
  proxy.refuse(false);
  await untilProcesses(db, 1);
  proxy.blackhole(true);
  const startedMs = performance.now();
  await the.stop();
  expect(performance.now() - startedMs).toBeLessThan(5_000);
  proxy.blackhole(false);
});
