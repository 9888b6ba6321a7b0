import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '@adtally/testkit';
import { expect, test } from 'vitest';
import { keepHere, stage } from './support/stage.ts';

const WHY = ['--execute', '--reason', 'a test', '--json'];
const KILLS = 10;
const KILL_WITHIN_MS = 500;

test('I12: killed ten times at random moments and resumed, a backfill ends as the full recompute', async () => {
  const the = await stage(60_000, { ROLLUP_BASE_ROWS: '600' });
  await keepHere(the.db);
  const done = async () => {
    const [row] = await the.rows<{ n: bigint }>(
      'SELECT count(*) AS n FROM rollup_bases WHERE version = 3 AND taken_at IS NOT NULL',
    );
    return Number(row?.n);
  };
  const doneAtKill: number[] = [];
  for (let kill = 0; kill < KILLS; kill += 1) {
    const before = await done();
    const command = kill === 0 ? ['run', '--version', '3', '--rate', '6000'] : ['resume', '1'];
    const victim = the.start(...command, ...WHY);
    // Every other one dies while it works, wherever it is then; the others in their first moments.
    if (kill % 2 === 0) {
      await waitFor(async () => (await done()) > before, { what: 'a base', timeoutMs: 30_000 });
    }
    await sleep(Math.random() * KILL_WITHIN_MS);
    expect((await victim.kill()).killedBy).toBe('SIGKILL');
    doneAtKill.push(await done());
  }
  const [total] = await the.rows<{ n: bigint }>(
    'SELECT count(*) AS n FROM rollup_bases WHERE version = 3',
  );
  // Some died in the middle of it.
  expect(new Set(doneAtKill).size).toBeGreaterThan(2);
  expect(doneAtKill.at(-1)).toBeLessThan(Number(total?.n));

  await the.rows('UPDATE backfill_runs SET rate = NULL');
  const last = the.start('resume', '1', '--parallelism', '2', ...WHY);
  expect(await last.result()).toMatchObject({ outcome: 'done', state: 'done', bases_left: 0 });
  expect(await the.differences(2, 3)).toBe(0);
  const [events] = await the.rows<{ n: string }>(
    'SELECT sum(events)::text AS n FROM rollup_bases WHERE version = 3',
  );
  expect(events?.n).toBe(String(the.events));
});

test('I12: running any backfill twice, or two at once, changes nothing', async () => {
  const the = await stage(6_000, { ROLLUP_BASE_ROWS: '1000' });
  await keepHere(the.db);
  for (const [version, options] of [
    ['3', []],
    ['2', ['--from', '2026-01-31T12:05:00Z', '--to', '2026-01-31T12:10:00Z']],
    ['2', ['--by', 'event-time', '--from', '2026-01-31T12:00:00Z']],
  ] as const) {
    const runs = [0, 1].map(() => the.start('run', '--version', version, ...options, ...WHY));
    for (const run of runs) expect(await run.result()).toMatchObject({ outcome: 'done' });
    expect(await the.differences(2, 3)).toBe(0);
  }
});

test('nothing changes without --execute, and plan tells what run would do', async () => {
  const the = await stage(6_000);
  await keepHere(the.db);
  const state = () =>
    the.rows(`SELECT (SELECT count(*) FROM rollup_versions) AS versions, (SELECT count(*) FROM rollup_bases) AS bases,
      (SELECT count(*) FROM backfill_runs) AS runs, (SELECT count(*) FROM operator_actions) AS actions,
      (SELECT max(taken_at) FROM rollup_bases)::text AS taken, (SELECT version FROM rollup_promotion) AS shown`);
  const before = await state();
  const planned = await the.start('plan', '--version', '3', '--json').result();
  const run = await the.start('run', '--version', '3', '--json').result();
  expect(planned).toEqual(run);
  expect(planned).toMatchObject({ dry: true, rows: the.events, bases: 0, timeless: true });
  for (const command of [
    ['promote', '--version', '2'],
    ['rollback'],
    ['status'],
    ['compare', '2', '2'],
  ]) {
    await the.start(...command, '--json').result();
  }
  expect(await state()).toEqual(before);
});

