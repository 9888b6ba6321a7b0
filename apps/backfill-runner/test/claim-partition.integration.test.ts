import { releaseSources } from '@adtally/db';
import { waitFor } from '@adtally/testkit';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { claimPartition } from '../src/replay/runs/claim-partition.ts';
import { isAttended, readReplay } from '../src/replay/runs/find-replays.ts';
import { orderReplay } from '../src/replay/runs/order-replay.ts';
import { RANGE, ReplayRuns, stateOf, writeReplayed } from './support/replay-run.ts';

let runs: ReplayRuns;
beforeAll(async () => {
  runs = await ReplayRuns.open();
});
afterAll(() => runs.close());

const WHO = { actor: 'ann', reason: 'a test' };
const LENGTH = RANGE.end - RANGE.first;

/** Who holds the sources of a run, by partition. */
async function holders(runId: bigint) {
  const { rows } = await sql<{ epoch: number; owner: string | null }>`
    SELECT c.epoch::int, c.owner FROM replay_progress p JOIN cursors c USING (source_id)
    WHERE p.run_id = ${runId} ORDER BY p.partition`.execute(runs.db);
  return rows;
}

test('each claim takes one partition of its run and of no other, until none is left', async () => {
  const [runId, other] = [await runs.create(), await runs.create()];
  const [ours, theirs, third] = [
    await runs.openSession(),
    await runs.openSession(),
    await runs.openSession(),
  ];
  const claims = [
    await claimPartition(ours, runId, 'ours'),
    await claimPartition(theirs, runId, 'theirs'),
  ];
  const sourceIds = (await runs.partitions(runId)).map(({ sourceId }) => sourceId);
  expect(claims).toEqual(sourceIds.map((sourceId) => ({ sourceId, nextPosition: 0, epoch: 1 })));
  expect(await claimPartition(third, runId, 'third')).toBeNull();
  expect(await holders(runId)).toEqual([
    { epoch: 1, owner: 'ours' },
    { epoch: 1, owner: 'theirs' },
  ]);
  expect((await runs.partitions(runId)).map(({ heldBy }) => heldBy)).toEqual(['ours', 'theirs']);
  expect(await holders(other)).toEqual([
    { epoch: 0, owner: null },
    { epoch: 0, owner: null },
  ]);
});

test('the partition with most left to read is claimed first, one that is passed never', async () => {
  const { session, runId, claim } = await runs.claimed();
  const to = stateOf({ written: 1, missing: LENGTH - 1 });
  await writeReplayed(session, claim, { first: 0, end: 1 }, { from: stateOf({}), to });
  // The holder itself, which gave nothing back, goes on to the next one.
  const second = await claimPartition(session, runId, 'ours');
  expect(second?.sourceId).not.toBe(claim.sourceId);
  await releaseSources(session, [claim, second ?? claim]);
  expect((await claimPartition(await runs.openSession(), runId, 'next'))?.sourceId).toBe(
    second?.sourceId,
  );
  expect(await claimPartition(await runs.openSession(), runId, 'last')).toBeNull();
});

test('I12: a partition whose holder is dead goes on under a new epoch, where the holder left it', async () => {
  const { runId, session, claim } = await runs.claimed();
  const next = await runs.openSession();
  await claimPartition(next, runId, 'next');
  const to = stateOf({ written: 3 });
  await writeReplayed(session, claim, { first: 0, end: 3 }, { from: stateOf({}), to });
  expect(await claimPartition(next, runId, 'next')).toMatchObject({ epoch: 2 });
  // No goodbye: only the server can find out.
  session.destroy();
  const heir = await runs.openSession();
  const inherited = await waitFor(() => claimPartition(heir, runId, 'heir'), {
    what: 'the server to miss the holder',
  });
  expect(inherited).toEqual({ sourceId: claim.sourceId, nextPosition: 3, epoch: 2 });
});

test('of two that claim at once each gets another partition', async () => {
  const runId = await runs.create();
  const [first, second] = [await runs.openSession(), await runs.openSession()];
  await first.query('BEGIN');
  const early = await claimPartition(first, runId, 'first');
  const late = claimPartition(second, runId, 'second');
  const isWaiting = sql`
    SELECT FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%claim_replay_partition%'`;
  await waitFor(async () => (await isWaiting.execute(runs.db)).rows.length > 0, {
    what: 'the second claim to wait for the first',
    intervalMs: 2,
  });
  await first.query('COMMIT');
  expect((await late)?.sourceId).not.toBe(early?.sourceId);
  expect(await holders(runId)).toEqual([
    { epoch: 1, owner: 'first' },
    { epoch: 1, owner: 'second' },
  ]);
});

test('of a run that is paused or cancelled nothing is claimed; what cannot be ordered is refused', async () => {
  const runId = await runs.create();
  const session = await runs.openSession();
  await orderReplay(runs.db, runId, 'pause', WHO);
  expect(await claimPartition(session, runId, 'ours')).toBeNull();
  await orderReplay(runs.db, runId, 'resume', WHO);
  const claim = await claimPartition(session, runId, 'ours');
  expect(claim).not.toBeNull();
  expect(isAttended(await readReplay(runs.db, runId))).toBe(true);
  await orderReplay(runs.db, runId, 'cancel', WHO);
  expect(await claimPartition(await runs.openSession(), runId, 'theirs')).toBeNull();
  for (const order of ['pause', 'resume', 'cancel'] as const) {
    await expect(orderReplay(runs.db, runId, order, WHO)).rejects.toThrow(
      `replay ${runId} is cancelled: it cannot ${order}`,
    );
  }
  await expect(orderReplay(runs.db, 999n, 'pause', WHO)).rejects.toThrow('there is no replay 999');
});
