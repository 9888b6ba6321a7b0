import { DEFAULT_TOPIC_RULES } from '@adtally/event-schema';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import type { DatabaseExecutor } from '../src/database.ts';
import { KnownSources, registerTopic, type RegisterTopicRequest } from '../src/register-topic.ts';
import { noteReadMarks } from '../src/read-marks.ts';
import { acceptLoss, listSources, noteKnownEnds } from '../src/sources.ts';
import { migratedDatabase } from '../testing/migrated-database.ts';

const topic: RegisterTopicRequest = {
  kind: 'events',
  topic: 'ad-events',
  topicId: 'first',
  partitions: 3,
  genesis: (partition) => BigInt(partition * 100),
};
const states = (list: readonly { state: string; haltedCode?: string }[]): string[] =>
  list.map((partition) => partition.haltedCode ?? partition.state);

async function halt(db: DatabaseExecutor, sourceId: number, resumeAt: bigint | null) {
  await sql`UPDATE cursors SET halted_code = 'truncated', halted_detail = 'log begins at 150',
    halted_resume_at = ${resumeAt}, halted_at = now() WHERE source_id = ${sourceId}`.execute(db);
}

test('a first start makes every partition a source with its genesis, however many start at once', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const all = await Promise.all([1, 2, 3].map(() => registerTopic(db, topic)));
  const told = all.map((sources) => sources.map(({ isNew: _isNew, ...source }) => source));
  expect(told[1]).toEqual(told[0]);
  expect(told[2]).toEqual(told[0]);
  expect(all.map((sources) => sources.filter(({ isNew }) => isNew).length).toSorted()).toEqual([
    0, 0, 3,
  ]);
  expect(states(all[0] ?? [])).toEqual(['ready', 'ready', 'ready']);
  const sources = await listSources(db);
  expect(sources.map((s) => [s.partition, s.nextOffset, s.epoch])).toEqual([
    [0, 0n, 0n],
    [1, 100n, 0n],
    [2, 200n, 0n],
  ]);
  const ledger = await db.selectFrom('ledger').select(['first_offset', 'end_offset']).execute();
  expect(ledger.map((row) => [row.first_offset, row.end_offset])).toContainEqual([null, 200n]);
});

test('partitions added to a known topic begin at 0, whatever the first start said', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const before = await registerTopic(db, topic);
  const after = await registerTopic(db, { ...topic, partitions: 5 });
  expect(after.slice(0, 3)).toEqual(before.map((source) => ({ ...source, isNew: false })));
  expect(after.map(({ isNew }) => isNew)).toEqual([false, false, false, true, true]);
  expect((await listSources(db)).map((s) => s.nextOffset)).toEqual([0n, 100n, 200n, 0n, 0n]);
});

test('known sources are what a registration would find, and nothing where it would make or halt one', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const known = async (change: object = {}) =>
    (await KnownSources.read(db, topic)).of({ ...topic, ...change });
  expect(await known()).toBeNull();
  const [first] = await registerTopic(db, topic);
  await halt(db, first?.sourceId ?? 0, 150n);
  expect(await known()).toEqual(await registerTopic(db, topic));
  await sql`UPDATE cursors SET halted_code = NULL, halted_detail = NULL, halted_resume_at = NULL,
    halted_at = NULL`.execute(db);
  expect(await known({ partitions: 2 })).toHaveLength(2);
  expect(await known({ partitions: 4 })).toBeNull();
  expect(await known({ topicId: 'second' })).toBeNull();
  // The loss of all but one is accepted: the other topic of the name is not over yet.
  const decision = { actor: 'ops', reason: 'the test cluster was wiped' };
  const second = { ...topic, topicId: 'second' };
  const halted = await registerTopic(db, second);
  for (const { sourceId } of halted.slice(1)) await acceptLoss(db, { sourceId, ...decision });
  expect(await known({ topicId: 'second' })).toBeNull();
  await acceptLoss(db, { sourceId: halted[0]?.sourceId ?? 0, ...decision });
  expect(await known({ topicId: 'second' })).toBeNull();
  await registerTopic(db, second);
  expect(await known({ topicId: 'second' })).toEqual(await registerTopic(db, second));
});

