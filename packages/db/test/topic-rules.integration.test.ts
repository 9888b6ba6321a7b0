import { DEFAULT_TOPIC_RULES } from '@adtally/event-schema';
import { waitFor } from '@adtally/testkit';
import { sql } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import { claimSource } from '../src/claims.ts';
import { insertSource, registerTopic } from '../src/register-topic.ts';
import { readCursors } from '../src/sources.ts';
import {
  listTopicRules,
  NoEventsTopic,
  readTopicRules,
  setTopicRules,
} from '../src/topic-rules.ts';
import { migratedDatabase, openSession } from '../testing/index.ts';

const BY = { actor: 'ann', reason: 'protobuf producers' };
const WIDE = { ...DEFAULT_TOPIC_RULES, amountsAsStrings: true };
const topic = {
  kind: 'events',
  topic: 'ad-events',
  topicId: 'first',
  partitions: 2,
  genesis: (partition: number) => BigInt(partition * 100),
} as const;

test('the rules a topic is first registered with stay, whatever later ones are started with', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  expect(await readTopicRules(db, 'ad-events')).toEqual(DEFAULT_TOPIC_RULES);
  expect(await listTopicRules(db)).toEqual([]);
  await registerTopic(db, { ...topic, rules: WIDE });
  await registerTopic(db, { ...topic, rules: { ...WIDE, futureToleranceMs: 0 } });
  expect(await readTopicRules(db, 'ad-events')).toEqual(WIDE);
  expect(await listTopicRules(db)).toMatchObject([{ topic: 'ad-events', ...WIDE }]);
});

test('a change is signed, names where each partition stood, and ends every claim of that topic alone', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const session = await openSession(database.url);
  onTestFinished(() => session.close());
  const sources = await registerTopic(db, topic);
  const others = await registerTopic(db, { ...topic, topic: 'others', topicId: 'other' });
  const ids = [...sources, ...others].map(({ sourceId }) => sourceId);
  for (const id of ids) await claimSource(session, id, 'test');
  const before = await readCursors(db, ids);

  const tolerance = { futureToleranceMs: 172_800_000 };
  const changed = await setTopicRules(db, BY, 'ad-events', tolerance);
  expect(changed).toEqual({
    before: DEFAULT_TOPIC_RULES,
    after: { ...DEFAULT_TOPIC_RULES, ...tolerance },
    isChanged: true,
    from: new Map([
      [0, 0n],
      [1, 100n],
    ]),
  });
  const after = await readCursors(db, ids);
  const isEnded = ids.map((id) => (after.get(id)?.epoch ?? 0) > (before.get(id)?.epoch ?? 0));
  expect(isEnded).toEqual([true, true, false, false]);
  expect(await readTopicRules(session, 'ad-events')).toEqual(changed.after);
  expect(await readTopicRules(session, 'others')).toEqual(DEFAULT_TOPIC_RULES);

  // What is so already changes nothing, and nobody is disturbed.
  expect((await setTopicRules(db, BY, 'ad-events', tolerance)).isChanged).toBe(false);
  expect(await readCursors(db, ids)).toEqual(after);
  const actions = await db.selectFrom('operator_actions').selectAll().execute();
  expect(actions).toMatchObject([
    {
      ...BY,
      action: 'set-topic-rules',
      detail: { topic: 'ad-events', from: { 0: 0, 1: 100 }, after: tolerance },
    },
  ]);
});

test('the rules of a topic that nobody has counted yet can be set before', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const set = await setTopicRules(db, BY, 'ad-events', { amountsAsStrings: true });
  expect(set.from.size).toBe(0);
  await registerTopic(db, { ...topic, rules: DEFAULT_TOPIC_RULES });
  expect(await readTopicRules(db, 'ad-events')).toEqual(WIDE);
});

test('a partition that is being added while rules are set is read by the new ones from its start', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const noted = { ...topic, rules: DEFAULT_TOPIC_RULES };
  const [first] = await registerTopic(db, { ...noted, partitions: 1 });
  const [session, commit, gate] = await Promise.all([1, 2, 3].map(() => openSession(database.url)));
  onTestFinished(async () => {
    for (const one of [session, commit, gate]) await one?.close();
  });
  if (session === undefined) throw new Error('no session');
  const isWaiting = sql`
    SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`;
  const untilWaiting = async (statements: number) =>
    await waitFor(async () => (await isWaiting.execute(db)).rows.length === statements, {
      what: `${statements} statements to wait for locks`,
    });
  // A commit of the partition that is there already: whoever ends its claim waits for it.
  await commit?.query(`BEGIN; SELECT FROM cursors WHERE source_id = ${first?.sourceId} FOR UPDATE`);
  await gate?.query('BEGIN; LOCK TABLE ledger IN SHARE MODE');
  const registering = registerTopic(db, { ...noted, partitions: 2 });
  await untilWaiting(1);
  const setting = setTopicRules(db, BY, 'ad-events', { amountsAsStrings: true });
  await untilWaiting(2);
  await gate?.query('COMMIT');
  const added = (await registering)[1]?.sourceId ?? 0;
  const claim = await claimSource(session, added, 'test');
  expect(await readTopicRules(session, 'ad-events')).toEqual(DEFAULT_TOPIC_RULES);
  await commit?.query('COMMIT');
  expect([...(await setting).from.keys()]).toEqual([0, 1]);
  expect((await readCursors(db, [added])).get(added)?.epoch).toBeGreaterThan(claim.epoch);
});

test.each(['dlq', 'redrive'] as const)(
  'the rules of a topic that is counted as %s are not for setting: nobody reads them',
  async (kind) => {
    await using database = await migratedDatabase();
    const { db } = database;
    await insertSource(db, { kind, topic: 'copies', topicId: 'first', partition: 0 }, 0n);
    const setting = setTopicRules(db, BY, 'copies', { amountsAsStrings: true });
    await expect(setting).rejects.toThrow(new NoEventsTopic('copies', kind));
    expect(await listTopicRules(db)).toEqual([]);
  },
);
