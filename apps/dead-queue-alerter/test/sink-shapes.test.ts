import { expect, onTestFinished, test } from 'vitest';
import { storedMessage, type Message } from '../src/incidents/message.ts';
import type { SinkName } from '../src/notify/sinks.ts';
import { Listener } from './support/listener.ts';
import { FIRING, RESOLVED, SIGNAL, sinksAt, WARNING } from './support/sinks-at.ts';

const { labels: LABELS } = FIRING;
const DESCRIPTION = [
  'Since: 2026-03-01T12:00:00.000Z',
  'Causes:',
  ...FIRING.causes.map((cause) => `- ${cause}`),
  'For the bill: Each dead letter is missing.',
  'Do first: ops dead-letters stats --by code,field,version,source --state dead',
  'Letters: 120',
  'Offsets: partition 0: 1..120',
].join('\n');
const ANNOTATIONS = {
  summary: FIRING.summary,
  description: DESCRIPTION,
  bill: FIRING.bill,
  first_command: FIRING.firstCommand,
  causes: FIRING.causes.join('\n'),
  runbook_url: FIRING.runbookUrl,
  incident_id: '17',
  letters: '120',
};
const RESOLVED_ANNOTATIONS = {
  ...ANNOTATIONS,
  description: DESCRIPTION.replace('.000Z\n', '.000Z, until 2026-03-01T12:09:00.000Z\n'),
};
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
  const whole = (status: string, endsAt: string, annotations = ANNOTATIONS) => ({
    version: '4',
    groupKey: '{}:{alertname="DeadEventRateHigh", env="prod", key="ad-events.dead"}',
    truncatedAlerts: 0,
    status,
    receiver: 'adtally',
    groupLabels,
    commonLabels: LABELS,
    commonAnnotations: annotations,
    externalURL: '',
    alerts: [
      {
        status,
        labels: LABELS,
        annotations,
        startsAt: '2026-03-01T12:00:00.000Z',
        endsAt,
        generatorURL: '',
        fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
      },
    ],
  });
  expect(listener.accepted.map(({ body }) => body)).toEqual([
    whole('firing', '0001-01-01T00:00:00Z'),
    whole('resolved', '2026-03-01T12:09:00.000Z', RESOLVED_ANNOTATIONS),
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
    [{ ...firing, annotations: RESOLVED_ANNOTATIONS, endsAt: '2026-03-01T12:09:00.000Z' }],
    [firing, firing],
  ]);
});

/** Verbatim: Slack makes no link of an address that a producer wrote. */
const marked = (text: string) => ({ type: 'mrkdwn', text, verbatim: true });
const mrkdwn = (text: string) => ({ type: 'section', text: marked(text) });

test('Slack gets what happened, since when, why, what it costs and what to do, and nothing can call a channel', async () => {
  const summary = '120 dead letters &lt;!channel&gt; &amp; more';
  const context = 'Letters: 120\nOffsets: partition 0: 1..120';
  expect(await bodyOf('slack', FIRING)).toEqual({
    text: [
      `:rotating_light: Page: DeadEventRateHigh (prod): ${summary}`,
      FIRING.causes[0],
      `Do first: ${FIRING.firstCommand}`,
    ].join('\n'),
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: 'Page: DeadEventRateHigh (prod)' } },
      mrkdwn(`:rotating_light: *${summary}*`),
      {
        type: 'section',
        fields: [
          marked('*Since*\n2026-03-01T12:00:00.000Z'),
          marked('*Where*\nenv=prod, team=ads, cluster=eu1, topic=ad-events.dead'),
        ],
      },
      mrkdwn(`*Causes*\n• ${FIRING.causes[0]}\n• ${FIRING.causes[1]}`),
      mrkdwn('*For the bill*: Each dead letter is missing.'),
      mrkdwn(`*Do first*\n\`\`\`${FIRING.firstCommand}\`\`\``),
      mrkdwn(`<${FIRING.runbookUrl}|Runbook DeadEventRateHigh>`),
      { type: 'context', elements: [marked(context)] },
    ],
  });
});

test('Slack tells a warning and an end from a page; without a runbook there is no link', async () => {
  const warning = (await bodyOf('slack', WARNING)) as { text: string; blocks: object[] };
  expect(warning.text).toMatch(/^:warning: Warning: DlqVolumeSpike \(prod\): /);
  expect(JSON.stringify(warning)).not.toMatch(/unbook|Causes/);
  expect(await bodyOf('slack', RESOLVED)).toMatchObject({
    text: expect.stringMatching(/^:white_check_mark: Resolved: DeadEventRateHigh \(prod\): /),
    blocks: expect.arrayContaining([
      expect.objectContaining({
        fields: expect.arrayContaining([
          marked('*Since*\n2026-03-01T12:00:00.000Z, until 2026-03-01T12:09:00.000Z'),
        ]),
      }),
    ]),
  });
});

