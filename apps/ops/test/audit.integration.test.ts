import { auditResults, registerTopic } from '@adtally/db';
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
