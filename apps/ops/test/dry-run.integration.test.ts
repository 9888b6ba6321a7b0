import { tellReadingLimits } from '@adtally/db';
import { garbage, shown } from '@adtally/pipeline/testing';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { keepLetters } from './support/letters.ts';
import { opsStage, runOps } from './support/ops.ts';

test('a dry run says what this build would take, what not and why, and changes nothing', async () => {
  const { db, json, ops } = await opsStage();
  const refusedBefore = { ...shown(1), code: 'data_refused', message: 'SQLSTATE 23514' };
  const future = { ...shown(9), timestamp: Date.UTC(2016, 0, 1) };
  await keepLetters(db, [
    refusedBefore,
    { ...shown(2), code: 'schema_mismatch' },
    { ...shown(3), code: 'schema_mismatch', state: 'pending' },
    garbage('one'),
    garbage('two'),
    future,
    { value: Buffer.alloc(70_000, 0x20) },
    { ...shown(4), headers: [{ 'adtally-event-key': 'no uuid' }] },
    { value: null },
    { ...shown(5), hasBytes: false },
  ]);
  const expected = {
    executed: false,
    matched: 9,
    eligible: 8,
    tried_now: 0,
    in_a_job: 0,
    without_bytes: 1,
    selected: 8,
    would_pass: 2,
    would_pass_up_to_database: 1,
    would_fail: { malformed_json: 2, future: 1, oversize: 1, key_mismatch: 1, empty: 1 },
    needs_confirm: false,
  };
  expect(await json('redrive', '--dry-run')).toMatchObject({ code: 0, result: expected });
  expect((await json('redrive', '--limit', '2')).result).toMatchObject({
    selected: 2,
    would_pass: 2,
    would_fail: {},
  });
  // Events older than the horizon are expired now, whatever they failed with.
  await sql`UPDATE write_guards SET horizon_ms = 1800000000000`.execute(db);
  expect((await json('redrive')).result).toMatchObject({
    would_pass: 0,
    would_fail: { expired: 2 },
  });
  const { stdout } = await ops('redrive');
  expect(stdout).toContain('9 letters match, 8 can be redriven (not 1 whose bytes have expired).');
  expect(stdout).toContain('  malformed_json  2\n');
  const { rows } = await sql<{ touched: number }>`
    SELECT (SELECT count(*)::int FROM redrive_jobs) + (SELECT count(*)::int FROM operator_actions)
         + (SELECT count(*)::int FROM dead_letters WHERE series > 1) AS touched`.execute(db);
  expect(rows).toEqual([{ touched: 0 }]);
});

test('where nothing matches it says that letters still pending were not meant', async () => {
  const { db, ops } = await opsStage();
  await keepLetters(db, [{ ...shown(1), code: 'schema_mismatch', state: 'pending' }]);
  for (const order of [[], ['--execute', '--reason', 'test']]) {
    const { code, stderr } = await ops('redrive', ...order);
    expect({ code, stderr }).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('without --state only dead letters are meant'),
    });
  }
  const { stderr } = await ops('redrive', '--state', 'dead');
  expect(stderr).not.toContain('without --state');
});

test('limits and versions of a dry run are those a dlq-reprocessor told, of each topic its own', async () => {
  const { db, databaseUrl, ops, json } = await opsStage();
  const ofVersion7 = Buffer.from(
    String(shown(3).value).replace('"schema_version":1', '"schema_version":7'),
  );
  await keepLetters(db, [
    shown(1),
    { ...shown(2), value: Buffer.alloc(2_000, 0x20) },
    { ...shown(3), value: ofVersion7 },
  ]);
  expect((await json('redrive')).result).toMatchObject({
    would_pass: 1,
    would_fail: { malformed_json: 1, schema_mismatch: 1 },
    judged_by: [{ topic: 'events', record_max_bytes: 65_536, told_by: null }],
  });
  expect((await ops('redrive')).stdout).toContain('no dlq-reprocessor has ever told its own');
  const limits = { maxValueBytes: 1_024, maxDepth: 32, readAsNewest: new Set([7]) };
  const by = { appVersion: '9.9.9', toldBy: 'host/1' };
  await tellReadingLimits(db, { ...limits, ...by, topic: 'another' });
  expect((await json('redrive')).result).toMatchObject({ would_pass: 1 });
  await tellReadingLimits(db, { ...limits, maxValueBytes: 100_000, ...by, topic: 'events' });
  await tellReadingLimits(db, { ...limits, ...by, topic: 'events' });
  const told = {
    would_pass: 2,
    would_fail: { oversize: 1 },
    judged_by: [{ record_max_bytes: 1_024, read_as_newest: [7], told_by: 'host/1' }],
  };
  expect((await json('redrive')).result).toMatchObject(told);
  // What the operator's shell says of it is not asked.
  const env = { DATABASE_URL: databaseUrl, RECORD_MAX_BYTES: '70000' };
  const { stdout } = await runOps(['redrive', '--json'], env);
  expect(JSON.parse(stdout)).toMatchObject(told);
  await sql`UPDATE reading_limits SET told_at = told_at - interval '3 hours'`.execute(db);
  const late = await ops('redrive');
  expect(late.stdout).toContain(
    'events: values up to 1,024 bytes, depth 32, versions 7 read as the newest, as the dlq-reprocessor host/1 told 3 h 00 m ago. None has been heard since: is one running? It is build 9.9.9, and may judge otherwise.',
  );
});