test('known sources are nothing where rules or a share would be noted or refused', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const known = async (request: RegisterTopicRequest) =>
    (await KnownSources.read(db, request)).of(request);
  const ruled = { ...topic, rules: DEFAULT_TOPIC_RULES };
  await registerTopic(db, topic);
  expect(await known(topic)).toHaveLength(3);
  expect(await known({ ...topic, share: [1, 2] })).toBeNull();
  expect(await known(ruled)).toBeNull();
  await registerTopic(db, ruled);
  expect(await known(ruled)).toEqual(await registerTopic(db, ruled));
  const shared = { ...ruled, topic: 'shared', topicId: 'third', share: [1, 2] };
  await registerTopic(db, shared);
  expect(await known(shared)).toMatchObject([{ partition: 1 }, { partition: 2 }]);
  expect(await known({ ...shared, share: [2, 1] })).toHaveLength(2);
  for (const share of [[1], [0, 1], null]) expect(await known({ ...shared, share })).toBeNull();
  const letters = { ...topic, kind: 'dlq', topic: 'letters', topicId: 'fourth' } as const;
  await registerTopic(db, letters);
  expect(await known(letters)).toEqual(await registerTopic(db, letters));
});

test('where a genesis cannot be told, no source is made at all', async () => {
  await using database = await migratedDatabase();
  const failing = (partition: number) => {
    if (partition === 2) throw new Error('no leader');
    return 0n;
  };
  await expect(registerTopic(database.db, { ...topic, genesis: failing })).rejects.toThrow(
    'leader',
  );
  expect(await listSources(database.db)).toEqual([]);
});

test('I9: a recreated topic halts all its sources until the loss of each is accepted', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const first = await registerTopic(db, topic);
  const again = { ...topic, topicId: 'second', genesis: () => 7n };
  await noteKnownEnds(db, new Map(first.map((p) => [p.sourceId, 250n])));

  const halted = await registerTopic(db, again);
  expect(halted.map((p) => p.sourceId)).toEqual(first.map((p) => p.sourceId));
  expect(states(halted)).toEqual(['topic_recreated', 'topic_recreated', 'topic_recreated']);
  expect((await listSources(db))[0]?.haltedDetail).toBe(
    'topic ad-events was first and is second now',
  );

  const decision = { actor: 'ops', reason: 'the test cluster was wiped' };
  for (const { sourceId } of first.slice(0, 2)) await acceptLoss(db, { sourceId, ...decision });
  expect(states(await registerTopic(db, again))).toEqual(Array(3).fill('topic_recreated'));
  const last = first[2]?.sourceId ?? 0;
  expect(await acceptLoss(db, { sourceId: last, ...decision })).toEqual({
    outcome: 'accepted',
    lost: 50n,
    nextOffset: 250n,
    closed: true,
    successor: null,
  });

  const fresh = await registerTopic(db, again);
  expect(states(fresh)).toEqual(['ready', 'ready', 'ready']);
  const open = (await listSources(db)).filter((s) => s.closedAt === null);
  expect(open.map((s) => [s.topicId, s.nextOffset])).toEqual([0, 1, 2].map(() => ['second', 7n]));
  // The old id comes back: the open sources are halted now, and the closed ones stay closed.
  expect(states(await registerTopic(db, topic))).toEqual(Array(3).fill('topic_recreated'));
});

test('a source halted for another reason keeps it when its topic is recreated', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const [first] = await registerTopic(db, topic);
  await halt(db, first?.sourceId ?? 0, 150n);
  expect(states(await registerTopic(db, topic))).toEqual(['truncated', 'ready', 'ready']);
  const recreated = await registerTopic(db, { ...topic, topicId: 'second' });
  expect(states(recreated)).toEqual(['truncated', 'topic_recreated', 'topic_recreated']);
});

test('I9: an accepted loss is in the ledger and signed; nothing else ends a halt', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const [first] = await registerTopic(db, topic);
  const sourceId = first?.sourceId ?? 0;
  const decision = { sourceId, actor: 'ops', reason: 'retention was too short' };
  expect(await acceptLoss(db, decision)).toEqual({ outcome: 'not-halted' });
  expect(await acceptLoss(db, { ...decision, sourceId: 99 })).toEqual({
    outcome: 'unknown-source',
  });
  await expect(acceptLoss(db, { ...decision, reason: ' ' })).rejects.toThrow('reason');

  await halt(db, sourceId, 150n);
  expect(await acceptLoss(db, decision)).toEqual({
    outcome: 'accepted',
    lost: 150n,
    nextOffset: 150n,
    closed: false,
    successor: null,
  });
  expect((await listSources(db))[0]).toMatchObject({ nextOffset: 150n, haltedCode: null });
  const actions = await db.selectFrom('operator_actions').selectAll().execute();
  expect(actions).toMatchObject([{ actor: 'ops', action: 'accept-loss', source_id: sourceId }]);
  await expect(db.deleteFrom('operator_actions').execute()).rejects.toThrow('append-only');
});

