import { ensureDayPartitions, openDatabase } from '@adtally/db';
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { inSnapshot } from '../src/index.ts';
import { event, idAt, START_MS } from './events.ts';
import { World } from './world.ts';

it('keeps the events of its snapshot in sight: no day is moved into its partition meanwhile', async () => {
  const world = await World.create();
  const maker = openDatabase(world.url, { applicationName: 'maker', maxConnections: 1 });
  try {
    const writer = await world.writer();
    // Its day has no partition yet.
    await writer.commit([
      event({ id: idAt(START_MS, 1), type: 'impression', n: 1, atMs: 0, amount: 1n }),
    ]);
    const make = () => ensureDayPartitions(maker, { now: START_MS, attempts: 1 });
    const seen = await inSnapshot(world.db, async (trx) => {
      await sql`SELECT FROM cursors`.execute(trx);
      expect((await make()).movedRows).toBe(0);
      return await trx.selectFrom('events').select('source_offset').execute();
    });
    expect(seen).toHaveLength(1);
    // Else nothing would have had to wait for us.
    expect((await make()).movedRows).toBe(1);
  } finally {
    await maker.destroy();
    await world.close();
  }
});
