import { openDatabase } from '@adtally/db';
import { garbage, shown } from '@adtally/pipeline/testing';
import { deleteTopic, testTopic, type ServiceProcess } from '@adtally/testkit';
import { sql } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import { stage, type Stage } from './support/stage.ts';

const ROUNDS = 3;
/** What waits in one loop with all else holds it up for LOCK_TIMEOUT_MS (5 s) or the producer's 30 s. */
const STALL_MAX_MS = 4_000;

/** Holds the cursor row of a partition's source until it is let go. */
async function holdCursor(the: Stage, kind: 'dlq' | 'redrive', partition: number) {
  const stranger = openDatabase(the.databaseUrl, { applicationName: 'stranger' });
  const over = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const holding = stranger.transaction().execute(async (trx) => {
    await sql`SET LOCAL idle_in_transaction_session_timeout = 0`.execute(trx);
    const { rows } = await sql`
      SELECT FROM cursors c JOIN sources s USING (source_id)
      WHERE s.kind = ${kind} AND s.topic = ${the.dlq} AND s.partition = ${partition} FOR UPDATE OF c`.execute(
      trx,
    );
    expect(rows).toHaveLength(1);
    held.resolve();
    await over.promise;
  });
  const letGo = async () => {
    over.resolve();
    await holding;
    await stranger.destroy();
  };
  onTestFinished(letGo);
  await held.promise;
  return letGo;
}

/** Letters the database takes at their first retry, one in each of the DLQ topic's two partitions. */
async function takeCurable(the: Stage, round: number): Promise<void> {
  await sql`ALTER TABLE events ADD CONSTRAINT no_poison CHECK (campaign_id <> 'poison') NOT VALID`.execute(
    the.db,
  );
  await the.ingest.take(PLACES.map((place) => shown(round * 1_000 + place, 'poison')));
  await sql`ALTER TABLE events DROP CONSTRAINT no_poison`.execute(the.db);
}

/** By murmur2 these and their like go to either partition; enough of them that each gets some. */
const PLACES = [1, 2, 3, 4, 5, 6, 7, 8];

async function lettersOf(the: Stage, lane: number | null, state: string): Promise<number> {
  const { rows } = await sql<{ letters: number }>`
    SELECT count(*)::int AS letters FROM dead_letters
    WHERE state = ${state} AND lane = coalesce(${lane}::int, lane)`.execute(the.db);
  return rows[0]?.letters ?? 0;
}

/** The slowest of some rounds of letters, from their reference to all of a lane, or of all lanes, resolved. */
async function slowestMs(the: Stage, process: ServiceProcess, lane: number | null) {
  let slowest = 0;
  for (let round = 1; round <= ROUNDS; round += 1) {
    const startedMs = performance.now();
    await takeCurable(the, round);
    await process.until('letters copied and settled', async () => {
      const { rows } = await sql<{ copied: number; open: number }>`
        SELECT count(*)::int AS copied,
               count(*) FILTER (WHERE state <> 'resolved' AND lane = coalesce(${lane}::int, lane))::int AS open
        FROM dead_letters WHERE last_code = 'data_refused'`.execute(the.db);
      return rows[0]?.copied === round * PLACES.length && rows[0].open === 0;
    });
    slowest = Math.max(slowest, performance.now() - startedMs);
  }
  return slowest;
}

interface Status {
  readonly lanes: readonly { lane: number }[];
  readonly lanes_waiting: readonly { lane: number; reason: string | null }[];
  readonly letters_held_up: readonly { what: string; reason: string; detail: string }[];
}

async function statusOf(process: ServiceProcess): Promise<Status> {
  return (await (await process.get('/status')).json()) as Status;
}

