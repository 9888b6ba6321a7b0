import { keepRollups } from '@adtally/analytics';
import { setTopicRules } from '@adtally/db';
import { garbage, shown } from '@adtally/pipeline/testing';
import { truncatePartition, waitFor } from '@adtally/testkit';
import { expect, test } from 'vitest';
import {
  many,
  refuseNothing,
  refusePoison,
  replayStage,
  WHY,
  type ReplayStage,
} from './support/replay-stage.ts';
import { keepHere } from './support/stage.ts';

/** Notes of late impressions applied, until none is left. */
async function applyLate(the: ReplayStage): Promise<void> {
  const options = { settleMs: 0, maxImpressions: 10_000, baseRows: 10_000, holdsFrontier: true };
  while ((await keepRollups(the.db, options, new AbortController().signal)).hasMore);
}

test('I12: a healthy topic replays to nothing new, twice; events, letters, rollups stay as they are', async () => {
  const the = await replayStage({ partitions: 2 });
  await the.produceAndCount([...many(300), garbage(), garbage('again'), ...many(50)]);
  await the.produceAndCount([...many(200, 1_000), shown(1_000, 'other'), garbage()], 1);
  // A copy of another partition, after a conflict of its own.
  await the.produceAndCount([shown(7, 'other'), ...many(100, 100)], 1);
  await keepHere(the.db);
  const [before, dlqEnd] = [await the.contents(), await the.dlqEnd()];
  for (const run of [1, 2]) {
    expect(await the.replay(...WHY).result()).toMatchObject({
      outcome: 'done',
      run_id: run,
      state: 'done',
      new: 0,
      duplicate: 650,
      conflict: 0,
      known_conflict: 2,
      rejected: 3,
      codes: { malformed_json: 3 },
      offsets_done: 655,
      offsets_left: 0,
    });
  }
  expect(await the.contents()).toEqual(before);
  expect(await the.dlqEnd()).toBe(dlqEnd);
  await the.expectBalanced();
  const actions = await the.rows<{ action: string; reason: string }>(
    'SELECT action, reason FROM operator_actions',
  );
  expect(actions).toEqual([1, 2].map(() => ({ action: 'replay', reason: 'a test' })));
  const status = await the.start('status', '--json').result();
  expect(status).toMatchObject({
    replays: [
      { run_id: 2, state: 'done' },
      { run_id: 1, new: 0 },
    ],
  });
});

test('a replay reads by the rules of the topic as they stand now: what they let through comes in once', async () => {
  const the = await replayStage();
  const quoted = many(3, 10).map(({ value, ...message }) => ({
    ...message,
    value: Buffer.from(String(value).replace(/"price_micros":([0-9]+)/, '"price_micros":"$1"')),
  }));
  await the.produceAndCount([...many(5), ...quoted]);
  const run = async () => await the.replay(...WHY).result();
  expect(await run()).toMatchObject({ new: 0, duplicate: 5, codes: { wrong_type: 3 } });
  const by = { actor: 'test', reason: 'they send protobuf JSON' };
  await setTopicRules(the.db, by, the.topic, { amountsAsStrings: true });
  expect(await run()).toMatchObject({ new: 3, duplicate: 5, rejected: 0 });
  expect(await run()).toMatchObject({ new: 0, duplicate: 8, rejected: 0 });
  await the.expectBalanced();
});

test('records skipped by an accepted loss are found, counted once, and come into the rollups', async () => {
  const the = await replayStage();
  await the.produceAndCount(many(100));
  // Lost are new events, copies of counted ones, a conflict with one, and garbage.
  await the.produce([...many(40, 100), ...many(5), shown(50, 'other'), garbage()]);
  await the.ingest.lose(the.db, 47);
  await the.produceAndCount(many(20, 130));
  await keepHere(the.db);
  const dry = await the.replay('--from-offset', '90', '--partition', '0').result();
  expect(dry).toMatchObject({ dry: true, records: 77, missing: 0, beyond_cursor: 0 });
  expect(await the.rows('SELECT FROM replay_runs')).toEqual([]);
  const range = ['--partition', '0', '--from-offset', '90', '--to-offset', '150'];
  expect(await the.replay(...range, ...WHY).result()).toMatchObject({
    new: 30,
    duplicate: 28,
    conflict: 1,
    rejected: 1,
  });
  // What a replay found in conflict it keeps under its own source; the next one finds it again.
  expect(await the.replay(...WHY).result()).toMatchObject({ new: 0, conflict: 1, rejected: 1 });
  expect(await the.dlqEnd()).toBe(0);
  await applyLate(the);
  await the.expectBalanced();
});

