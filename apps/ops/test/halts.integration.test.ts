import { listSources, registerTopic, type Database } from '@adtally/db';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { opsStage } from './support/ops.ts';

const CURSOR = 100;
const SIGNED = ['--reason', 'retention was one day', '--actor', 'bob'];

/** Sources of three partitions; the last one's log lost its 30 first unread records. @returns its source */
async function haltedLast(db: Database): Promise<number> {
  const registered = await registerTopic(db, {
    kind: 'events',
    topic: 'ads',
    topicId: 'first',
    partitions: 3,
    genesis: () => BigInt(CURSOR),
  });
  const sourceId = registered[2]?.sourceId ?? 0;
  await halt(db, sourceId, 'truncated', CURSOR + 30);
  return sourceId;
}

async function halt(db: Database, sourceId: number, code: string, resumeAt: number | null) {
  await sql`UPDATE cursors SET halted_code = ${code}, halted_detail = 'log begins at 130',
    halted_resume_at = ${resumeAt}, halted_at = now() WHERE source_id = ${sourceId}`.execute(db);
}

async function actions(db: Database): Promise<unknown[]> {
  return await db.selectFrom('operator_actions').select(['actor', 'reason', 'source_id']).execute();
}

test('sources are listed halted first, and by topic, partition and halt alone', async () => {
  const { db, ops, json } = await opsStage();
  expect(await ops('sources')).toMatchObject({
    code: 0,
    stdout: '',
    stderr: expect.stringContaining('no sources yet'),
  });
  const halted = await haltedLast(db);
  const partitions = async (...words: string[]) =>
    (await json('sources', ...words)).result.sources.map(({ partition }: any) => partition);
  expect(await partitions()).toEqual([2, 0, 1]);
  expect(await partitions('--partition', '1')).toEqual([1]);
  expect(await partitions('--topic', 'others')).toEqual([]);
  expect(await partitions('--topic', 'ads', '--halted')).toEqual([2]);
  const { stdout } = await ops('sources', '--halted');
  expect(stdout).toMatch(/ads\[2\] .* HALTED truncated: log begins at 130\n$/);
  expect((await json('sources', '--halted')).result.sources).toMatchObject([
    { source: halted, next_offset: CURSOR, halted_code: 'truncated', halted_resume_at: 130 },
  ]);
  expect((await ops('sources', '--partition', '7')).stderr).toContain('none of 3 sources matches');
});

test('accept-loss says what would be lost, and ends the halt only with --execute and a reason', async () => {
  const { db, ops, json } = await opsStage();
  const source = await haltedLast(db);
  const line = ['accept-loss', '--source', String(source)];
  const before = await listSources(db);

  const look = await ops(...line);
  expect(look).toMatchObject({ code: 0, stderr: '' });
  expect(look.stdout).toContain(`source ${source} ads[2] is halted at 100 since `);
  expect(look.stdout).toContain('30 offsets (100 to 130) would be written as lost');
  expect(look.stdout).toContain('Nothing was changed.');
  expect(await json(...line, ...SIGNED)).toMatchObject({
    code: 0,
    result: {
      executed: false,
      accepted: false,
      outcome: 'acceptable',
      lost: 30,
      first_offset: 100,
      next_offset: 130,
      closed: false,
      successor: null,
    },
  });
  for (const wrong of [['--execute'], ['--execute', '--dry-run', ...SIGNED]]) {
    expect((await ops(...line, ...wrong)).code).toBe(2);
  }
  expect(await listSources(db)).toEqual(before);
  expect(await actions(db)).toEqual([]);

  expect(await json(...line, '--execute', ...SIGNED)).toMatchObject({
    code: 0,
    result: { executed: true, accepted: true, outcome: 'accepted', lost: 30, next_offset: 130 },
  });
  expect(await actions(db)).toEqual([
    { actor: 'bob', reason: 'retention was one day', source_id: source },
  ]);
  for (const how of [[], ['--execute', ...SIGNED]]) {
    expect(await json(...line, ...how)).toMatchObject({
      code: 4,
      result: { executed: false, accepted: false, outcome: 'not-halted' },
    });
  }
});

test('an offset is named where the halt knows none; what is none of the log is refused, dry or not', async () => {
  const { db, ops, json } = await opsStage();
  const source = await haltedLast(db);
  await halt(db, source, 'unreadable', null);
  await db.updateTable('cursors').set({ known_end_offset: 150n }).execute();
  const line = ['accept-loss', '--source', String(source)];
  for (const how of [[], ['--execute', ...SIGNED]]) {
    expect(await ops(...line, ...how)).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('name the offset'),
    });
    expect((await ops(...line, '--resume-at', '151', ...how)).code).toBe(4);
    expect((await ops('accept-loss', '--source', '99', ...how)).code).toBe(2);
  }
  const named = await json(...line, '--resume-at', '140');
  expect(named.result).toMatchObject({ executed: false, lost: 40, next_offset: 140 });
  const done = await json(...line, '--resume-at', '140', '--execute', ...SIGNED);
  expect(done.result).toMatchObject({ executed: true, lost: 40, next_offset: 140 });
});

test('a look at a log that was cut short makes no source, and names none', async () => {
  const { db, ops, json } = await opsStage();
  const source = await haltedLast(db);
  await halt(db, source, 'log_shrunk', 60);
  const line = ['accept-loss', '--source', String(source)];
  const look = await ops(...line);
  expect(look.stdout).toContain('the source would be closed');
  expect(look.stdout).toContain('a new source would count what the log has from 60 on');
  expect((await json(...line)).result.successor).toEqual({
    source: null,
    next_offset: 60,
    former_end: 100,
  });
  expect(await listSources(db)).toHaveLength(3);
  const { stdout } = await ops(...line, '--execute', ...SIGNED);
  expect(stdout).toMatch(/source \d+ counts what the log has from 60 on/);
  expect(await listSources(db)).toHaveLength(4);
});
