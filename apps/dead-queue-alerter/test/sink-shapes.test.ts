import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readConfig } from '../src/env.ts';
import type { Message } from '../src/incidents/message.ts';
import { retryAfterMs } from '../src/notify/post-json.ts';
import type { Sink } from '../src/notify/sink.ts';
import { createSinks, type SinkName } from '../src/notify/sinks.ts';
import { Listener } from './support/listener.ts';

const FIRING: Message = {
  incident: '0192f0c1-2a3b-7c4d-8e5f-60718293a4b5',
  incidentId: 17,
  revision: 1,
  kind: 'firing',
  status: 'firing',
  alert: 'DeadEventRateHigh',
  key: 'ad-events.dead',
  env: 'prod',
  startsAt: '2026-03-01T12:00:00.000Z',
  endsAt: null,
  detectedLate: false,
  summary: '6 dead letters <!channel> & more',
  description: 'Letters: 6\nCauses:\n- missing_field: 6, e.g. ad-events/3/1042',
  letters: 6,
  runbookUrl: 'https://docs.example/runbooks/DeadEventRateHigh.md',
};
const RESOLVED: Message = {
  ...FIRING,
  revision: 2,
  kind: 'resolved',
  status: 'resolved',
  endsAt: '2026-03-01T12:09:00.000Z',
};
const LABELS = {
  alertname: 'DeadEventRateHigh',
  env: 'prod',
  key: 'ad-events.dead',
  service: 'dead-queue-alerter',
  severity: 'page',
};
const ANNOTATIONS = {
  summary: FIRING.summary,
  description: FIRING.description,
  runbook_url: FIRING.runbookUrl,
  incident_id: '17',
  letters: '6',
};
const SIGNAL = new AbortController().signal;

function sinksAt(url: string, timeoutMs = 2_000): Record<SinkName, Sink> {
  const config = {
    webhookUrl: () => url,
    alertmanagerUrl: () => `${url}/`,
    alertmanagerResendMs: 60_000,
    slackUrl: () => url,
    pagerDutyUrl: () => url,
    pagerDutyRoutingKey: () => 'a-routing-key',
    sinkTimeoutMs: timeoutMs,
  };
  const sinks = createSinks(config);
  return Object.fromEntries(sinks.map((sink) => [sink.name, sink])) as Record<SinkName, Sink>;
}

async function bodyOf(name: SinkName, message: Message): Promise<unknown> {
  const listener = await Listener.open({ onTestFinished });
  expect(await sinksAt(listener.url)[name].send(message, SIGNAL)).toEqual({ kind: 'sent' });
  return listener.accepted[0]?.body;
}

test('the webhook gets what Alertmanager sends to its receivers, version 4', async () => {
  const listener = await Listener.open({ onTestFinished });
  const { webhook } = sinksAt(listener.url);
  await webhook.send(FIRING, SIGNAL);
  await webhook.send(RESOLVED, SIGNAL);
  const groupLabels = { alertname: 'DeadEventRateHigh', env: 'prod', key: 'ad-events.dead' };
  const whole = (status: string, endsAt: string) => ({
    version: '4',
    groupKey: '{}:{alertname="DeadEventRateHigh", env="prod", key="ad-events.dead"}',
    truncatedAlerts: 0,
    status,
    receiver: 'adtally',
    groupLabels,
    commonLabels: LABELS,
    commonAnnotations: ANNOTATIONS,
    externalURL: '',
    alerts: [
      {
        status,
        labels: LABELS,
        annotations: ANNOTATIONS,
        startsAt: '2026-03-01T12:00:00.000Z',
        endsAt,
        generatorURL: '',
        fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
      },
    ],
  });
  expect(listener.accepted.map(({ body }) => body)).toEqual([
    whole('firing', '0001-01-01T00:00:00Z'),
    whole('resolved', '2026-03-01T12:09:00.000Z'),
  ]);
  expect(listener.accepted.map(({ headers }) => headers['idempotency-key'])).toEqual([
    `${FIRING.incident}/1`,
    `${FIRING.incident}/2`,
  ]);
});

test('Alertmanager gets alerts at /api/v2/alerts, with the count in no label', async () => {
  const listener = await Listener.open({ onTestFinished });
  const { alertmanager } = sinksAt(listener.url);
  await alertmanager.send(FIRING, SIGNAL);
  await alertmanager.send(RESOLVED, SIGNAL);
  await alertmanager.refresh?.send([FIRING, FIRING], SIGNAL);
  const firing = {
    labels: LABELS,
    annotations: ANNOTATIONS,
    startsAt: '2026-03-01T12:00:00.000Z',
  };
  expect(listener.accepted.map(({ path }) => path)).toEqual(
    Array.from({ length: 3 }, () => '/hook/api/v2/alerts'),
  );
  expect(listener.accepted.map(({ body }) => body)).toEqual([
    [firing],
    [{ ...firing, endsAt: '2026-03-01T12:09:00.000Z' }],
    [firing, firing],
  ]);
});

test('Slack gets text and blocks in which nothing can call a channel', async () => {
  const summary = '6 dead letters &lt;!channel&gt; &amp; more';
  expect(await bodyOf('slack', FIRING)).toEqual({
    text: `:rotating_light: DeadEventRateHigh (prod): firing: ${summary}`,
    blocks: [
      {
        type: 'header',
        text: { type: 'plain_text', text: 'DeadEventRateHigh (prod): firing' },
      },
      { type: 'section', text: { type: 'mrkdwn', text: `:rotating_light: ${summary}` } },
      { type: 'section', text: { type: 'mrkdwn', text: FIRING.description } },
      { type: 'section', text: { type: 'mrkdwn', text: `Runbook: ${FIRING.runbookUrl}` } },
    ],
  });
});

