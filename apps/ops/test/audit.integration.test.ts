import { auditResults, registerTopic, type SinceReport } from '@adtally/db';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { opsStage } from './support/ops.ts';

test('an audit exits 0 only when all balances, 3 where a partition stands still, 1 where a check does not hold', async () => {
  const { db, ops, json } = await opsStage();
  const topic = { kind: 'events', topic: 'ad-events', partitions: 1, genesis: () => 5n } as const;
  const [source] = await registerTopic(db, { ...topic, topicId: 'old' });
  const id = source?.sourceId ?? 0;
  expect(await json('audit', '--full')).toMatchObject({
    code: 0,
    result: { balanced: true, complete: true },
  });
  expect((await auditResults(db)).map(({ checkedBy }) => checkedBy)).toContain('ann: ops audit');

  await registerTopic(db, { ...topic, topicId: 'new' });
  const incomplete = await ops('audit');
  expect(incomplete.code).toBe(3);
  expect(incomplete.stdout).not.toContain('Everything balances');
  expect(incomplete.stdout).toContain(`source ${id} ad-events[0] is halted at 5: topic_recreated`);
  expect(incomplete.stdout).toContain(
    'What was counted balances, but it is NOT everything: partitions stand still (1 halted).',
  );
  const accept = ['accept-loss', '--source', String(id), '--execute', '--reason', 'wiped'];
  expect((await json(...accept)).result).toMatchObject({ lost: 0, closed: true });
  expect((await ops('audit')).code).toBe(0);

  await db
    .insertInto('dead_letter_refs')
    .values({
      source_id: id,
      source_offset: 7n,
      code: 'empty',
      record_sha256: Buffer.alloc(32),
    })
    .execute();
  const unbalanced = await ops('audit');
  expect(unbalanced.code).toBe(1);
  expect(unbalanced.stdout).toContain('dead-letter-refs does not hold');
  expect(unbalanced.stdout).toContain('[7, 8)');
  // Known to whoever tells metrics and pages.
  expect((await auditResults(db)).filter(({ offence }) => offence !== null)).toMatchObject([
    { scope: 'full', checkId: 'dead-letter-refs', offence: expect.stringContaining('[7, 8)') },
  ]);
});

test('--since looks at what was counted since then, says so, and writes nothing down', async () => {
  const { db, ops, json } = await opsStage();
  const [source] = await registerTopic(db, {
    kind: 'events',
    topic: 'ad-events',
    topicId: 'id',
    partitions: 1,
    genesis: () => 0n,
  });
  const id = source?.sourceId ?? 0;
  // One counted long ago, one now; of both the ledger counts a row that is not there.
  await sql`INSERT INTO ledger (source_id, first_offset, end_offset, epoch, consumed, stored, committed_at)
    VALUES (${id}, 0, 1, 0, 1, 1, '2026-01-01T00:00:00Z'), (${id}, 1, 2, 0, 1, 1, now())`.execute(
    db,
  );
  await sql`UPDATE cursors SET next_offset = 2`.execute(db);
  const { code, result } = await json('audit', '--since', '2026-02-01');
  expect(code).toBe(1);
  expect(result).toMatchObject({ since: '2026-02-01T00:00:00.000Z', balanced: false });
  const failed = (result as SinceReport).checks.filter(({ ok }) => !ok);
  expect(failed.map(({ id: check, offending }) => [check, offending.length])).toEqual([['I4', 1]]);

  const later = await ops('audit', '--since', new Date(Date.now() + 3_600_000).toISOString());
  expect(later.code).toBe(0);
  expect(later.stdout).toMatch(/What was counted since \S+ balances\./);
  expect(later.stdout).not.toContain('consumed');
  expect(await auditResults(db)).toEqual([]);
  expect((await ops('audit', '--since', '2026-02-01', '--full')).code).toBe(2);
});
