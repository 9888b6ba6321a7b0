import { waitFor } from '@adtally/testkit';
import { expect, test } from 'vitest';
import { PAGE, told } from './support/listener.ts';
import type { AlerterProcess } from './support/alerter-process.ts';
import { stage, untilAccepted, type Stage } from './support/stage.ts';

const TAKE_OVER_MS = 15_000;

/** Two instances: the active one and the one that stands by. */
async function pair(the: Stage, env = {}): Promise<[AlerterProcess, AlerterProcess]> {
  const [one, other] = [the.start(env), the.start(env)];
  const first = await Promise.race([one.active(), other.active()]);
  return [first, await (first === one ? other : one).standby()];
}

test.for([
  ['killed', 'SIGKILL'],
  ['frozen', 'SIGSTOP'],
] as const)(
  'of two instances one sends; with it %s the other takes over within 15 s, with one page',
  async ([, signal], context) => {
    const the = await stage(context);
    const [first, second] = await pair(the);
    await second.until('a ready standby', async () => (await second.get('/readyz')).ok);
    await second.untilMetric('adtally_alerter_active', 0);
    await the.die(5);
    await the.untilEvaluated(5, first);

    first.signal(signal);
    const startedMs = performance.now();
    await the.die(1);
    await untilAccepted(the.webhook, 1);
    expect(performance.now() - startedMs).toBeLessThan(TAKE_OVER_MS);
    await second.active();
    if (signal === 'SIGSTOP') {
      first.signal('SIGCONT');
      // It finds its session gone and stands by.
      await first.standby();
    }
    await the.die(1);
    await the.untilEvaluated(7, second);
    expect(told(the.webhook)).toEqual([PAGE]);
    expect(await the.incidents()).toMatchObject([{ letters: 7n }]);
  },
);

test.concurrent('an instance for another dead topic stands by and says that nobody watches it', async (context) => {
  const the = await stage(context);
  await the.start().active();
  const other = await the.start({ DEAD_TOPIC: `${the.topic}.other` }).standby();
  const said = await other.logged('the active alerter of this database watches another dead topic');
  expect(said).toMatchObject({ its_topic: the.topic, topic: `${the.topic}.other` });
});

test.concurrent('frozen with a page in its hands it sends nothing when it wakes; its successor did', async (context) => {
  const the = await stage(context);
  the.webhook.answer = { status: 503 };
  // Its next try comes after the thaw.
  const [first] = await pair(the, { SINK_RETRY_MS: '9s', SINK_RETRY_MAX_MS: '9s' });
  await the.die(6);
  await first.logged('notification not sent yet');
  first.signal('SIGSTOP');
  the.webhook.answer = { status: 200 };
  await untilAccepted(the.webhook, 1);
  first.signal('SIGCONT');
  await first.standby();
  expect(told(the.webhook)).toEqual([PAGE]);
});

test('with its session cut the active one gives up and the other takes over within 15 s', async (context) => {
  const the = await stage(context);
  const first = await the.start(the.proxied).active();
  const second = await the.start().standby();
  the.proxy.refuse(true);
  the.proxy.cutAll();
  const startedMs = performance.now();
  await the.die(6);
  await untilAccepted(the.webhook, 1);
  expect(performance.now() - startedMs).toBeLessThan(TAKE_OVER_MS);
  await second.active();
  await first.logged('waiting for PostgreSQL');
  expect((await first.get('/livez')).status).toBe(200);
  the.proxy.refuse(false);
  await first.standby();
  expect(told(the.webhook)).toEqual([PAGE]);
});

test('with its line to the database silent the other ends its session and takes over within 15 s', async (context) => {
  const the = await stage(context);
  await the.start(the.proxied).active();
  await the.start().standby();
  the.proxy.blackhole(true);
  const startedMs = performance.now();
  await the.die(6);
  await untilAccepted(the.webhook, 1);
  expect(performance.now() - startedMs).toBeLessThan(TAKE_OVER_MS);
  the.proxy.blackhole(false);
  await waitFor(async () => (await the.incidents()).length === 1, { what: 'one incident' });
  expect(told(the.webhook)).toEqual([PAGE]);
});

test.concurrent('a process whose clock is days off sees the same incident, its beginning and its end', async (context) => {
  const wrongClock = `data:text/javascript,
    const real = Date; const offMs = 5 * 86400000;
    globalThis.Date = class extends real {
      constructor(...given) { if (given.length === 0) super(real.now() + offMs); else super(...given); }
      static now() { return real.now() + offMs; }
    };`;
  const the = await stage(context, {
    env: { DEAD_RATE_WINDOW_MS: '1s', INCIDENT_RESOLVE_MS: '5s' },
  });
  // A burst that is over before it is read would rightly be told of late.
  const alerter = await the.start({}, { preload: wrongClock }).active();
  const beforeMs = Date.now();
  await the.die(6);
  await alerter.logged('incident resolved');
  // The fault was there: pino writes the process's own time.
  expect(Date.parse(String(alerter.entries[0]?.['time']))).toBeGreaterThan(beforeMs + 86_400_000);
  const [incident] = await the.incidents();
  expect(incident).toMatchObject({ detectedLate: false, letters: 6n, status: 'resolved' });
  expect(Math.abs((incident?.startsAt.getTime() ?? 0) - beforeMs)).toBeLessThan(30_000);
});
