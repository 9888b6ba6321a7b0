import type { LogEntry } from '@adtally/testkit';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import type { ConsumerProcess } from './support/consumer-process.ts';
import { SLOW_BATCH, stage, type Stage } from './support/stage.ts';
import { expectExact } from './support/truth.ts';

const EVENTS = 12_000;

async function backendsNamed(the: Stage): Promise<number> {
  const { rows } = await sql<{ count: bigint }>`
    SELECT count(*) AS count FROM cursors WHERE backend_pid IS NOT NULL OR owner IS NOT NULL`.execute(
    the.db,
  );
  return Number(rows[0]?.count);
}

interface Drain {
  readonly state: string;
  readonly rows_in_hand: number;
  readonly in_hand: readonly { what: string; rows: number }[];
  readonly committed: readonly { topic: string; partition: number; next_offset: number }[];
}

async function drainOf(consumer: ConsumerProcess): Promise<Drain> {
  return (await (await consumer.get('/drain')).json()) as Drain;
}

/** What it complained about from the beginning of its drain on. */
function warningsOf(consumer: ConsumerProcess): LogEntry[] {
  const from = consumer.entries.findIndex(({ msg }) => msg === 'draining');
  return consumer.entries.slice(from).filter(({ level }) => level !== 'info');
}

test.each(['SIGTERM', 'POST /drain'])(
  'a drain by %s under load ends with 0, releases the cursors, and a successor goes on exactly there',
  async (way) => {
    const the = await stage();
    const truth = await the.simulate(EVENTS);
    const consumer = the.startSlow();
    await the.untilConsumed(1_000, consumer);
    await consumer.owns(4);
    expect(await backendsNamed(the)).toBe(4);

    if (way === 'SIGTERM') consumer.signal('SIGTERM');
    else expect((await consumer.post('/drain')).status).toBe(202);
    expect((await consumer.ended).code).toBe(0);

    expect(warningsOf(consumer)).toEqual([]);
    expect(await the.consumed()).toBeLessThan(truth.acked);
    expect(await backendsNamed(the)).toBe(0);
    const successor = the.start();
    await the.untilConsumed(truth.acked, successor);
    await expectExact(the, truth);
  },
);

test('a second signal ends a drain by force, and nothing is lost', async () => {
  const the = await stage();
  const truth = await the.simulate(EVENTS);
  const consumer = the.startSlow();
  await the.untilConsumed(1_000, consumer);
  the.proxy.blackhole(true);
  consumer.signal('SIGTERM');
  await consumer.logged('draining');
  consumer.signal('SIGTERM');
  expect((await consumer.ended).code).toBe(143);

  expect(await the.consumed()).toBeLessThan(truth.acked);
  const successor = the.startElsewhere();
  await the.untilConsumed(truth.acked, successor);
  await expectExact(the, truth);
});

test.each(['answers nothing', 'refuses connections'])(
  'a drain while the database %s is cut short before its deadline, says what it left, and nothing is lost',
  async (fault) => {
    const the = await stage();
    const truth = await the.simulate(EVENTS);
    const consumer = the.startSlow({ DRAIN_DEADLINE_MS: '6s' });
    await the.untilConsumed(1_000, consumer);
    if (fault === 'answers nothing') the.proxy.blackhole(true);
    else {
      the.proxy.refuse(true);
      the.proxy.cutAll();
      await consumer.logged('waiting for PostgreSQL');
    }
    // A batch waits for the database for as long as it does not answer.
    const before = await consumer.until('records in hand', async () => {
      const drain = await drainOf(consumer);
      return drain.rows_in_hand > 0 && drain;
    });
    expect(before.state).toBe('running');
    const committed = before.committed.reduce((sum, { next_offset: next }) => sum + next, 0);
    const { code, stderr } = await consumer.stop();
    expect(stderr).not.toContain('drain deadline passed');
    const cut = consumer.entries.find(({ msg }) => msg.startsWith('drain cut short: left undone'));
    const left = cut?.['left'] as Drain['in_hand'];
    expect(left.map(({ what }) => what)).toEqual(
      expect.arrayContaining([expect.stringContaining(`records of ${the.topic}/`)]),
    );
    expect(left.reduce((sum, { rows }) => sum + rows, 0)).toBeGreaterThan(0);
    expect(code).toBe(1);

    // The answer to the last commit may have been lost with all others.
    expect([committed, committed + Number(SLOW_BATCH)]).toContain(await the.consumed());
    expect(committed).toBeLessThan(truth.acked);
    const successor = the.start();
    await the.untilConsumed(truth.acked, successor);
    await expectExact(the, truth);
  },
);
