import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { auditDatabase } from '../src/audit/audit.ts';
import { replaceLag, type PartitionLag } from '../src/partition-lag.ts';
import { acceptLoss } from '../src/sources.ts';
import { standingPartitions } from '../src/standing-partitions.ts';
import { migratedDatabase } from '../testing/migrated-database.ts';
import { countedDatabase } from './counted-database.ts';

const STUCK: PartitionLag = {
  kind: 'events',
  topic: 'ad-events',
  partition: 1,
  sourceId: 2,
  nextOffset: 1_040,
  endOffset: 1_050,
  lagRecords: 10,
  lagSeconds: 50,
  ageFrom: 'append_time',
  state: 'waiting',
  owner: null,
  stuck: { code: 'open_transaction', detail: 'at offset 1040', forMs: 45_000 },
};

test('halts and what the leader lately found stuck stand still, and no audit is complete then', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const { first } = await countedDatabase(db);
  expect(await standingPartitions(db)).toEqual({ partitions: [], isStuckKnown: false });
  expect(await auditDatabase(db)).toMatchObject({ balanced: true, complete: true, standing: [] });

  await sql`UPDATE cursors SET halted_code = 'hole', halted_detail = '40..42 missing', halted_resume_at = 42,
    halted_at = clock_timestamp() WHERE source_id = ${first}`.execute(db);
  const halt = { partition: 0, state: 'halted', code: 'hole', offset: 40, resumeAt: 42 };
  expect(await standingPartitions(db)).toMatchObject({ partitions: [halt], isStuckKnown: false });

  const toldByTheLeader = { code: 'halted', detail: 'hole', forMs: 1 };
  await replaceLag(db, [STUCK, { ...STUCK, partition: 0, sourceId: 1, stuck: toldByTheLeader }]);
  const stuck = { partition: 1, state: 'stuck', code: 'open_transaction', offset: 1_040 };
  const both = { partitions: [halt, stuck], isStuckKnown: true };
  expect(await standingPartitions(db)).toMatchObject(both);
  expect(await auditDatabase(db)).toMatchObject({
    balanced: true,
    complete: false,
    standing: both.partitions,
  });

  await sql`UPDATE partition_lag SET observed_at = clock_timestamp() - interval '1 minute'`.execute(
    db,
  );
  expect(await standingPartitions(db)).toMatchObject({ partitions: [halt], isStuckKnown: false });
  await acceptLoss(db, { sourceId: first, actor: 'ann', reason: 'of this test' });
  expect(await auditDatabase(db)).toMatchObject({ complete: true });
});