test('neither sources nor letters are ever deleted: what names them has no foreign key', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  await registerTopic(db, topic);
  for (const statement of [
    sql`DELETE FROM sources`,
    sql`TRUNCATE sources CASCADE`,
    sql`DELETE FROM dead_letters`,
    sql`TRUNCATE dead_letters CASCADE`,
  ])
    await expect(statement.execute(db)).rejects.toThrow('are never deleted');
});

test('a known end never goes back', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const [a, b] = await registerTopic(db, topic);
  const ends = (x: bigint, y: bigint) =>
    new Map([
      [a?.sourceId ?? 0, x],
      [b?.sourceId ?? 0, y],
    ]);
  await noteKnownEnds(db, ends(10n, 20n));
  await noteKnownEnds(db, ends(5n, 25n));
  await noteKnownEnds(db, new Map());
  expect((await listSources(db)).map((s) => s.knownEndOffset)).toEqual([10n, 25n, null]);
});

test('I9: a diverged log loses nothing to counting: its source is closed, a successor begins where it departs', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const [, second] = await registerTopic(db, topic);
  if (second === undefined) throw new Error('no second source');
  const { sourceId } = second;
  await sql`UPDATE cursors SET halted_code = 'log_diverged', halted_resume_at = 60, halted_at = now()
    WHERE source_id = ${sourceId}`.execute(db);
  const decision = { sourceId, actor: 'an operator', reason: 'it was unclean' };
  expect(await acceptLoss(db, decision)).toMatchObject({
    outcome: 'accepted',
    lost: 0n,
    nextOffset: 100n,
    closed: true,
  });
  const [, successor] = await registerTopic(db, topic);
  expect(successor).toMatchObject({ partition: 1, state: 'ready', nextOffset: 60 });
  expect(successor?.sourceId).not.toBe(sourceId);
  // Once more: the newest stands for the partition.
  await sql`UPDATE cursors SET halted_code = 'log_diverged', halted_resume_at = 20, halted_at = now()
    WHERE source_id = ${successor?.sourceId}`.execute(db);
  await acceptLoss(db, { ...decision, sourceId: successor?.sourceId ?? 0 });
  expect((await registerTopic(db, topic))[1]).toMatchObject({ state: 'ready', nextOffset: 20 });
});

test('I9: a log that was cut short is counted again from where it ended; a halt of before, which names no end, stays at the cursor', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const [, second] = await registerTopic(db, topic);
  const sourceId = second?.sourceId ?? 0;
  const shrinkTo = (end: number | null) =>
    sql`UPDATE cursors SET halted_code = 'log_shrunk', halted_resume_at = ${end}, halted_at = now()
        WHERE source_id = ${sourceId}`.execute(db);
  const decision = { sourceId, actor: 'an operator', reason: 'the disk was lost' };
  await shrinkTo(null);
  expect(await acceptLoss(db, decision)).toMatchObject({
    lost: 0n,
    nextOffset: 100n,
    closed: false,
  });
  await shrinkTo(60);
  expect(await acceptLoss(db, decision)).toMatchObject({
    lost: 0n,
    nextOffset: 100n,
    closed: true,
    successor: { sourceId: expect.any(Number), nextOffset: 60n },
  });
  expect((await registerTopic(db, topic))[1]).toMatchObject({ state: 'ready', nextOffset: 60 });
});

test('who had written what was counted last is noted, never goes back, and never lies past the cursor', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const [, first] = await registerTopic(db, topic);
  const sourceId = first?.sourceId ?? 0;
  await sql`UPDATE cursors SET epoch = 7 WHERE source_id = ${sourceId}`.execute(db);
  const lastRead = async () => (await registerTopic(db, topic))[1]?.lastRead;
  const note = async (upTo: bigint, leaderEpoch: number, epoch = 7) =>
    await noteReadMarks(db, new Map([[sourceId, { epoch, upTo, leaderEpoch }]]));
  expect(await lastRead()).toBeNull();
  await note(80n, 3);
  await note(75n, 2);
  await noteReadMarks(db, new Map());
  expect(await lastRead()).toEqual({ offset: 80, leaderEpoch: 3 });
  // Of an owner that was put out, or whose database went back under it.
  await note(90n, 4, 6);
  await note(101n, 4);
  expect(await lastRead()).toEqual({ offset: 80, leaderEpoch: 3 });
  await sql`UPDATE cursors SET read_up_to = 150 WHERE source_id = ${sourceId}`.execute(db);
  expect(await lastRead()).toBeNull();
  await note(100n, 4);
  expect(await lastRead()).toEqual({ offset: 100, leaderEpoch: 4 });
});
