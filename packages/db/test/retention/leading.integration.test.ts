import { sql } from 'kysely';
import { expect, test, vi } from 'vitest';
import { ADVISORY_LOCK_CLASS, ADVISORY_LOCKS } from '../../src/advisory-locks.ts';
import type { DayArchive } from '../../src/retention/day-archive.ts';
import { dropDays } from '../../src/retention/drop-days.ts';
import { LeadLost } from '../../src/retention/leading.ts';
import { waitingDays } from '../../src/retention/retired-days.ts';
import { options, world } from './days-of-two-topics.ts';

// Some hundred transactions a test, on a machine that may be busy with others.
vi.setConfig({ testTimeout: 240_000 });

test('one process leads: another returns at once', async () => {
  await using the = await world();
  const { db } = the;
  const archive: DayArchive = {
    async keep() {
      expect(await dropDays(db, options())).toMatchObject({ led: false, dropped: [] });
    },
  };
  expect((await dropDays(db, options({ archive }))).dropped).toHaveLength(7);
});

test('a process that lost its lead ends its turn by that name, and notes nothing of the day', async () => {
  await using the = await world();
  const { db } = the;
  let ended = 0;
  const archive: DayArchive = {
    async keep(_retired, _signal, stillLeads) {
      await stillLeads();
      const { rows } = await sql<{ ended: boolean }>`
        SELECT pg_terminate_backend(pid) AS ended FROM pg_locks
        WHERE locktype = 'advisory' AND classid = ${ADVISORY_LOCK_CLASS} AND objid = ${ADVISORY_LOCKS.retention}
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`.execute(
        db,
      );
      ended += rows.length;
      await stillLeads();
    },
  };
  await expect(dropDays(db, options({ archive }))).rejects.toThrow(LeadLost);
  expect(ended).toBe(1);
  // The pool may give the ended session out once more.
  const waits = async () => (await waitingDays(db)).map(({ wait }) => wait);
  await expect.poll(() => waits().catch(() => 'ended')).toEqual(Array(7).fill(null));
  expect((await dropDays(db, options())).dropped).toHaveLength(7);
});
