import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { SUPPORTED_SCHEMA_VERSION } from '@adtally/db';
import { garbage } from '@adtally/pipeline/testing';
import { keepLetters } from './support/letters.ts';
import { opsStage, runOps } from './support/ops.ts';

const GONE = { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing' };

test('orders: a reason is needed, the actor is who is named, and the number above 1,000', async () => {
  const { db, ops, json } = await opsStage();
  await keepLetters(db, [garbage('a'), garbage('b')]);
  expect((await ops('discard', '--execute')).code).toBe(2);
  expect((await ops('redrive', '--execute', '--reason', ' ')).code).toBe(2);
  expect((await ops('redrive', '--execute', '--dry-run', '--reason', 'x')).code).toBe(2);
  expect((await ops('redrive', '--state', 'discarded')).code).toBe(2);
  expect((await ops('restore', '--state', 'dead')).code).toBe(2);
  const why = ['--execute', '--reason', 'test traffic'];
  expect(await json('discard', ...why, '--confirm', '3')).toEqual({
    code: 4,
    result: { executed: false, outcome: 'not-confirmed', matched: 2, letters: 2 },
  });
  expect(await json('discard')).toMatchObject({ code: 0, result: { executed: false, letters: 2 } });
  const done = await json('discard', ...why, '--actor', 'bob', '--confirm', '2');
  expect(done).toMatchObject({ code: 0, result: { executed: true, letters: 2 } });
  expect((await json('discard', ...why)).code).toBe(4);
  expect((await json('redrive')).code).toBe(4);
  expect((await json('redrive', ...why)).code).toBe(4);
  const undo = ['restore', '--discard', String(done.result.action)];
  expect(await json(...undo)).toMatchObject({ code: 0, result: { executed: false, letters: 2 } });
  expect(await json(...undo, ...why)).toMatchObject({ code: 0, result: { letters: 2 } });
  expect((await json(...undo, ...why)).code).toBe(4);
  const { rows } = await sql`SELECT actor, action FROM operator_actions ORDER BY action_id`.execute(
    db,
  );
  expect(rows).toEqual([
    { actor: 'bob', action: 'discard-letters' },
    { actor: 'ann', action: 'restore-letters' },
  ]);
});

test('a job can be looked at, paused, resumed and cancelled', async () => {
  const { db, ops, json } = await opsStage();
  await keepLetters(db, [garbage('a'), garbage('b'), garbage('c')]);
  const ordered = await json('redrive', '--execute', '--reason', 'deployed', '--rate', '50/s');
  expect(ordered).toMatchObject({ code: 0, result: { executed: true, letters: 3, rate: 50 } });
  const job = String(ordered.result.job);
  const why = ['--reason', 'look first'];
  expect((await ops('redrive', 'pause', job)).code).toBe(2);
  expect((await json('redrive', 'pause', job, ...why)).result).toMatchObject({ state: 'paused' });
  expect((await json('redrive', 'pause', job, ...why)).code).toBe(4);
  expect((await json('redrive', 'resume', job, ...why)).result).toMatchObject({ state: 'running' });
  expect((await json('redrive', 'status', job)).result).toMatchObject({
    state: 'running',
    letters: 3,
    remaining: 3,
    waiting: 3,
    eta_seconds: 0.06,
  });
  expect((await json('redrive', 'cancel', job, ...why)).result).toMatchObject({
    state: 'cancelled',
    remaining: 0,
    outcomes: { skipped: 3 },
  });
  // Over, and not as was meant.
  expect(await json('redrive', 'status', job, '--wait')).toMatchObject({ code: 3 });
  const page = await json('redrive', 'receipts', job, '--outcome', 'skipped', '--limit', '2');
  expect(page.result.receipts.map(({ place }: { place: number }) => place)).toEqual([1, 2]);
  const rest = await json(
    'redrive',
    'receipts',
    job,
    '--limit',
    '2',
    '--after',
    String(page.result.next),
  );
  expect(rest.result).toMatchObject({ receipts: [{ place: 3, outcome: 'skipped' }], next: null });
  expect((await json('redrive', 'jobs')).result.jobs).toHaveLength(1);
  for (const argv of [['status'], ['receipts'], ['cancel', ...why]]) {
    const [verb = '', ...more] = argv;
    expect((await json('redrive', verb, '99', ...more)).code).toBe(4);
  }
  const { rows } = await sql<{ state: string }>`SELECT DISTINCT state FROM dead_letters`.execute(
    db,
  );
  expect(rows).toEqual([{ state: 'dead' }]);
});

test('filters reach the letters, pages follow one another, empty answers are no error', async () => {
  const { db, ops, json } = await opsStage();
  const ids = await keepLetters(db, [
    { ...garbage(), code: 'empty' },
    { ...garbage(), code: 'future' },
    { ...garbage(), code: 'expired', state: 'pending' },
  ]);
  const found = async (...argv: string[]): Promise<number[]> =>
    (await json('dead-letters', 'list', ...argv)).result.letters.map(
      ({ id }: { id: number }) => id,
    );
  const [one, two, three] = ids.map(Number);
  expect(await found()).toEqual([three, two, one]);
  expect(await found('--code', 'empty,future')).toEqual([two, one]);
  expect(await found('--code', 'empty', '--code', 'expired', '--state', 'pending')).toEqual([
    three,
  ]);
  expect(await found('--id', `${one},${three}`)).toEqual([three, one]);
  expect(await found('--topic', 'events', '--partition', '0', '--limit', '1')).toEqual([three]);
  expect(await found('--limit', '1', '--after', String(three))).toEqual([two]);
  expect(await found('--since', '2100-01-01T00:00:00+02:00')).toEqual([]);
  expect(await found('--until', '2100-01-01T00:00:00')).toHaveLength(3);
  expect(await found('--topic', "x' OR true --")).toEqual([]);
  expect((await ops('dead-letters', 'list', '--source-id', '77')).code).toBe(0);
  expect((await json('dead-letters', 'stats', '--state', 'pending')).result).toMatchObject({
    letters: 1,
    by_state: { pending: 1 },
    causes: 1,
    groups: [{ code: 'expired', letters: 1, sample: { id: three, topic: 'events' } }],
  });
  const table = await ops('dead-letters', 'list', '--code', 'future');
  expect(table.stdout).toMatch(
    /^ID +STATE +CODE.*\n +\d+ +dead +future +unknown +unknown +unknown +[0-9a-f]{16} +events\/0@1 /,
  );
});

test('who sent letters, of which campaign and version, picks them in every command alike', async () => {
  const { db, ops, json } = await opsStage();
  const from = (source: string, campaign: string, version = 4) => ({
    value: Buffer.from(JSON.stringify({ schema_version: version, source, campaign_id: campaign })),
    code: 'schema_mismatch',
    field: 'schema_version',
  });
  await keepLetters(db, [
    from('edge-3', 'c-7'),
    from('edge-3', 'c-9'),
    from('edge-1', 'c-7', 5),
    { ...garbage(), code: 'malformed_json' },
  ]);
  const filters = [
    [['--source', 'edge-3'], 2],
    [['--source', 'edge-1,edge-3', '--campaign', 'c-7'], 2],
    [['--version', '4'], 2],
    [['--field', 'schema_version'], 3],
    [['--campaign', 'unknown'], 1],
    [['--source', 'edge'], 0],
  ] as const;
  for (const [filter, letters] of filters) {
    expect((await json('dead-letters', 'list', ...filter)).result.letters).toHaveLength(letters);
    expect((await json('dead-letters', 'stats', ...filter)).result).toMatchObject({ letters });
    expect((await json('discard', ...filter)).result).toMatchObject({ letters });
    expect((await json('redrive', ...filter)).result).toMatchObject({ matched: letters });
  }
  expect((await json('dead-letters', 'stats', '--by', 'source,campaign')).result).toMatchObject({
    letters: 4,
    by: ['source', 'campaign'],
    group_count: 4,
    groups: [
      { facts: { source: null, campaign: null }, letters: 1 },
      { facts: { source: 'edge-1', campaign: 'c-7' }, letters: 1 },
      { facts: { source: 'edge-3', campaign: 'c-7' }, letters: 1 },
      { facts: { source: 'edge-3', campaign: 'c-9' }, letters: 1 },
    ],
  });
  const table = await ops('dead-letters', 'stats', '--by', 'code', '--by', 'version,source');
  expect(table.stdout).toMatch(
    /^4 letters: 4 dead\n\n *LETTERS +CODE +VERSION +SOURCE +STATES.*\n +2 +schema_mismatch +4 +edge-3 /,
  );
  const why = ['--execute', '--reason', 'load test'];
  const done = await json('discard', '--source', 'edge-3', '--campaign', 'c-9', ...why);
  expect(done).toMatchObject({ code: 0, result: { letters: 1 } });
  expect((await json('restore', '--source', 'edge-3', ...why)).result).toMatchObject({
    letters: 1,
  });
});

test.each([
  [[], 'no command is named'],
  [['nothing'], "unknown command 'nothing'"],
  [['dead-letters'], 'no command is named'],
  [['dead-letters', 'list', '--lmit', '3'], '--lmit'],
  [['dead-letters', 'list', '--limit', '0'], '--limit must be'],
  [['dead-letters', 'list', '--state', 'lost'], '--state must be one of'],
  [['dead-letters', 'list', '--since', '2026-02-29T00:00:00Z'], '--since must be a time'],
  [['dead-letters', 'list', '--until', '2026-02-28T24:00:00Z'], '--until must be a time'],
  [['dead-letters', 'list', '--since', 'yesterday'], '--since must be a time'],
  [['dead-letters', 'list', '--code', 'a,'], '--code needs a value'],
  [['dead-letters', 'list', '--after', '-1'], '--after'],
  [['dead-letters', 'list', '--source-id', 'edge-3'], '--source-id must be'],
  [['dead-letters', 'stats', '--by', 'source,age'], '--by must be one of'],
  [['dead-letters', 'show'], "missing required argument 'id'"],
  [['dead-letters', 'show', '9223372036854775808'], 'must be the number of a letter'],
  [['dead-letters', 'show', '1', '2'], 'too many arguments'],
  [['redrive', '--rate', '0'], '--rate must be'],
  [['redrive', 'receipts', '1', '--outcome', 'fine'], '--outcome must be one of'],
])('wrong usage is told before anything is asked of the database: %j', async (argv, message) => {
  const outcome = await runOps(argv, GONE);
  expect(outcome).toMatchObject({ code: 2, stdout: '' });
  expect(outcome.stderr).toContain(message);
});

test('exit codes tell a database that is away from one that does not fit and from a wrong setting', async () => {
  expect((await runOps(['dead-letters', 'list'], GONE)).code).toBe(69);
  expect((await runOps(['dead-letters', 'list'], {})).code).toBe(78);
  expect((await runOps(['redrive'], { ...GONE, ADTALLY_ACTOR: 'x'.repeat(201) })).code).toBe(78);
  expect((await runOps(['--check-config'], GONE)).code).toBe(0);
  expect((await runOps(['redrive', '--help'], {})).code).toBe(0);
  const { db, ops } = await opsStage();
  await sql`DELETE FROM kysely_migration WHERE name = (SELECT max(name) FROM kysely_migration)`.execute(
    db,
  );
  const unfit = await ops('dead-letters', 'list');
  expect(unfit).toMatchObject({ code: 78, stdout: '' });
  expect(unfit.stderr).toContain(`schema version ${SUPPORTED_SCHEMA_VERSION - 1}`);
});
