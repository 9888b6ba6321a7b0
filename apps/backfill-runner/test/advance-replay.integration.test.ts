import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  advanceReplay,
  advanceReplayAlone,
  type ReplayState,
} from '../src/replay/runs/advance-replay.ts';
import { RANGE, ReplayRuns, stateOf, writeReplayed } from './support/replay-run.ts';

let runs: ReplayRuns;
beforeAll(async () => {
  runs = await ReplayRuns.open();
});
afterAll(() => runs.close());

const START = stateOf({});

/** Where the first partition of a run stands, and how many events its source has stored. */
async function standing(runId: bigint) {
  const [partition] = await runs.partitions(runId);
  const { rows } = await sql<{ events: number }>`
    SELECT count(*)::int AS events FROM events WHERE source_id = ${partition?.sourceId}`.execute(
    runs.db,
  );
  return { ...partition, events: rows[0]?.events };
}

test('I12: a replay moves in the commit of its events, with all that became of the offsets it passed', async () => {
  const { session, runId, claim } = await runs.claimed();
  const halfway = stateOf({ written: 2, discarded: 1 });
  const to = stateOf({
    written: 3,
    rejected: 2,
    refused: 1,
    discarded: 1,
    knownConflicts: 4,
    gap: 6,
    missing: 5,
    codes: { wrong_type: 2, data_refused: 1 },
  });
  await writeReplayed(session, claim, { first: 0, end: 2 }, { from: START, to: halfway });
  await writeReplayed(session, claim, { first: 2, end: 3 }, { from: halfway, to });
  expect(await standing(runId)).toMatchObject({ ...to, next: 122, stored: 3, events: 3 });
  const [, other] = await runs.partitions(runId);
  expect(other).toMatchObject(START);
});

test.each<[string, Partial<ReplayState>, string]>([
  ['does not add up', { written: 1, next: RANGE.first + 2 }, 'replay_balances'],
  ['passes more than its range', { written: 1, missing: 100 }, 'replay_moves_in_range'],
  ['counts below nothing', { written: 1, rejected: 2, gap: -1 }, 'replay_counts'],
  ['says it wrote more than its ledger has', { written: 2 }, 'replay_written_in_ledger'],
])('I12: a batch whose replay %s commits nothing', async (_, wrong, constraint) => {
  const { session, runId, claim } = await runs.claimed();
  const to = stateOf(wrong);
  await expect(
    writeReplayed(session, claim, { first: 0, end: 1 }, { from: START, to }),
  ).rejects.toMatchObject({ cause: { constraint } });
  expect(await standing(runId)).toMatchObject({ ...START, events: 0, stored: 0 });
});

test('I12: a replay never goes back', async () => {
  const { session, runId, claim } = await runs.claimed();
  const reached = stateOf({ written: 1, rejected: 5 });
  await writeReplayed(session, claim, { first: 0, end: 1 }, { from: START, to: reached });
  const back = stateOf({ written: 2, rejected: 1 });
  const writing = writeReplayed(session, claim, { first: 1, end: 2 }, { from: reached, to: back });
  await expect(writing).rejects.toMatchObject({
    cause: { message: expect.stringContaining('would go back: 106 -> 103') },
  });
  expect(await standing(runId)).toMatchObject({ ...reached, events: 1 });
});

test('I12: a batch that begins where the replay does not stand commits nothing', async () => {
  const { session, runId, claim } = await runs.claimed();
  const from = stateOf({ rejected: 1 });
  const to = stateOf({ rejected: 1, written: 1 });
  await expect(
    writeReplayed(session, claim, { first: 0, end: 1 }, { from, to }),
  ).rejects.toMatchObject({
    cause: new Error(`replay source ${claim.sourceId} does not stand at 101`),
  });
  expect(await standing(runId)).toMatchObject({ ...START, events: 0 });
});

test('I12: a batch under an older epoch moves neither the replay nor its source', async () => {
  const { session, runId, claim } = await runs.claimed();
  const zombie = { ...claim, epoch: claim.epoch - 1 };
  const to = stateOf({ written: 1 });
  await expect(
    writeReplayed(session, zombie, { first: 0, end: 1 }, { from: START, to }),
  ).rejects.toMatchObject({ failure: { kind: 'fenced', sourceIds: [claim.sourceId] } });
  expect(await standing(runId)).toMatchObject({ ...START, events: 0, stored: 0 });
});

test('of two that move a replay from one place at once the second finds it gone', async () => {
  const { session, claim } = await runs.claimed();
  const other = await runs.openSession();
  const to = stateOf({ rejected: 3 });
  await session.query('BEGIN');
  await advanceReplay(session, claim.sourceId, START, to);
  const late = advanceReplay(other, claim.sourceId, START, to).catch((error: unknown) => error);
  await session.query('COMMIT');
  expect(await late).toEqual(new Error(`replay source ${claim.sourceId} does not stand at 100`));
});

test('offsets of which nothing is written are passed alone, and asked again once only', async () => {
  const { session, runId, claim } = await runs.claimed();
  const to = stateOf({ rejected: 2, missing: 8, codes: { malformed_json: 2 } });
  expect(await advanceReplayAlone(session, claim, START, to)).toBe(true);
  // Its answer was lost: the second time changes nothing.
  expect(await advanceReplayAlone(session, claim, START, to)).toBe(true);
  expect(await standing(runId)).toMatchObject({ ...to, next: 110, written: 0, events: 0 });
  expect(await advanceReplayAlone(session, claim, stateOf({ missing: 1 }), stateOf({}))).toBe(
    false,
  );
  const zombie = { ...claim, epoch: claim.epoch - 1 };
  expect(await advanceReplayAlone(session, zombie, to, stateOf({ rejected: 20 }))).toBe(false);
  expect(await standing(runId)).toMatchObject(to);
});

test('I12: passing offsets alone obeys the constraints too', async () => {
  const { session, runId, claim } = await runs.claimed();
  const alone = (wrong: Partial<ReplayState>) =>
    advanceReplayAlone(session, claim, START, stateOf(wrong));
  await expect(alone({ written: 1 })).rejects.toMatchObject({
    constraint: 'replay_written_in_ledger',
  });
  await expect(alone({ rejected: 101 })).rejects.toMatchObject({
    constraint: 'replay_moves_in_range',
  });
  await expect(alone({ rejected: 1, next: 105 })).rejects.toMatchObject({
    constraint: 'replay_balances',
  });
  expect(await standing(runId)).toMatchObject(START);
});
