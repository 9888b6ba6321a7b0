import { createRedrive, discardLetters, orderJob, restoreLetters } from '@adtally/letters';
import { BORN_MS, garbage, shown, type Message } from '@adtally/pipeline/testing';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { pipelineStage, type PipelineStage } from './support/pipeline-stage.ts';

const DAY_MS = 86_400_000;
const WHY = ['--execute', '--reason', 'the constraint is gone'];

/** So many letters that the database refused and that were given up, and then the reason is gone. */
async function refusedLetters(the: PipelineStage, count: number): Promise<void> {
  await sql`ALTER TABLE events ADD CONSTRAINT no_poison CHECK (campaign_id <> 'poison')`.execute(
    the.db,
  );
  const refused = Array.from({ length: count }, (_, n) => shown(100 + n, 'poison'));
  await the.ingest.take([shown(1), ...refused, garbage('never')]);
}

async function constraintGone(the: PipelineStage): Promise<void> {
  await sql`ALTER TABLE events DROP CONSTRAINT no_poison`.execute(the.db);
}

async function eventsAndKeys(the: PipelineStage) {
  const { rows } = await sql`
    SELECT count(*)::int AS events, count(DISTINCT event_key)::int AS keys FROM events`.execute(
    the.db,
  );
  return rows[0];
}

test('I6: letters given up are redriven once the reason is gone: each receipt says stored, and the count balances', async () => {
  const the = await pipelineStage();
  await refusedLetters(the, 20);
  const process = the.reprocessor();
  await process.until('letters dead', async () => (await the.states())['dead'] === 21);
  await constraintGone(the);

  expect(await the.ops('redrive')).toMatchObject({
    code: 0,
    result: {
      matched: 21,
      would_pass: 20,
      would_pass_up_to_database: 20,
      would_fail: { malformed_json: 1 },
    },
  });
  expect(await the.states()).toEqual({ dead: 21 });

  const job = await the.ops('redrive', '--code', 'data_refused', ...WHY, '--wait');
  expect(job).toMatchObject({
    code: 0,
    result: {
      state: 'done',
      letters: 20,
      remaining: 0,
      outcomes: { stored: 20, dead: 0, skipped: 0 },
    },
  });
  const { result } = await the.ops('redrive', 'receipts', String(job.result.job));
  expect(result.receipts.map((receipt: Record<string, unknown>) => receipt['outcome'])).toEqual(
    Array.from({ length: 20 }, () => 'stored'),
  );
  expect(await eventsAndKeys(the)).toEqual({ events: 21, keys: 21 });

  // What cannot pass ends dead again, in a series of its own, and the exit code says so.
  expect(await the.ops('redrive', ...WHY, '--wait')).toMatchObject({
    code: 3,
    result: { state: 'done', letters: 1, outcomes: { dead: 1 } },
  });
  expect(await the.states()).toEqual({ resolved: 20, dead: 1 });
  await the.expectBalanced();
});

test('letters are tried, and judged before, by the rules of their topic as they stand then', async () => {
  const the = await pipelineStage();
  const quoted = (n: number): Message => {
    const { value, ...message } = shown(n);
    const text = String(value).replace(/"price_micros":([0-9]+)/, '"price_micros":"$1"');
    return { ...message, value: Buffer.from(text) };
  };
  await the.ingest.take([shown(1), quoted(2), quoted(3)]);
  const process = the.reprocessor();
  await process.until('letters dead', async () => (await the.states())['dead'] === 2);
  const dry = async () => (await the.ops('redrive')).result;
  expect(await dry()).toMatchObject({ would_pass: 0, would_fail: { wrong_type: 2 } });

  const [set, why] = [
    ['topics', 'set', the.ingest.topic],
    ['--reason', 'they send protobuf JSON'],
  ];
  expect(await the.ops(...set, '--amounts-as-strings', 'yes', ...why)).toMatchObject({
    code: 0,
    result: { executed: true, after: { amounts_as_strings: true }, from: { 0: 3 } },
  });
  expect(await the.ops('topics')).toMatchObject({
    result: { topics: [{ topic: the.ingest.topic, amounts_as_strings: true }] },
  });
  expect(await dry()).toMatchObject({ would_pass: 2, would_fail: {} });
  expect(await the.ops('redrive', ...WHY, '--wait')).toMatchObject({
    code: 0,
    result: { outcomes: { stored: 2, dead: 0 } },
  });
  expect(await eventsAndKeys(the)).toEqual({ events: 3, keys: 3 });
  await the.expectBalanced();
});

