import { expect, test } from 'vitest';
import { stage } from './support/stage.ts';
import { expectExact } from './support/truth.ts';

/** More than is produced by the time that both moves are over, however slow the machine. */
const EVENTS_MAX = 500_000;

test.each(['consumer', 'classic'])(
  'I8: a member joins and another leaves under load with the %s protocol: every record counts once',
  async (protocol) => {
    const the = await stage({ partitions: 6 });
    const env = { GROUP_PROTOCOL: protocol, BATCH_MAX_EVENTS: '300' };
    const first = the.start(env);
    await first.owns(6);
    const load = new AbortController();
    const producing = the.simulate(EVENTS_MAX, { rate: 2_500, signal: load.signal });
    await the.untilConsumed(500, first);

    const second = the.start(env);
    await Promise.all([first.owns(3), second.owns(3)]);
    await second.untilMetric('adtally_records_consumed_total', (records) => records > 0);
    expect((await first.stop()).code).toBe(0);
    await second.owns(6);
    const before = await the.consumed();
    await the.untilConsumed(before + 500, second);
    load.abort();

    const truth = await producing;
    await the.untilConsumed(truth.acked, second);
    const { sources } = await expectExact(the, truth);
    expect(sources.length).toBe(6);
  },
);