/** As much of everything as the alerter lets through. */
const LONGEST: Message = {
  ...FIRING,
  alert: 'A'.repeat(200),
  key: 'k'.repeat(200),
  env: 'e'.repeat(100),
  labels: Object.fromEntries(Array.from({ length: 26 }, (_, n) => [`l${n}`, '&'.repeat(200)])),
  summary: '&'.repeat(300),
  causes: ['first & foremost', ...Array.from({ length: 5 }, () => '&'.repeat(300))],
  facts: Array.from({ length: 21 }, () => '&'.repeat(400)),
};

test('what Slack would refuse as too long is cut by lines, the first kept, never inside a character', async () => {
  const body = (await bodyOf('slack', LONGEST)) as {
    text: string;
    blocks: {
      type: string;
      text?: { text: string };
      fields?: { text: string }[];
      elements?: { text: string }[];
    }[];
  };
  const texts = body.blocks.flatMap(({ text, fields = [], elements = [] }) =>
    [...(text === undefined ? [] : [text]), ...fields, ...elements].map((one) => one.text),
  );
  expect(body.blocks.length).toBeLessThanOrEqual(50);
  expect(body.blocks[0]?.text?.text.length).toBeLessThanOrEqual(150);
  for (const { text } of body.blocks) expect(text?.text.length ?? 0).toBeLessThanOrEqual(3_000);
  for (const { fields = [] } of body.blocks)
    for (const { text } of fields) expect(text.length).toBeLessThanOrEqual(2_000);
  expect(texts.reduce((sum, text) => sum + text.length, 0)).toBeLessThan(9_000);
  for (const text of [body.text, ...texts]) expect(text).not.toMatch(/&(?!amp;)/);
  expect(texts[4]).toMatch(/^\*Causes\*\n• first &amp; foremost\n.*\n\.\.\. and \d more$/s);
  expect(texts).toContain(`*Do first*\n\`\`\`${FIRING.firstCommand}\`\`\``);
});

test('PagerDuty gets trigger and resolve under one dedup_key', async () => {
  const common = { routing_key: 'a-routing-key', dedup_key: `adtally/${FIRING.incident}` };
  expect(await bodyOf('pagerduty', FIRING)).toEqual({
    ...common,
    event_action: 'trigger',
    client: 'adtally',
    payload: {
      summary: `DeadEventRateHigh (prod): ${FIRING.summary}: ${FIRING.causes[0]}`,
      source: 'ad-events.dead',
      severity: 'critical',
      timestamp: '2026-03-01T12:00:00.000Z',
      component: 'ad-events.dead',
      group: 'eu1',
      class: 'DeadEventRateHigh',
      custom_details: {
        '1 what': FIRING.summary,
        '2 since': '2026-03-01T12:00:00.000Z',
        '3 letters': 120,
        '4 causes': FIRING.causes,
        '5 for the bill': FIRING.bill,
        '6 do first': FIRING.firstCommand,
        '7 runbook': FIRING.runbookUrl,
        '8 where': 'env=prod, team=ads, cluster=eu1, topic=ad-events.dead',
        '9 details': FIRING.facts,
        incident_id: 17,
        detected_late: false,
      },
    },
    links: [{ href: FIRING.runbookUrl, text: 'Runbook DeadEventRateHigh' }],
  });
  expect(await bodyOf('pagerduty', RESOLVED)).toEqual({ ...common, event_action: 'resolve' });
  const warning = (await bodyOf('pagerduty', WARNING)) as object;
  expect(warning).toMatchObject({ payload: { severity: 'warning', class: 'DlqVolumeSpike' } });
  expect(warning).not.toHaveProperty('links');
});

test('the title of a page stays within what PagerDuty takes, and begins with what happened', async () => {
  const body = await bodyOf('pagerduty', { ...LONGEST, causes: ['c'.repeat(2_000)] });
  const { payload, dedup_key: key } = body as { payload: { summary: string }; dedup_key: string };
  expect(payload.summary).toHaveLength(1_024);
  expect(payload.summary).toMatch(/^A{200} \(e{100}\): &{300}: c+…$/);
  expect(key.length).toBeLessThanOrEqual(255);
});

test('a message that an older build left in the outbox is told all the same, without a relative link', async () => {
  const {
    severity: _s,
    labels: _l,
    causes: _c,
    facts: _f,
    bill: _b,
    firstCommand: _d,
    ...known
  } = FIRING;
  const stored = {
    ...known,
    description: 'Letters: 6\nOffsets: 1',
    runbookUrl: 'docs/runbooks/X.md',
  };
  const body = await bodyOf('webhook', storedMessage(stored));
  expect(body).toMatchObject({
    commonLabels: { alertname: 'DeadEventRateHigh', severity: 'page' },
    commonAnnotations: { description: expect.stringContaining('\nLetters: 6\nOffsets: 1') },
  });
  expect(JSON.stringify(body)).not.toContain('runbook');
});

test('an incident found late says so', async () => {
  const body = await bodyOf('webhook', { ...FIRING, detectedLate: true });
  expect(body).toMatchObject({ commonAnnotations: { detected_late: 'true' } });
});