test('I13: a lane that cannot be claimed says why, and holds up neither copying nor the retries of the others', async () => {
  const the = await stage();
  const first = the.start();
  await first.until('both lanes', async () => (await statusOf(first)).lanes.length === 2);
  await first.stop();
  const letGo = await holdCursor(the, 'redrive', 1);
  const process = the.start();
  await process.until('the other lane', async () => (await statusOf(process)).lanes.length === 1);
  expect(await slowestMs(the, process, 0)).toBeLessThan(STALL_MAX_MS);
  expect((await statusOf(process)).lanes_waiting).toMatchObject([
    { lane: 1, reason: 'cursor_locked' },
  ]);
  const waiting = await lettersOf(the, 1, 'pending');
  expect(waiting).toBeGreaterThan(0);
  await letGo();
  await the.untilStates({ resolved: ROUNDS * PLACES.length }, process);
  await the.expectBalanced();
});

test('I13: a dead topic that does not answer says so, and holds up neither copying nor retries; nothing is lost', async () => {
  const the = await stage();
  const process = the.start({ MAX_ATTEMPTS: '2' });
  await process.until('both lanes', async () => (await statusOf(process)).lanes.length === 2);
  // The client waits for a topic it has not seen, as for a broker: 30 s.
  await deleteTopic(the.dead);
  await the.ingest.take([garbage('given up')]);
  await process.until('a letter that waits for the dead topic', async () => {
    const { rows } = await sql`SELECT FROM dead_letters WHERE is_exhausted`.execute(the.db);
    return rows.length === 1;
  });
  expect(await slowestMs(the, process, null)).toBeLessThan(STALL_MAX_MS);
  await process.until('the reason', async () => {
    const { letters_held_up: reasons } = await statusOf(process);
    return reasons.some(({ what, reason }) => what === 'bury' && reason === 'dead_topic_waits');
  });
  expect(await lettersOf(the, null, 'pending')).toBe(1);
  await testTopic({ name: the.dead, partitions: 1 });
  await the.untilStates({ resolved: ROUNDS * PLACES.length, dead: 1 }, process);
  await the.expectBalanced();
});

test('I13: copying that waits for the database holds up no retry', async () => {
  const the = await stage({ dlqPartitions: 1 });
  await the.ingest.take([garbage('fails')]);
  const process = the.start({ MAX_ATTEMPTS: '1000' });
  await the.untilStates({ pending: 1 }, process);
  const letGo = await holdCursor(the, 'dlq', 0);
  await the.ingest.take([garbage('not copied')]);
  const tries = async () => {
    const { rows } = await sql<{ tries: number }>`
      SELECT count(*)::int AS tries FROM dead_letter_attempts WHERE outcome = 'failed'`.execute(
      the.db,
    );
    return rows[0]?.tries ?? 0;
  };
  // Some may end before the commit of the copy meets the lock.
  await process.logged('batch not taken yet, retrying');
  const before = await tries();
  const startedMs = performance.now();
  await process.until('tries beside the copying', async () => (await tries()) >= before + 5);
  expect(performance.now() - startedMs).toBeLessThan(STALL_MAX_MS);
  expect(await lettersOf(the, null, 'pending')).toBe(1);
  await letGo();
  await the.untilStates({ pending: 2 }, process);
  expect((await process.stop()).code).toBe(0);
});

test('I13: a lane that somebody else claimed and let go is claimed again, although nothing of it can be leased meanwhile', async () => {
  const the = await stage({ dlqPartitions: 1 });
  const process = the.start({ MAX_ATTEMPTS: '1' });
  await process.logged('lane claimed');
  // As a former owner does that stood still before its claim, and finds the group's answer afterwards.
  await sql`
    UPDATE cursors SET epoch = next_epoch(epoch), owner = NULL, backend_pid = NULL, backend_start = NULL
    WHERE source_id = (SELECT source_id FROM sources WHERE kind = 'redrive' AND topic = ${the.dlq})`.execute(
    the.db,
  );
  await the.ingest.take([garbage('left behind')]);
  await the.untilStates({ dead: 1 }, process);
  expect(await process.logged('claimed elsewhere: given up')).toMatchObject({
    reason: 'claimed_elsewhere',
  });
  await the.expectBalanced();
});
