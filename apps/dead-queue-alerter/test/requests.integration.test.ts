import { acknowledgeIncident } from '@adtally/alerting';
import { requestNotification, type NotificationRequest } from '@adtally/db';
import { waitFor } from '@adtally/testkit';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { told } from './support/listener.ts';
import { stage, untilAccepted, type Stage } from './support/stage.ts';

function ask(the: Stage, request: Partial<NotificationRequest> = {}): Promise<void> {
  return requestNotification(the.db, {
    alert: 'DlqVolumeSpike',
    key: 'ad-events/3',
    status: 'firing',
    summary: '40 % rejected',
    detail: {
      code: 'missing_field',
      share: 0.4,
      causes: ['missing field currency, 118 events, source edge-3'],
    },
    requestedBy: 'test',
    ...request,
  });
}

async function untilTaken(the: Stage): Promise<void> {
  await waitFor(
    async () => {
      const { rows } = await sql<{ waiting: number }>`
        SELECT count(*)::int AS waiting FROM notification_requests WHERE taken_at IS NULL`.execute(
        the.db,
      );
      return rows[0]?.waiting === 0;
    },
    { what: 'all requests taken' },
  );
}

test.concurrent('requests of one alert and key are one incident: told once, updated, resolved', async (context) => {
  const the = await stage(context, { env: { INCIDENT_UPDATE_MS: '1s' } });
  await ask(the, { status: 'resolved' }); // of nothing: nobody is told
  await ask(the);
  await ask(the);
  await ask(the, { key: 'ad-events/4' });
  the.start();
  await untilAccepted(the.webhook, 2);
  await untilTaken(the);
  await ask(the, { summary: '60 % rejected' });
  await untilAccepted(the.webhook, 3);
  await ask(the, { status: 'resolved', summary: 'back to normal' });
  await untilAccepted(the.webhook, 4);
  const spike = 'DlqVolumeSpike';
  expect(told(the.webhook)).toEqual([
    `${spike} firing`,
    `${spike} firing`,
    `${spike} More`,
    `${spike} resolved`,
  ]);
  expect(the.webhook.accepted[0]?.body).toMatchObject({
    commonLabels: {
      alertname: spike,
      env: 'default',
      key: 'ad-events/3',
      severity: 'warning',
      topic: 'ad-events',
    },
    commonAnnotations: {
      summary: '40 % rejected',
      description: expect.stringMatching(/\nKey: ad-events\/3\ncode: missing_field\nshare: 0.4$/),
      causes: 'missing field currency, 118 events, source edge-3',
      first_command: expect.stringContaining(
        'ops dead-letters stats --by code,field,version,source',
      ),
    },
  });
  expect(await the.incidents()).toMatchObject([
    { key: 'ad-events/3', status: 'resolved', summary: 'back to normal' },
    { key: 'ad-events/4', status: 'firing' },
  ]);
  await ask(the);
  await untilAccepted(the.webhook, 5);
  expect(await the.incidents()).toHaveLength(3);
});

test.concurrent('requests are told although the broker is away', async (context) => {
  const the = await stage(context);
  const alerter = the.start({ KAFKA_BROKERS: '127.0.0.1:1' });
  await ask(the);
  await untilAccepted(the.webhook, 1);
  expect(told(the.webhook)).toEqual(['DlqVolumeSpike firing']);
  expect((await alerter.get('/livez')).status).toBe(200);
});

test.concurrent('an acknowledged incident is told no more until its resolution, and the act is signed', async (context) => {
  const the = await stage(context, {
    env: { INCIDENT_REPEAT_MS: '1s', INCIDENT_UPDATE_MS: '500ms' },
  });
  the.start();
  await ask(the);
  await untilAccepted(the.webhook, 1);
  const [incident] = await the.incidents();
  const incidentId = incident?.incidentId ?? 0n;
  const request = { incidentId, actor: 'someone', reason: 'on it' };
  expect(await acknowledgeIncident(the.db, request)).toEqual({ outcome: 'acknowledged' });
  const before = the.webhook.accepted.length;
  await ask(the, { summary: 'worse' });
  await untilTaken(the);
  await ask(the, { key: 'another', summary: 'a later one' }); // told behind anything of the first
  await untilAccepted(the.webhook, before + 3); // and repeated
  await ask(the, { status: 'resolved' });
  await waitFor(() => told(the.webhook).includes('DlqVolumeSpike resolved'), { what: 'the end' });
  const ofFirst = the.webhook.accepted.filter(({ body }) =>
    JSON.stringify(body).includes('ad-events/3'),
  );
  expect(ofFirst).toHaveLength(before + 1);
});
