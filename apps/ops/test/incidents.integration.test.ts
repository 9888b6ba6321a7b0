import { insertIncident } from '@adtally/alerting';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { opsStage } from './support/ops.ts';

test('incidents are listed, shown and acknowledged once, with a name and a reason', async () => {
  const { db, ops, json } = await opsStage();
  const base = {
    alert: 'DeadEventRateHigh',
    startsAt: new Date('2026-03-01T00:00:00Z'),
    letters: 6,
  };
  const over = await insertIncident(db, {
    ...base,
    key: 'old',
    endsAt: new Date('2026-03-01T00:10:00Z'),
    summary: 'over',
    detail: {},
  });
  const open = await insertIncident(db, {
    ...base,
    key: 'new',
    summary: 'on',
    detail: { causes: [1] },
  });
  const id = String(open.incidentId);
  await sql`
    INSERT INTO notifications (incident_id, revision, sink, kind, message, attempts)
    VALUES (${id}::bigint, 1, 'webhook', 'firing', '{}', 2)`.execute(db);
  const listed = async (...argv: string[]) =>
    (await json('incidents', 'list', ...argv)).result.incidents.map(
      ({ summary }: { summary: string }) => summary,
    );
  expect(await listed()).toEqual(['on', 'over']);
  expect(await listed('--status', 'firing')).toEqual(['on']);
  expect(await listed('--alert', 'Another')).toEqual([]);
  expect((await json('incidents', 'show', id)).result).toMatchObject({
    incident: Number(id),
    letters: 6,
    detail: { causes: [1] },
    notifications: [{ sink: 'webhook', kind: 'firing', state: 'waiting', attempts: 2 }],
  });
  expect((await ops('incidents', 'ack', id)).code).toBe(2);
  expect((await json('incidents', 'ack', id, '--reason', 'mine')).result).toMatchObject({
    executed: true,
    outcome: 'acknowledged',
  });
  expect(await json('incidents', 'ack', id, '--reason', 'mine')).toMatchObject({
    code: 4,
    result: { executed: false, by: 'ann' },
  });
  expect((await ops('incidents', 'ack', String(over.incidentId), '--reason', 'x')).code).toBe(4);
  for (const verb of [['show'], ['ack', '--reason', 'x']]) {
    expect((await json('incidents', verb[0] ?? '', '999', ...verb.slice(1))).code).toBe(4);
  }
  const table = await ops('incidents', 'list');
  expect(table.stdout).toMatch(/acknowledged +DeadEventRateHigh .* 6 +on\n/);
  expect((await ops('incidents', 'show', id)).stdout).toContain('webhook  waiting  2 attempts');
  const { rows } = await sql`SELECT actor, action, reason FROM operator_actions`.execute(db);
  expect(rows).toEqual([{ actor: 'ann', action: 'acknowledge-incident', reason: 'mine' }]);
});