test('a dry run says what the dlq-reprocessor that lives does then, whatever it was started with', async () => {
  const the = await pipelineStage();
  const { value, ...message } = shown(2);
  const ofVersion7 = String(value).replace('"schema_version":1', '"schema_version":7');
  const long = {
    ...shown(3),
    value: Buffer.from(`${String(shown(3).value)}${' '.repeat(2_000)}x`),
  };
  await the.ingest.take([shown(1), { ...message, value: Buffer.from(ofVersion7) }, long]);
  const former = the.reprocessor();
  await former.until('letters dead', async () => (await the.states())['dead'] === 2);
  expect((await the.ops('redrive')).result).toMatchObject({
    would_pass: 0,
    would_fail: { schema_mismatch: 1, malformed_json: 1 },
  });
  await former.stop();
  const next = the.reprocessor({ RECORD_MAX_BYTES: '1024', SCHEMA_VERSIONS_READ_AS_NEWEST: '7' });
  await next.until('limits told', async () => {
    const { rows } = await sql`SELECT FROM reading_limits WHERE record_max_bytes = 1024`.execute(
      the.db,
    );
    return rows.length === 1;
  });
  const dry = await the.ops('redrive');
  expect(dry.result).toMatchObject({ would_pass: 1, would_fail: { oversize: 1 } });
  expect(await the.ops('redrive', ...WHY, '--wait')).toMatchObject({
    code: 3,
    result: { outcomes: { stored: 1, dead: 1 } },
  });
  const died = await the.ops('dead-letters', 'list', '--state', 'dead');
  expect(died.result.letters).toMatchObject([{ code: 'oversize' }]);
  await the.expectBalanced();
});

test('I11: letters rejected as future are stored as they are where an operator says so, and by no retry else', async () => {
  const the = await pipelineStage();
  const ahead = (n: number): Message => ({ ...shown(n), timestamp: BORN_MS - 3 * DAY_MS });
  await the.ingest.take([shown(1), ahead(2), ahead(3), garbage()]);
  const process = the.reprocessor();
  await process.until('letters dead', async () => (await the.states())['dead'] === 3);
  expect((await the.ops('redrive')).result).toMatchObject({
    would_pass: 0,
    would_fail: { future: 2, malformed_json: 1 },
  });
  expect(await the.ops('redrive', '--code', 'future', ...WHY, '--wait')).toMatchObject({
    code: 3,
    result: { outcomes: { stored: 0, dead: 2 } },
  });
  const accept = ['redrive', '--code', 'future', '--accept-future'];
  expect((await the.ops(...accept)).result).toMatchObject({ would_pass: 2, would_fail: {} });
  expect(await the.ops(...accept, ...WHY, '--wait')).toMatchObject({
    code: 0,
    result: { outcomes: { stored: 2, dead: 0 } },
  });
  expect(await eventsAndKeys(the)).toEqual({ events: 3, keys: 3 });
  const { detail } = await the.db
    .selectFrom('operator_actions')
    .select('detail')
    .orderBy('action_id', 'desc')
    .executeTakeFirstOrThrow();
  expect(detail).toMatchObject({ letters: 2, accept_future: true });
  await the.expectBalanced();
});

