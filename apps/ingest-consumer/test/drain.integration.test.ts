import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { stage, type Stage } from './support/stage.ts';
import { expectExact } from './support/truth.ts';

const EVENTS = 12_000;

async function backendsNamed(the: Stage): Promise<number> {
  const { rows } = await sql<{ count: bigint }>`
    SELECT count(*) AS count FROM cursors WHERE backend_pid IS NOT NULL OR owner IS NOT NULL`.execute(
    the.db,
  );
  return Number(rows[0]?.count);
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
  'a drain while the database %s ends before its deadline, and nothing is lost',
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
    const { code, stderr } = await consumer.stop();
    expect(stderr).not.toContain('drain deadline passed');
    expect(code).toBe(0);

    expect(await the.consumed()).toBeLessThan(truth.acked);
    const successor = the.start();
    await the.untilConsumed(truth.acked, successor);
    await expectExact(the, truth);
  },
);
