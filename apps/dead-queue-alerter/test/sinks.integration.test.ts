import { requestNotification } from '@adtally/db';
import { otlpReceiver } from '@adtally/testkit';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { Listener, PAGE, RESOLUTION, told, type Received } from './support/listener.ts';
import { stage, untilAccepted, type Stage } from './support/stage.ts';

const SHORT = { DEAD_RATE_WINDOW_MS: '500ms', INCIDENT_RESOLVE_MS: '500ms' };

const SPIKE = {
  alert: 'DlqVolumeSpike',
  key: 'ad-events/3',
  status: 'firing',
  summary: 'many',
  detail: {},
  requestedBy: 'test',
} as const;

interface AlertmanagerAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly endsAt?: string;
}

async function outbox(the: Stage) {
  const { rows } = await sql<{ sink: string; kind: string; state: string; attempts: number }>`
    SELECT sink, kind, state, attempts FROM notifications ORDER BY notification_id`.execute(the.db);
  return rows;
}

test.concurrent('a sink that was away for a while gets opening and resolution once each, in order, and each try is traced', async (context) => {
  const collector = await otlpReceiver();
  context.onTestFinished(() => collector.close());
  const the = await stage(context, {
    env: { ...SHORT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/v1/traces` },
  });
  await the.webhook.down();
  const alerter = the.start();
  await the.die(6);
  await alerter.logged('incident resolved');
  await alerter.until('several tries', async () => ((await outbox(the))[0]?.attempts ?? 0) >= 3);
  expect(the.webhook.received).toEqual([]);
  await the.webhook.up();
  await untilAccepted(the.webhook, 2);
  await alerter.until('an empty outbox', async () => {
    return (await outbox(the)).every(({ state }) => state === 'sent');
  });
  expect(told(the.webhook)).toEqual([PAGE, RESOLUTION]);
  expect((await alerter.stop()).code).toBe(0);
  const sends = collector.spans.filter(({ name }) => name === 'send notification');
  const outcomes = sends.map(({ attributes, failed }) => [
    attributes['adtally.notification.outcome'],
    failed,
  ]);
  expect(outcomes).toEqual(
    expect.arrayContaining([
      ['unavailable', true],
      ['sent', false],
    ]),
  );
  expect(outcomes.filter(([outcome]) => outcome === 'sent')).toHaveLength(2);
});

test.concurrent('429 with Retry-After is left alone for that long, then told once', async (context) => {
  const the = await stage(context);
  let refusals = 0;
  the.webhook.answer = () => {
    refusals += 1;
    return refusals === 1 ? { status: 429, headers: { 'retry-after': '2' } } : { status: 200 };
  };
  the.start();
  await the.die(6);
  await untilAccepted(the.webhook, 1);
  const [first, second] = the.webhook.received as [Received, Received];
  expect(first.status).toBe(429);
  expect(second.atMs - first.atMs).toBeGreaterThanOrEqual(2_000);
  expect(told(the.webhook)).toEqual([PAGE]);
});

test.concurrent('one slow and one refusing sink hold up neither another nor what comes behind', async (context) => {
  const slow = await Listener.open(context);
  slow.answer = 'hold';
  const refusing = await Listener.open(context);
  refusing.answer = ({ body }) => {
    return JSON.stringify(body).includes('DlqVolumeSpike') ? { status: 200 } : { status: 400 };
  };
  const the = await stage(context, {
    env: {
      ALERTMANAGER_URL: slow.url,
      SLACK_WEBHOOK_URL: refusing.url,
      PAGERDUTY_URL: slow.url,
      PAGERDUTY_ROUTING_KEY: 'a-routing-key',
      SINK_REFUSALS_MAX: '3',
      SINK_REFUSALS_MS: '0',
    },
  });
  const alerter = the.start();
  await the.die(6);
  await untilAccepted(the.webhook, 1);
  await requestNotification(the.db, SPIKE);
  await untilAccepted(the.webhook, 2);
  await untilAccepted(refusing, 1);
  await alerter.logged('notification given up: the sink refuses it for good');
  expect(refusing.received.filter(({ status }) => status === 400)).toHaveLength(3);
  // A listener has a message before the sender has its answer.
  await alerter.untilMetric('adtally_notifications_total', 1, 'slack', 'failed');
  await alerter.untilMetric('adtally_notifications_total', 1, 'slack', 'sent');
  await alerter.untilMetric('adtally_notifications_total', 2, 'webhook', 'sent');
  expect((await outbox(the)).filter(({ state }) => state === 'waiting')).toMatchObject([
    { sink: 'alertmanager' },
    { sink: 'pagerduty' },
    { sink: 'alertmanager' },
    { sink: 'pagerduty' },
  ]);
  const shown = (await (await alerter.get('/incidents')).json()) as object;
  expect(shown).toMatchObject({
    role: 'active',
    incidents: [{ alert: 'DlqVolumeSpike' }, { alert: 'DeadEventRateHigh', letters: 6 }],
    outbox: [
      { sink: 'alertmanager', waiting: 2 },
      { sink: 'pagerduty', waiting: 2 },
    ],
  });
});

test.concurrent('open incidents are said to Alertmanager again and again, to the end and not beyond', async (context) => {
  const alertmanager = await Listener.open(context);
  const the = await stage(context, {
    env: {
      ALERT_WEBHOOK_URL: '',
      ALERTMANAGER_URL: alertmanager.url,
      ALERTMANAGER_RESEND_MS: '300ms',
    },
  });
  const alerter = the.start();
  await requestNotification(the.db, SPIKE);
  await untilAccepted(alertmanager, 4);
  await requestNotification(the.db, { ...SPIKE, status: 'resolved' });
  await alerter.logged('notification sent', ({ kind }) => kind === 'resolved');
  const saidOfFirst = alertmanager.accepted.length;
  // Another incident's opening is said behind whatever would be said of the first.
  await requestNotification(the.db, { ...SPIKE, key: 'another' });
  await untilAccepted(alertmanager, saidOfFirst + 2);
  const alerts = alertmanager.accepted.flatMap(({ body }) => body as AlertmanagerAlert[]);
  const ofFirst = alerts.filter(({ labels }) => labels['key'] === SPIKE.key);
  expect(ofFirst.map(({ endsAt }) => endsAt !== undefined).indexOf(true)).toBe(saidOfFirst - 1);
  expect(ofFirst).toHaveLength(saidOfFirst);
  expect(new Set(ofFirst.map(({ labels }) => JSON.stringify(labels))).size).toBe(1);
});

test.concurrent('without a sink incidents are kept and logged, with a warning at the start', async (context) => {
  const the = await stage(context, { env: { ALERT_WEBHOOK_URL: '' } });
  const alerter = the.start();
  await alerter.logged('no sink is configured: incidents are kept and logged, and nobody is told');
  await the.die(6);
  await alerter.logged('incident opened');
  expect(await the.incidents()).toHaveLength(1);
  expect(await outbox(the)).toEqual([]);
});