test('I6: a reprocessor killed amid a job: the job goes on, no letter is counted twice', async () => {
  const the = await pipelineStage();
  await refusedLetters(the, 60);
  const first = the.reprocessor();
  await first.until('letters dead', async () => (await the.states())['dead'] === 61);
  await first.kill();
  await constraintGone(the);
  const ordered = await the.ops('redrive', '--code', 'data_refused', ...WHY, '--rate', '30');
  expect(ordered).toMatchObject({ code: 0, result: { letters: 60 } });

  // Dies with a batch committed whose answer it has not seen.
  const victim = the.reprocessor({ ...the.proxied, RETRY_BATCH_MAX: '10', MAX_ATTEMPTS: '3' });
  let isKilled = false;
  let settles = false;
  the.proxy.onClientData((chunk) => {
    settles ||= chunk.includes('settle-tries');
    if (!settles || isKilled || !chunk.includes('commit_batch')) return 'forward';
    isKilled = true;
    victim.signal('SIGKILL');
    return 'forward';
  });
  expect((await victim.ended).killedBy).toBe('SIGKILL');
  const stopped = await the.ops('redrive', 'status', String(ordered.result.job));
  expect(stopped.result).toMatchObject({ state: 'running' });
  expect(stopped.result.remaining).toBeGreaterThan(0);

  the.reprocessor({ MAX_ATTEMPTS: '3' });
  const done = await the.ops('redrive', 'status', String(ordered.result.job), '--wait');
  expect(done).toMatchObject({
    code: 0,
    result: { state: 'done', letters: 60, outcomes: { stored: 60, duplicate: 0, dead: 0 } },
  });
  expect(await eventsAndKeys(the)).toEqual({ events: 61, keys: 61 });
  await the.expectBalanced();
});

test('I6: operators against a reprocessor that is trying the same letters: no deadlock, each letter ends once', async () => {
  const the = await pipelineStage();
  await refusedLetters(the, 80);
  const process = the.reprocessor({
    MAX_ATTEMPTS: '1000',
    RETRY_BACKOFF_FIRST_MS: '1ms',
    RETRY_BACKOFF_LAST_MS: '20ms',
    RETRY_INTERVAL_MS: '100ms',
    RETRY_BATCH_MAX: '20',
  });
  await process.untilMetric('adtally_retries_total', (tries) => tries > 0);
  const by = { actor: 'ann', reason: 'everything at once' };
  const open = { states: ['pending', 'dead'], codes: ['data_refused'] } as const;
  let discards = 0;
  let jobs = 0;
  const operator = async (round: number): Promise<void> => {
    const discarded = await discardLetters(the.db, { ...by, filter: open });
    const redriven = await createRedrive(the.db, {
      ...by,
      filter: open,
      ratePerSecond: 500,
      limit: 20,
    });
    await restoreLetters(the.db, { ...by, filter: { states: ['discarded'] } });
    if (discarded.outcome === 'done') discards += 1;
    if (redriven.outcome === 'created') {
      jobs += 1;
      if (round % 3 === 0) await orderJob(the.db, by, String(redriven.jobId), 'cancel');
    }
  };
  // At any moment all letters may be under way: go on until the operators have had their share.
  const isEnough = (round: number): boolean => round >= 25 && discards > 0 && jobs > 0;
  for (let round = 0; round < 500 && !isEnough(round); round += 1)
    await Promise.all([operator(round), operator(round + 1)]);
  expect(discards).toBeGreaterThan(0);
  expect(jobs).toBeGreaterThan(0);
  await constraintGone(the);
  await process.until('letters resolved', async () => (await the.states())['resolved'] === 80);
  await process.until('jobs over', async () => {
    const { rows } = await sql`SELECT FROM redrive_jobs WHERE state = 'running'`.execute(the.db);
    return rows.length === 0;
  });
  expect(await eventsAndKeys(the)).toEqual({ events: 81, keys: 81 });
  const { rows } = await sql<{ noted: number }>`
    SELECT count(*)::int AS noted FROM operator_actions WHERE action = 'discard-letters'`.execute(
    the.db,
  );
  expect(rows).toEqual([{ noted: discards }]);
  expect(process.entries.filter((entry) => JSON.stringify(entry).includes('deadlock'))).toEqual([]);
  await the.expectBalanced();
});
