import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { useBench } from './support/bench.ts';
import { EVERYTHING_NEW, UNASKED } from './support/predictions.ts';
import { garbage, type Message } from './support/records.ts';
import { NO_REDIS } from './support/test-writer.ts';

const bench = useBench();

const COPY_FALLBACKS = 'adtally_copy_fallbacks_total';

describe.each([
  ['every key predicted as new', EVERYTHING_NEW],
  ['no key asked for', UNASKED],
  ['nothing predicted', NO_REDIS],
])('with %s', (_what, dedup) => {
  it('I5: of copies in one batch the one at the lowest position is stored', async () => {
    const log = await bench.log();
    const first = log.shown(1, { priceMicros: 10n });
    const other = log.shown(1, { priceMicros: 11n });
    const records = log.append(0, [first, log.shown(2), other, log.shown(2), first]);
    const writer = bench.writer(log, { dedup });
    await writer.claim(0);
    const { counts } = await writer.commit(writer.work(records));
    expect(counts).toMatchObject([{ stored: 2, duplicate: 2, conflict: 1, deadLettered: 0 }]);
    expect(await bench.totals(log)).toMatchObject({ consumed: 5, stored: 2, conflict: 1 });
    expect(await bench.stored(log)).toEqual([
      { partition: 0, offset: 0, micros: 10 },
      { partition: 0, offset: 1, micros: 1_500_000 },
    ]);
    const kept = await bench.control.query(
      'SELECT source_offset::int AS at, record_value FROM conflicts WHERE source_id = $1::int',
      [log.sourceId(0)],
    );
    expect(kept).toEqual([{ at: 2, record_value: other.value }]);
    await bench.expectSound();
  });

  it('a retry that prints the same instant in another way is a duplicate, no conflict', async () => {
    const log = await bench.log();
    const printed = (time: string): Message => {
      const message = log.shown(1);
      const text = (message.value as Buffer).toString().replace(/"2026-[^"]*"/, `"${time}"`);
      return { ...message, value: Buffer.from(text) };
    };
    const records = log.append(0, [
      printed('2026-01-31T12:00:00.123456Z'),
      printed('2026-01-31T12:00:00.123456789Z'),
      printed('2026-01-31T17:30:00.1234567+05:30'),
      printed('2026-01-31T12:00:00.123457Z'),
    ]);
    const writer = bench.writer(log, { dedup });
    await writer.claim(0);
    const { counts } = await writer.commit(writer.work(records));
    expect(counts).toMatchObject([{ stored: 1, duplicate: 2, conflict: 1, deadLettered: 0 }]);
    await bench.expectSound();
  });

  it('I5: copies in later batches, partitions and processes are counted and never stored', async () => {
    const log = await bench.log(2);
    const writer = bench.writer(log, { dedup });
    await writer.claim(0);
    log.append(0, log.manyShown(5));
    await writer.drain();
    log.append(0, [log.shown(3), log.shown(4, { priceMicros: 1n }), log.shown(5)]);
    await writer.drain();
    const other = bench.writer(log, { dedup });
    await other.claim(1);
    log.append(1, [log.shown(6), log.shown(0), log.shown(1, { priceMicros: 2n })]);
    await other.drain();
    expect(await bench.totals(log, 0)).toMatchObject({ stored: 6, duplicate: 1, conflict: 1 });
    expect(await bench.totals(log, 1)).toMatchObject({ stored: 1, duplicate: 1, conflict: 1 });
    expect((await bench.stored(log)).filter(({ micros }) => micros !== 1_500_000)).toEqual([]);
    await bench.expectSound();
  });
});

it('a COPY that met a stored key is written once more the verified way, and counted once', async () => {
  const log = await bench.log(2);
  const writer = bench.writer(log, { dedup: EVERYTHING_NEW });
  await writer.claim(0, 1);
  log.append(0, log.manyShown(50));
  await writer.drain();
  expect(await writer.counter(COPY_FALLBACKS)).toBe(0);
  log.append(0, [...log.manyShown(20, 100), log.shown(7), ...log.manyShown(20, 200)]);
  log.append(1, [log.shown(8), ...log.manyShown(9, 300)]);
  const { counts } = await writer.commit(writer.work([...log.read(0, 50), ...log.read(1, 0)]));
  expect(await writer.counter(COPY_FALLBACKS)).toBe(1);
  expect(counts).toMatchObject([
    { stored: 40, duplicate: 1 },
    { stored: 9, duplicate: 1 },
  ]);
  expect(await bench.totals(log)).toMatchObject({ consumed: 101, stored: 99, duplicate: 2 });
  await bench.expectSound();
});

it('a batch of nothing but rejections moves the cursor past them', async () => {
  const log = await bench.log();
  const writer = bench.writer(log, { dlqTopic: await bench.topic() });
  await writer.claim(0);
  log.append(0, [garbage(), garbage('{}')]);
  await writer.drain();
  expect(await bench.totals(log)).toMatchObject({ consumed: 2, stored: 0, dead_lettered: 2 });
  const [owned] = await writer.claim(0);
  expect(owned?.committedOffset).toBe(2);
  await bench.expectSound();
});
