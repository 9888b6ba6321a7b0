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

it('I11: a frontier that went back with its database costs a note too many, once, and refuses nothing', async () => {
  const log = await bench.log();
  const writer = bench.writer(log);
  await writer.claim(0);
  await bench.control.query(`UPDATE write_guards SET frontier_ms = ${BORN_MS + 60_000}`);
  await writer.commit(writer.work(log.append(0, [log.shown(0)])));
  const noted = async () =>
    (
      await bench.control.query('SELECT 1 FROM late_notes WHERE source_ids[1] = $1::int', [
        log.sourceId(0),
      ])
    ).length;
  expect(await noted()).toBe(1);
  // As no order can do it: only another copy of the database stands there.
  await bench.control.query(`ALTER TABLE write_guards DISABLE TRIGGER USER;
    UPDATE write_guards SET frontier_ms = ${BORN_MS - 60_000};
    ALTER TABLE write_guards ENABLE TRIGGER USER`);
  await writer.commit(writer.work(log.append(0, [log.shown(1)])));
  await writer.commit(writer.work(log.append(0, [log.shown(2)])));
  expect(await noted()).toBe(2);
  expect(await bench.totals(log)).toMatchObject({ consumed: 3, stored: 3 });
  await bench.expectSound();
});