test('a backfill is paused, resumed and cancelled from another terminal', async () => {
  const the = await stage(30_000, { ROLLUP_BASE_ROWS: '300' });
  await keepHere(the.db);
  const runner = the.start('run', '--version', '3', '--rate', '1000', ...WHY);
  const taken = async () => {
    const [row] = await the.rows<{ n: bigint }>(
      'SELECT count(*) AS n FROM rollup_bases WHERE run_id = 1',
    );
    return Number(row?.n);
  };
  await waitFor(async () => (await taken()) > 0, { what: 'a base', timeoutMs: 20_000 });
  const seenAt = async () => {
    const [row] = await the.rows<{ at: string }>('SELECT seen_at::text AS at FROM backfill_runs');
    return row?.at;
  };
  await the.start('pause', '1', ...WHY).result();
  // It looks at its orders now and then, between two bases.
  const before = await seenAt();
  await waitFor(async () => (await seenAt()) !== before, { what: 'the order seen' });
  const atPause = await taken();
  await sleep(1_500);
  expect(await taken()).toBe(atPause);
  expect(await the.start('resume', '1', ...WHY).result()).toMatchObject({ state: 'running' });
  await waitFor(async () => (await taken()) > atPause, { what: 'another base', timeoutMs: 60_000 });
  await the.start('cancel', '1', ...WHY).result();
  expect((await runner.ended).code).toBe(3);
  const refused = await the.start('resume', '1', ...WHY).ended;
  expect([refused.code, refused.stderr]).toEqual([4, expect.stringContaining('cancelled')]);
  const acts = await the.rows<{ action: string; reason: string }>(
    'SELECT action, reason FROM operator_actions ORDER BY action_id',
  );
  expect(acts.map(({ action }) => action)).toEqual(
    ['run', 'pause', 'resume', 'cancel'].map((order) => `rollups ${order}`),
  );
  expect(new Set(acts.map(({ reason }) => reason))).toEqual(new Set(['a test']));
});

test('a signal ends it after the bases in hand, resumable; lag of ingest makes it wait', async () => {
  const the = await stage(6_000, { ROLLUP_BASE_ROWS: '500', BACKFILL_LAG_MAX_RECORDS: '10' });
  await keepHere(the.db);
  await the.rows('UPDATE cursors SET known_end_offset = next_offset + 11');
  const runner = the.start('run', '--version', '3', ...WHY);
  await runner.until('it waits for ingest', () =>
    runner.entries.some((entry) => JSON.stringify(entry).includes('"waits_for":"ingest"')),
  );
  expect(await the.rows('SELECT 1 FROM rollup_bases WHERE version = 3')).not.toHaveLength(0);
  await sleep(1_500);
  expect(await the.rows('SELECT 1 FROM rollup_bases WHERE run_id = 1')).toHaveLength(0);
  const exit = await runner.stop();
  expect([exit.code, JSON.parse(exit.stdout)]).toMatchObject([75, { state: 'paused' }]);
  await the.rows('UPDATE cursors SET known_end_offset = next_offset');
  await the.start('resume', '1', ...WHY).result();
  expect(await the.differences(2, 3)).toBe(0);
});

test('what cannot be is refused with its own exit code', async () => {
  const the = await stage(600);
  const codeOf = async (...argv: string[]) => (await the.start(...argv).ended).code;
  expect(await codeOf('run', '--version', '3')).toBe(4); // nobody keeps rollups yet
  await keepHere(the.db);
  expect(await codeOf('backfill')).toBe(2);
  expect(await codeOf('run', '--from', 'yesterday')).toBe(2);
  expect(await codeOf('run', '--version', '3', '--execute')).toBe(2); // no reason
  expect(await codeOf('promote', '--version', '3', ...WHY)).toBe(4);
  expect(await codeOf('run', '--version', '2', '--attribution-window', '1d', ...WHY)).toBe(4);
  await the.rows(`UPDATE write_guards SET horizon_ms = ${Date.UTC(2026, 0, 31)}`);
  expect(await codeOf('run', '--from', '2026-01-30', ...WHY)).toBe(4); // would erase what was purged
  expect(await codeOf('run', ...WHY)).toBe(0); // leaves that as it is
  expect(await codeOf('run', '--from', '2026-01-31', ...WHY)).toBe(0);
});
