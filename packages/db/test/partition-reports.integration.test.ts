import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { readLag, replaceLag, sourcePositions, type PartitionLag } from '../src/partition-lag.ts';
import { replaceReports, takeFreshReports } from '../src/partition-reports.ts';
import { registerTopic } from '../src/register-topic.ts';
import { migratedDatabase } from '../testing/migrated-database.ts';

const FIRST = { topic: 't', consumerGroup: 'g', owner: 'host/1' };
const SECOND = { ...FIRST, owner: 'host/2' };
const AWAY = { code: 'broker_unreachable', detail: 'describe t: Timed out (-185)' };

test('a member replaces what it said before, and nothing of anybody else', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  await replaceReports(db, FIRST, [
    { partition: 0, state: 'owned', reason: null, forMs: 10 },
    { partition: 1, state: 'waiting', reason: AWAY, forMs: 60_000 },
  ]);
  await replaceReports(db, SECOND, [{ partition: 2, state: 'owned', reason: null, forMs: 0 }]);
  await replaceReports(db, FIRST, [
    { partition: 1, state: 'waiting', reason: AWAY, forMs: 61_000 },
  ]);
  const fresh = await takeFreshReports(db);
  expect(fresh).toMatchObject([
    { ...FIRST, partition: 1, state: 'waiting', reason: AWAY },
    { ...SECOND, partition: 2, state: 'owned', reason: null },
  ]);
  expect(fresh[0]?.forMs).toBeGreaterThanOrEqual(61_000);
  await replaceReports(db, FIRST, []);
  expect(await takeFreshReports(db)).toMatchObject([SECOND]);
});

test('a report that was not renewed says nothing, and is removed in the end', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  await replaceReports(db, FIRST, [{ partition: 0, state: 'owned', reason: null, forMs: 0 }]);
  await sql`UPDATE partition_reports SET reported_at = now() - interval '21 seconds'`.execute(db);
  expect(await takeFreshReports(db)).toEqual([]);
  await sql`UPDATE partition_reports SET reported_at = now() - interval '61 minutes'`.execute(db);
  await takeFreshReports(db);
  const { rows } = await sql`SELECT FROM partition_reports`.execute(db);
  expect(rows).toEqual([]);
});

test('positions are those of open sources of counted topics, with how long each has stood', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const register = { topic: 't', topicId: 'id', partitions: 2, genesis: () => 5n } as const;
  await registerTopic(db, { ...register, kind: 'events' });
  await sql`UPDATE sources SET closed_at = now() WHERE partition = 1`.execute(db);
  await sql`UPDATE ledger SET committed_at = now() - interval '1 minute'`.execute(db);
  const [position, ...others] = await sourcePositions(db);
  expect(others).toEqual([]);
  expect(position).toMatchObject({ kind: 'events', topic: 't', partition: 0, nextOffset: 5 });
  expect(position?.idleMs).toBeGreaterThanOrEqual(60_000);
});

test('a look replaces the one before it', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const found = (partition: number, lag: Partial<PartitionLag>): PartitionLag => ({
    kind: 'events',
    topic: 't',
    partition,
    sourceId: null,
    nextOffset: null,
    endOffset: 7,
    lagRecords: 7,
    lagSeconds: 1.5,
    ageFrom: 'append_time',
    state: 'not_granted',
    owner: null,
    stuck: null,
    ...lag,
  });
  const stuck = { code: 'not_granted', detail: 'no living member reports it', forMs: 30_000 };
  await replaceLag(db, [found(0, {}), found(1, { stuck })]);
  await replaceLag(db, [found(1, { stuck, lagRecords: 8 })]);
  const [one, ...others] = await readLag(db, 't');
  expect(others).toEqual([]);
  expect(one).toMatchObject({ partition: 1, lagRecords: 8, stuck: { code: 'not_granted' } });
  expect(one?.stuck?.forMs).toBeGreaterThanOrEqual(30_000);
  expect(await readLag(db, 'another')).toEqual([]);
});
