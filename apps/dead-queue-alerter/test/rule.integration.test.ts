import { produceRecords } from '@adtally/testkit';
import { expect, test } from 'vitest';
import { PAGE, told } from './support/listener.ts';
import { letterRecord, stage, untilAccepted } from './support/stage.ts';

test.concurrent('5 letters within 60 s page nobody, the 6th pages once', async (context) => {
  const the = await stage(context);
  const alerter = the.start();
  await the.die(5);
  await the.untilEvaluated(5, alerter);
  expect(await the.incidents()).toEqual([]);
  await the.die(1);
  await untilAccepted(the.webhook, 1);
  await the.untilEvaluated(6, alerter);
  expect(told(the.webhook)).toEqual([PAGE]);
  expect(await the.incidents()).toMatchObject([{ status: 'firing', letters: 6n }]);
});

test.concurrent.for([['exactly 60,000 ms', 60_000, 0] as const, ['59,999 ms', 59_999, 1] as const])(
  '6 letters whose last is %s after the first: %s, %i pages',
  async ([, spanMs, pages], context) => {
    const the = await stage(context, { timestamps: 'CreateTime' });
    const baseMs = Date.now() - 70_000;
    const alerter = the.start();
    await the.die(6, { timesMs: [0, 1, 2, 3, 4, spanMs].map((ms) => baseMs + ms) });
    await the.untilEvaluated(6, alerter);
    if (pages > 0) await untilAccepted(the.webhook, pages);
    expect(await the.incidents()).toHaveLength(pages);
  },
);

test.concurrent('second copies of a letter count once; another series and records of strangers count', async (context) => {
  const the = await stage(context);
  const alerter = the.start();
  const copies = Array.from({ length: 7 }, () => letterRecord({ offset: 1 }));
  await produceRecords(the.topic, copies);
  await produceRecords(
    the.topic,
    [2, 3, 1, 2].map((offset) => letterRecord({ offset })),
  );
  await the.untilEvaluated(3, alerter);
  await alerter.untilMetric('adtally_dead_arrivals_total', 8, 'kind="copy"');
  expect(await the.incidents()).toEqual([]);

  await produceRecords(the.topic, [
    letterRecord({ offset: 1, series: 1 }), // what an absent series means
    letterRecord({ offset: 1, series: 2 }),
    { partition: 0, value: Buffer.from('somebody else') },
    { partition: 0, value: Buffer.from('somebody else') },
  ]);
  await the.untilEvaluated(6, alerter);
  await untilAccepted(the.webhook, 1);
  expect(await the.incidents()).toMatchObject([{ letters: 6n }]);
});

test.concurrent('a burst of 10,000 letters is one incident and one page', async (context) => {
  const the = await stage(context);
  const alerter = the.start();
  await the.die(10_000);
  await the.untilEvaluated(10_000, alerter);
  await untilAccepted(the.webhook, 1);
  expect(told(the.webhook)).toEqual([PAGE]);
  expect(await the.incidents()).toMatchObject([{ status: 'firing', letters: 10_000n }]);
});

test.concurrent('a growing incident is updated at most once in the update time, never paged again', async (context) => {
  const the = await stage(context, { env: { INCIDENT_UPDATE_MS: '1s' } });
  const alerter = the.start();
  await the.die(6);
  await untilAccepted(the.webhook, 1);
  for (let round = 0; round < 5; round += 1) await the.die(10);
  await the.untilEvaluated(56, alerter);
  await untilAccepted(the.webhook, 2);
  const kinds = told(the.webhook);
  expect(kinds[0]).toBe(PAGE);
  expect(new Set(kinds.slice(1))).toEqual(new Set(['DeadEventRateHigh More']));
  // Far fewer than rounds of letters; a slow machine may take some seconds for them.
  const [first, last] = [the.webhook.accepted[0], the.webhook.accepted.at(-1)];
  const spentMs = (last?.atMs ?? 0) - (first?.atMs ?? 0);
  expect(kinds.length - 1).toBeLessThanOrEqual(spentMs / 1_000 + 1);
});

test.concurrent('a page says in words why letters died and who sent them, and where to begin', async (context) => {
  const env = {
    ALERT_LABELS: 'team=ads,cluster=eu1',
    RUNBOOK_BASE_URL: 'https://wiki.example/rb/',
  };
  const the = await stage(context, { env });
  const alerter = await the.start().active();
  const ofVersion4 = { code: 'schema_mismatch', field: 'schema_version' };
  const json = { schema_version: 4, source: 'edge-3' };
  const fingerprint = '3f9c21aa07be5d44';
  await produceRecords(the.topic, [
    ...[1, 2, 3, 4].map((offset) => letterRecord({ offset, ...ofVersion4, fingerprint, json })),
    letterRecord({ offset: 5, ...ofVersion4, json: { ...json, source: 'edge-1' } }),
    letterRecord({ offset: 6, field: 'currency', json }),
  ]);
  await the.untilEvaluated(6, alerter);
  await untilAccepted(the.webhook, 1);
  const [page] = the.webhook.accepted;
  const { commonLabels, commonAnnotations } = (page?.body ?? {}) as {
    commonLabels?: object;
    commonAnnotations?: Record<string, string>;
  };
  expect(commonLabels).toMatchObject({
    team: 'ads',
    cluster: 'eu1',
    severity: 'page',
    topic: the.topic,
  });
  expect(commonAnnotations).toMatchObject({
    runbook_url: 'https://wiki.example/rb/DeadEventRateHigh.md',
    first_command: 'ops dead-letters stats --by code,field,version,source --state dead',
    bill: expect.stringContaining('missing from the counts'),
  });
  expect(commonAnnotations?.['causes']?.split('\n')).toEqual([
    `schema version 4 (this build reads 1), 5 events, source edge-3 and 1 more (fingerprint ${fingerprint}, e.g. ad-events/0@1)`,
    'missing field currency, 1 event, source edge-3 (e.g. ad-events/0@6)',
  ]);
});

test.concurrent('an incident that stays open is told again after the repeat time', async (context) => {
  const the = await stage(context, { env: { INCIDENT_REPEAT_MS: '1500ms' } });
  the.start();
  await the.die(6);
  await untilAccepted(the.webhook, 3);
  expect(told(the.webhook).slice(0, 3)).toEqual([
    PAGE,
    'DeadEventRateHigh Still firing',
    'DeadEventRateHigh Still firing',
  ]);
  expect(await the.incidents()).toHaveLength(1);
});
