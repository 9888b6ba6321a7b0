import { expect, it } from 'vitest';
import { useBench } from './support/bench.ts';
import { BORN_MS } from './support/records.ts';

const bench = useBench();

it('I11: a batch that meets a frontier it did not know is written again with its note, and counts once', async () => {
  const log = await bench.log();
  const writer = bench.writer(log);
  await writer.claim(0);
  const late = [...log.manyShown(3), log.shown(0)];
  const young = log.shown(9, { bornMs: BORN_MS + 3_600_000 });
  const work = writer.work(log.append(0, [...late, young]));
  await bench.control.query(`UPDATE write_guards SET frontier_ms = ${BORN_MS + 60_000}`);
  await writer.commit(work);
  const notes = await bench.control.query(
    `SELECT first_offsets::text AS first, end_offsets::text AS ends, impressions, impression_ids::text AS ids
     FROM late_notes`,
  );
  // The copy and the young one are not in it.
  expect(notes).toEqual([
    {
      first: '{0}',
      ends: '{5}',
      impressions: 3,
      ids: expect.stringContaining(log.impressionId(2)),
    },
  ]);
  expect(await bench.totals(log)).toMatchObject({ consumed: 5, stored: 4, duplicate: 1 });

  // It knows the frontier now: the next one is noted at once, and nothing of a duplicate is.
  await writer.commit(writer.work(log.append(0, [log.shown(1), log.shown(5)])));
  expect(await bench.control.query('SELECT impressions FROM late_notes ORDER BY note_id')).toEqual([
    { impressions: 3 },
    { impressions: 1 },
  ]);
  await bench.expectSound();
});
