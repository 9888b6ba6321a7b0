import { expect, test } from 'vitest';
import { stage } from './support/stage.ts';
import { expectExact } from './support/truth.ts';

const EVENTS = 15_000;

test('I8: killed twice in the middle of its work, restarted: every record counts once', async () => {
  const the = await stage();
  const truth = await the.simulate(EVENTS);
  for (const atLeast of [1_000, 4_000]) {
    const victim = the.startSlow();
    await the.untilConsumed(atLeast, victim);
    await victim.owns(4);
    expect((await victim.kill()).killedBy).toBe('SIGKILL');
    expect(await the.consumed()).toBeLessThan(truth.acked);
  }
  const consumer = the.startElsewhere();
  await the.untilConsumed(truth.acked, consumer);
  await expectExact(the, truth);
});

test('I3: a consumer frozen until its partitions were given away is fenced when it wakes', async () => {
  const the = await stage();
  const truth = await the.simulate(EVENTS);
  const zombie = the.startSlow();
  await the.untilConsumed(1_000, zombie);
  zombie.signal('SIGSTOP');
  const counted = await the.consumed();

  const successor = the.start();
  await successor.owns(4);
  await the.untilConsumed(truth.acked, successor);
  expect(counted).toBeLessThan(truth.acked);
  zombie.signal('SIGCONT');

  await zombie.untilMetric('adtally_fenced_total', (batches) => batches > 0);
  await expectExact(the, truth);
  expect((await zombie.stop()).code).toBe(0);
  await expectExact(the, truth);
});
