import { releaseSources } from '@adtally/db';
import { waitFor } from '@adtally/testkit';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { claimReplay, ReplayBusy } from '../src/replay/runs/claim-replay.ts';
import { ReplayRuns, stateOf, writeReplayed } from './support/replay-run.ts';

let runs: ReplayRuns;
beforeAll(async () => {
  runs = await ReplayRuns.open();
});
afterAll(() => runs.close());

/** Who holds the sources of a run, by partition. */
async function holders(runId: bigint) {
  const { rows } = await sql<{ epoch: number; owner: string | null }>`
    SELECT c.epoch::int, c.owner FROM replay_progress p JOIN cursors c USING (source_id)
    WHERE p.run_id = ${runId} ORDER BY p.partition`.execute(runs.db);
  return rows;
}

test('a claim takes every partition of a run and of no other, each under a new epoch', async () => {
  const [runId, other] = [await runs.create(), await runs.create()];
  const session = await runs.openSession();
  const claims = await claimReplay(session, runId, 'ours');
  const sourceIds = (await runs.partitions(runId)).map(({ sourceId }) => sourceId);
  expect(claims.toSorted((a, b) => a.sourceId - b.sourceId)).toEqual(
    sourceIds.map((sourceId) => ({ sourceId, nextPosition: 0, epoch: 1 })),
  );
  expect(await holders(runId)).toEqual([
    { epoch: 1, owner: 'ours' },
    { epoch: 1, owner: 'ours' },
  ]);
  expect(await holders(other)).toEqual([
    { epoch: 0, owner: null },
    { epoch: 0, owner: null },
  ]);
});

test('I12: a run is not taken from a process whose session lives, and nothing of it is changed', async () => {
  const { runId, session, claim } = await runs.claimed();
  const before = await holders(runId);
  const second = await runs.openSession();
  await expect(claimReplay(second, runId, 'theirs')).rejects.toBeInstanceOf(ReplayBusy);
  expect(await holders(runId)).toEqual(before);
  // The holder goes on, and the second process can be asked for something else.
  const to = stateOf({ written: 1 });
  await writeReplayed(session, claim, { first: 0, end: 1 }, { from: stateOf({}), to });
  expect(await claimReplay(second, await runs.create(), 'theirs')).toHaveLength(2);
});

test('I12: a run whose holder is dead goes on under a new epoch, where the holder left it', async () => {
  const { runId, session, claim } = await runs.claimed();
  const to = stateOf({ written: 3 });
  await writeReplayed(session, claim, { first: 0, end: 3 }, { from: stateOf({}), to });
  // No goodbye: only the server can find out.
  session.destroy();
  const next = await runs.openSession();
  const claims = await waitFor(() => claimReplay(next, runId, 'next'), {
    what: 'the server to miss the holder',
  });
  expect(claims.find(({ sourceId }) => sourceId === claim.sourceId)).toEqual({
    sourceId: claim.sourceId,
    nextPosition: 3,
    epoch: 2,
  });
  expect(await holders(runId)).toEqual([
    { epoch: 2, owner: 'next' },
    { epoch: 2, owner: 'next' },
  ]);
});

test('a holder that let go of its run, or claims it again itself, keeps nobody from it', async () => {
  const { runId, session } = await runs.claimed();
  const again = await claimReplay(session, runId, 'ours');
  expect(again.map(({ epoch }) => epoch)).toEqual([2, 2]);
  await releaseSources(session, again);
  const next = await runs.openSession();
  const claims = await claimReplay(next, runId, 'next');
  expect(claims.map(({ epoch }) => epoch)).toEqual([3, 3]);
});

test('of two processes that claim a run at once one gets it, the other learns that it is busy', async () => {
  const runId = await runs.create();
  const [first, second] = [await runs.openSession(), await runs.openSession()];
  await first.query('BEGIN');
  await claimReplay(first, runId, 'first');
  const late = claimReplay(second, runId, 'second').catch((error: unknown) => error);
  const isWaiting = sql`
    SELECT FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%claim_replay%'`;
  await waitFor(async () => (await isWaiting.execute(runs.db)).rows.length > 0, {
    what: 'the second claim to wait for the first',
    intervalMs: 2,
  });
  await first.query('COMMIT');
  expect(await late).toBeInstanceOf(ReplayBusy);
  expect(first.isUsable).toBe(true);
  expect(await holders(runId)).toEqual([
    { epoch: 1, owner: 'first' },
    { epoch: 1, owner: 'first' },
  ]);
});
