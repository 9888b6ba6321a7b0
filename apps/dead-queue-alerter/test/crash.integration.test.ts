import { expect, test } from 'vitest';
import { PAGE, RESOLUTION, told } from './support/listener.ts';
import { stage, untilAccepted } from './support/stage.ts';

test.concurrent('killed between the evaluation and the answer of the sink: one page after the restart', async (context) => {
  const the = await stage(context);
  the.webhook.answer = 'hold';
  const first = the.start();
  await the.die(6);
  await first.until('a request in the air', () => the.webhook.received.length > 0);
  expect((await first.kill()).killedBy).toBe('SIGKILL');
  expect(await the.incidents()).toMatchObject([{ status: 'firing' }]);
  expect(the.webhook.accepted).toEqual([]);

  the.webhook.answer = { status: 200 };
  const second = the.start();
  await untilAccepted(the.webhook, 1);
  await the.die(6);
  await the.untilEvaluated(12, second);
  expect(told(the.webhook)).toEqual([PAGE]);
  expect(await the.incidents()).toMatchObject([{ letters: 12n }]);
});

test.concurrent.for(['SIGKILL', 'SIGTERM'] as const)(
  'restarted by %s while firing it says nothing new, and counts on',
  async (way, context) => {
    const the = await stage(context);
    const first = the.start();
    await the.die(6);
    await first.logged('notification sent');
    first.signal(way);
    expect((await first.ended).code).toBe(way === 'SIGTERM' ? 0 : null);
    const second = the.start();
    await second.active();
    await the.die(1);
    await the.untilEvaluated(7, second);
    expect(told(the.webhook)).toEqual([PAGE]);
    expect(await the.incidents()).toMatchObject([{ status: 'firing', letters: 7n }]);
  },
);

test.concurrent('killed in the quiet time it resolves after the restart, dated by append times', async (context) => {
  const the = await stage(context, {
    env: { DEAD_RATE_WINDOW_MS: '1s', INCIDENT_RESOLVE_MS: '7s' },
  });
  const first = the.start();
  await first.active();
  await the.die(6);
  await first.logged('notification sent');
  await first.kill();
  expect(await the.incidents()).toMatchObject([{ status: 'firing' }]);
  the.start();
  await untilAccepted(the.webhook, 2);
  expect(told(the.webhook)).toEqual([PAGE, RESOLUTION]);
  const [incident] = await the.incidents();
  expect(incident?.endsAt?.getTime()).toBe((incident?.breachedUntil?.getTime() ?? 0) + 7_000);
});

test.concurrent('killed again and again while letters stream in: one incident, every letter counted once', async (context) => {
  const the = await stage(context, { env: { INCIDENT_UPDATE_MS: '300ms' } });
  const kills = 4;
  for (let round = 0; round < kills; round += 1) {
    const alerter = await the.start().active();
    await the.die(2_500);
    // Somewhere in the middle of it, another place each time.
    await alerter.until('some letters', async () => {
      const [incident] = await the.incidents();
      return (incident?.letters ?? 0n) > BigInt(round * 2_500);
    });
    expect((await alerter.kill()).killedBy).toBe('SIGKILL');
  }
  await the.untilEvaluated(kills * 2_500, the.start());
  expect(await the.incidents()).toMatchObject([{ status: 'firing', letters: 10_000n }]);
  // A kill between a sink's answer and its being written down may say a change twice, under one key.
  const keys = the.webhook.accepted
    .filter(({ body }) => !JSON.stringify(body).includes('More: '))
    .map(({ headers }) => headers['idempotency-key']);
  expect(new Set(keys).size).toBe(1);
});

test.concurrent('a burst inside the quiet time goes on with the incident, one behind it is another', async (context) => {
  const the = await stage(context, {
    timestamps: 'CreateTime',
    env: { DEAD_RATE_WINDOW_MS: '1s', INCIDENT_RESOLVE_MS: '10s' },
  });
  const baseMs = Date.now() - 60_000;
  const burst = (atMs: number) => Array.from({ length: 6 }, (_, index) => baseMs + atMs + index);
  await the.die(18, { timesMs: [...burst(0), ...burst(10_900), ...burst(21_950)] });
  the.start();
  await untilAccepted(the.webhook, 4);
  expect(told(the.webhook)).toEqual([PAGE, RESOLUTION, PAGE, RESOLUTION]);
  expect(await the.incidents()).toMatchObject([
    { letters: 12n, detectedLate: true },
    { letters: 6n, detectedLate: true },
  ]);
});

test.concurrent('a burst that came and went while nobody ran is one late page and its resolution', async (context) => {
  const the = await stage(context, {
    timestamps: 'CreateTime',
    env: { DEAD_RATE_WINDOW_MS: '1s', INCIDENT_RESOLVE_MS: '2s' },
  });
  const first = the.start();
  await first.active();
  await first.stop();
  const baseMs = Date.now() - 600_000;
  // Ten minutes of it, one letter every 100 ms.
  await the.die(6_000, {
    timesMs: Array.from({ length: 6_000 }, (_, index) => baseMs - 10_000 + index * 100),
  });
  const second = the.start();
  await the.untilEvaluated(6_000, second);
  await untilAccepted(the.webhook, 2);
  expect(told(the.webhook)).toEqual([PAGE, RESOLUTION]);
  expect(the.webhook.accepted[0]?.body).toMatchObject({
    commonAnnotations: {
      detected_late: 'true',
      summary: expect.stringMatching(/^Detected late: /),
    },
  });
  expect(await the.incidents()).toMatchObject([{ letters: 6_000n, detectedLate: true }]);
});