test('what Slack would refuse as too long is cut, never inside an escaped character', async () => {
  const body = (await bodyOf('slack', {
    ...FIRING,
    description: `${'x'.repeat(2_996)}&&&&`,
  })) as { blocks: { text: { text: string } }[] };
  const text = body.blocks[2]?.text.text ?? '';
  expect(text.length).toBeLessThanOrEqual(3_000);
  expect(text).toMatch(/x…$/);
});

test('PagerDuty gets trigger and resolve under one dedup_key', async () => {
  const common = { routing_key: 'a-routing-key', dedup_key: `adtally/${FIRING.incident}` };
  expect(await bodyOf('pagerduty', FIRING)).toEqual({
    ...common,
    event_action: 'trigger',
    client: 'adtally',
    payload: {
      summary: `DeadEventRateHigh (prod): ${FIRING.summary}`,
      source: 'ad-events.dead',
      severity: 'critical',
      timestamp: '2026-03-01T12:00:00.000Z',
      component: 'dead-queue-alerter',
      group: 'prod',
      class: 'DeadEventRateHigh',
      custom_details: {
        description: FIRING.description,
        runbook: FIRING.runbookUrl,
        incident_id: 17,
        detected_late: false,
        letters: 6,
      },
    },
    links: [{ href: FIRING.runbookUrl, text: 'Runbook' }],
  });
  expect(await bodyOf('pagerduty', RESOLVED)).toEqual({ ...common, event_action: 'resolve' });
});

test('an incident found late says so', async () => {
  const body = await bodyOf('webhook', { ...FIRING, detectedLate: true });
  expect(body).toMatchObject({ commonAnnotations: { detected_late: 'true' } });
});

test.each([
  [200, 'sent'],
  [204, 'sent'],
  [301, 'refused'],
  [400, 'refused'],
  [404, 'refused'],
  [408, 'unavailable'],
  [429, 'unavailable'],
  [500, 'unavailable'],
  [503, 'unavailable'],
])('the answer %i means %s', async (status, kind) => {
  const listener = await Listener.open({ onTestFinished });
  listener.answer = { status, headers: { location: listener.url } };
  expect(await sinksAt(listener.url).webhook.send(FIRING, SIGNAL)).toMatchObject({ kind });
  expect(listener.received).toHaveLength(1);
});

test('a sink that answers nothing, or is not there, is unavailable in bounded time, its URL untold', async () => {
  const listener = await Listener.open({ onTestFinished });
  listener.answer = 'hold';
  const held = await sinksAt(`${listener.url}/a-secret`, 200).webhook.send(FIRING, SIGNAL);
  expect(held).toEqual({ kind: 'unavailable', error: 'no answer in time', retryAfterMs: null });
  await listener.down();
  const gone = await sinksAt(`${listener.url}/a-secret`).webhook.send(FIRING, SIGNAL);
  expect(gone).toEqual({ kind: 'unavailable', error: 'ECONNREFUSED', retryAfterMs: null });
});

test('a password in a URL travels as a header', async () => {
  const listener = await Listener.open({ onTestFinished });
  const url = listener.url.replace('http://', 'http://user:p%40ss@');
  await sinksAt(url).webhook.send(FIRING, SIGNAL);
  expect(listener.accepted[0]?.headers['authorization']).toBe(
    `Basic ${Buffer.from('user:p@ss').toString('base64')}`,
  );
});

test.each([
  [{ 'retry-after': '7' }, 7_000],
  [{ 'retry-after': '999999999' }, 3_600_000],
  [
    { 'retry-after': 'Sun, 01 Mar 2026 12:00:30 GMT', date: 'Sun, 01 Mar 2026 12:00:00 GMT' },
    30_000,
  ],
  [{ 'retry-after': 'Sun, 01 Mar 2026 11:00:00 GMT', date: 'Sun, 01 Mar 2026 12:00:00 GMT' }, 0],
  [{ 'retry-after': 'Sun, 01 Mar 2026 12:00:30 GMT' }, null], // against whose clock?
  [{ 'retry-after': 'soon' }, null],
  [{}, null],
])('Retry-After in %o asks for %s ms', (headers, expected) => {
  expect(retryAfterMs(new Headers(headers as Record<string, string>))).toBe(expected);
});

test('an address and a key from a file are read again at each attempt', async () => {
  const first = await Listener.open({ onTestFinished });
  const second = await Listener.open({ onTestFinished });
  const folder = mkdtempSync(join(tmpdir(), 'adtally-sink-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [addressFile, keyFile] = [join(folder, 'url'), join(folder, 'key')];
  writeFileSync(addressFile, `${first.url}\n`);
  writeFileSync(keyFile, 'the-first-key\n');
  const config = readConfig({
    KAFKA_BROKERS: 'broker:9092',
    DATABASE_URL: 'postgres://db/adtally',
    PAGERDUTY_URL_FILE: addressFile,
    PAGERDUTY_ROUTING_KEY_FILE: keyFile,
  });
  const [pager, ...others] = createSinks(config);
  expect(others).toEqual([]);
  expect(await pager?.send(FIRING, SIGNAL)).toEqual({ kind: 'sent' });
  writeFileSync(addressFile, second.url);
  writeFileSync(keyFile, 'the-second-key');
  expect(await pager?.send(RESOLVED, SIGNAL)).toEqual({ kind: 'sent' });
  expect([first, second].map(({ accepted }) => accepted.map(({ body }) => body))).toEqual([
    [expect.objectContaining({ routing_key: 'the-first-key', event_action: 'trigger' })],
    [expect.objectContaining({ routing_key: 'the-second-key', event_action: 'resolve' })],
  ]);
});
