import { BORN_MS, garbage, shown } from '@adtally/pipeline/testing';
import { deleteTopic, proxyFor, testTopic, waitFor } from '@adtally/testkit';
import { expect, test } from 'vitest';
import { many, refuseNothing, refusePoison, replayStage, WHY } from './support/replay-stage.ts';

test('rows the database refuses are counted and nowhere else; the others of their batch are stored', async () => {
  const the = await replayStage({ env: { BATCH_MAX_EVENTS: '20' } });
  // The second batch is refused as a whole, the third has a copy behind a refused one.
  const lost = [
    ...many(10),
    ...many(3, 10, 'poison'),
    ...many(7, 13),
    ...many(20, 20, 'poison'),
    shown(40, 'poison'),
    shown(40),
    garbage(),
  ];
  await the.produce(lost);
  await the.ingest.lose(the.db, lost.length);
  await refusePoison(the);
  expect(await the.replay(...WHY).result()).toMatchObject({
    outcome: 'done',
    new: 18,
    refused: 24,
    rejected: 1,
    codes: { data_refused: 24, malformed_json: 1 },
  });
  expect(await the.dlqEnd()).toBe(0);
  await the.expectBalanced();
  await refuseNothing(the);
  expect(await the.replay(...WHY).result()).toMatchObject({ new: 23, duplicate: 18, conflict: 1 });
  await the.expectBalanced();
});

test('a signal ends it after the batch in hand, resumable', async () => {
  const the = await replayStage({ env: { BATCH_MAX_EVENTS: '50' } });
  await the.produceAndCount(many(500));
  const runner = the.replay('--rate', '100', ...WHY);
  await waitFor(
    async () => (await the.rows('SELECT FROM replay_progress WHERE written > 0')).length > 0,
    { what: 'a batch' },
  );
  const exit = await runner.stop();
  expect([exit.code, JSON.parse(exit.stdout)]).toMatchObject([75, { state: 'interrupted' }]);
  const rest = the.replay('resume', '1', '--rate', '100000', ...WHY);
  expect(await rest.result()).toMatchObject({ state: 'done', duplicate: 500, new: 0 });
});

test('commits whose answers are lost are neither written twice nor left out', async () => {
  const the = await replayStage({ env: { BATCH_MAX_EVENTS: '50' } });
  const lost = [...many(300), ...Array.from({ length: 100 }, () => garbage()), ...many(100, 300)];
  await the.produce(lost);
  await the.ingest.lose(the.db, lost.length);
  await using proxy = await proxyFor(the.databaseUrl);
  let commits = 0;
  let cuts = 0;
  proxy.onClientData((chunk) => {
    if (!/commit_batch\(|advance-replay-alone/.test(chunk.toString('latin1'))) return 'forward';
    commits += 1;
    if (commits % 3 === 0) return 'forward';
    cuts += 1;
    // In turns: the server gets the commit, or does not.
    return commits % 3 === 1 ? 'cut-after' : 'cut';
  });
  const env = { DATABASE_URL: proxy.urlFor(the.databaseUrl) };
  expect(await the.replayWith(env, ...WHY).result()).toMatchObject({
    outcome: 'done',
    new: 400,
    duplicate: 0,
    rejected: 100,
  });
  expect(cuts).toBeGreaterThan(5);
  await the.expectBalanced();
});

test('a retention horizon that moves amid a run: what it passed is counted as expired, not stored', async () => {
  const the = await replayStage({ env: { BATCH_MAX_EVENTS: '50' } });
  await the.produce(many(500));
  await the.ingest.lose(the.db, 500);
  const run = the.replay('--rate', '120', ...WHY);
  const written = async () => {
    const [row] = await the.rows<{ n: number }>('SELECT written::int AS n FROM replay_progress');
    return row?.n ?? 0;
  };
  await waitFor(async () => (await written()) > 0, { what: 'a batch' });
  await the.rows(`UPDATE write_guards SET horizon_ms = ${BORN_MS + 1}`);
  const result = (await run.result()) as { new: number; codes: { expired: number } };
  expect(result.new).toBeLessThan(500);
  expect(result.new).toBe(await written());
  expect(result.new + result.codes.expired).toBe(500);
  await the.expectBalanced();
});

test('brokers that do not answer are told in one sentence', async () => {
  const the = await replayStage();
  const silent = await the.replayWith({ KAFKA_BROKERS: '127.0.0.1:9' }).ended;
  expect(silent).toMatchObject({ code: 69, stdout: '' });
  expect(silent.stderr).toMatch(
    /^adtally: Kafka at 127\.0\.0\.1:9 \(KAFKA_BROKERS\) does not answer: .* failed: Connection refused\n$/,
  );
});

test('a topic made again under a replay: nothing of the new one is written for the old one', async () => {
  const the = await replayStage({ env: { BATCH_MAX_EVENTS: '20' } });
  const counted = many(200);
  await the.produce(counted);
  await the.ingest.lose(the.db, counted.length);
  const replay = the.replay('--rate', '20', ...WHY);
  const progress = async () =>
    (await the.rows<{ next: number }>('SELECT next_offset::int AS next FROM replay_progress'))[0]
      ?.next ?? 0;
  await waitFor(async () => (await progress()) > 0, { what: 'a first batch' });
  // The client finds the new topic with records at the old offsets, and reads on there.
  replay.signal('SIGSTOP');
  await deleteTopic(the.topic);
  await testTopic({ name: the.topic, partitions: 1 });
  await the.produce(many(400, 10_000, 'of-the-new-topic'));
  replay.signal('SIGCONT');
  const { code, stderr } = await replay.ended;
  expect([code, stderr]).toEqual([1, expect.stringContaining('was made again')]);
  expect(await the.rows(`SELECT 1 FROM events WHERE campaign_id = 'of-the-new-topic'`)).toEqual([]);
  expect(await the.rows('SELECT 1 FROM events')).toHaveLength(await progress());
});