test('it ends at the live cursor, also while ingest goes on', async () => {
  const the = await replayStage({ partitions: 2, env: { BATCH_MAX_EVENTS: '50' } });
  await the.produceAndCount(many(600));
  await the.ingest.lose(the.db, 100, 1);
  await the.produce([...many(100, 1_000), ...many(1_000, 2_000)], 1);
  await the.ingest.take([shown(2_000)], 1);
  let at = 2_001;
  const run = the.replay('--to-time', '2100-01-01', '--rate', '1000', ...WHY);
  await waitFor(
    async () => (await the.rows('SELECT FROM replay_progress WHERE written > 0')).length > 0,
    { what: 'a batch' },
  );
  for (; at < 3_000; at += 111) await the.ingest.take(many(111, at), 1);
  const result = await run.result();
  expect(result).toMatchObject({ new: 100, duplicate: 601, beyond_cursor: 999, offsets_done: 701 });
  expect(result['partitions']).toMatchObject([{ end_offset: 600 }, { end_offset: 101 }]);
  const [events] = await the.rows('SELECT count(*)::int AS n FROM events');
  expect(events).toEqual({ n: 1_700 });
  await the.expectBalanced();
});

test('discarded letters are passed over; a letter that would pass now is stored, and stays a letter', async () => {
  const the = await replayStage();
  await refusePoison(the);
  await the.produceAndCount([...many(10), ...many(6, 100, 'poison'), garbage()]);
  await refuseNothing(the);
  await the.rows(`
    INSERT INTO dead_letters (source_id, source_offset, record_sha256, code, last_code, fingerprint, lane,
                              state, discarded_from)
    SELECT source_id, source_offset, record_sha256, code, code, '', 0,
           CASE WHEN source_offset IN (11, 13, 16) THEN 'discarded' ELSE 'pending' END,
           CASE WHEN source_offset IN (11, 13, 16) THEN 'pending' END
    FROM dead_letter_refs`);
  await the.rows(`
    INSERT INTO dead_letter_records (letter_id, record_headers) SELECT letter_id, '[]' FROM dead_letters`);
  const letters = await the.rows('SELECT * FROM dead_letters ORDER BY letter_id');
  const dlqEnd = await the.dlqEnd();
  expect(await the.replay(...WHY).result()).toMatchObject({
    new: 4,
    duplicate: 10,
    discarded: 3,
    rejected: 0,
  });
  expect(await the.rows('SELECT * FROM dead_letters ORDER BY letter_id')).toEqual(letters);
  expect(await the.dlqEnd()).toBe(dlqEnd);
  await the.expectBalanced();
});

test('what the log has lost is told and counted; what cannot be is refused with its own exit code', async () => {
  const the = await replayStage();
  await the.produceAndCount(many(100));
  await truncatePartition(the.topic, 0, 30);
  const all = ['--partition', '0', '--from-offset', '0', '--to-offset', '90'];
  const dry = await the.start('replay', ...all).ended;
  expect(dry.stdout).toContain('30 offsets are gone');
  expect(await the.replay(...all, ...WHY).result()).toMatchObject({
    duplicate: 60,
    missing: 30,
    offsets_done: 90,
  });
  await the.expectBalanced();
  const codeOf = async (...argv: string[]) => (await the.replay(...argv).ended).code;
  const codes = await Promise.all([
    codeOf('--from-offset', '3'), // of which partition?
    codeOf('--from-time', '2100-01-01', ...WHY), // nothing there
    codeOf('--partition', '7'),
  ]);
  expect(codes).toEqual([2, 4, 4]);
  await the.rows(`UPDATE sources SET topic_id = 'another'`);
  expect(await codeOf(...WHY)).toBe(4); // never counted under this id
});
