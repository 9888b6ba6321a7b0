import fc from 'fast-check';
import { expect, test } from 'vitest';
import { firstReadable } from './first-readable.ts';

interface Batch {
  /** Offsets that nobody can be given lie before it, as after compaction. */
  readonly gap: number;
  readonly length: number;
}

const batch = fc.record({ gap: fc.nat(5), length: fc.integer({ min: 1, max: 500 }) });

/** A damaged batch at `bad`, then so many offsets that cannot be had, then batches. */
function logOf(bad: number, damaged: number, batches: readonly Batch[]) {
  const starts: { start: number; end: number }[] = [];
  let end = bad + damaged;
  for (const { gap, length } of batches) {
    starts.push({ start: end + gap, end: end + gap + length });
    end += gap + length;
  }
  const batchAt = async (offset: number) =>
    offset < bad + damaged ? null : (starts.find((one) => one.end > offset)?.start ?? null);
  return { batchAt, end, first: starts[0]?.start ?? end };
}

test('finds where the batch behind a damaged stretch begins, or the end of the log', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(1_000),
      fc.integer({ min: 1, max: 3_000 }),
      fc.array(batch, { maxLength: 5 }),
      async (bad, damaged, batches) => {
        const { batchAt, end, first } = logOf(bad, damaged, batches);
        expect(await firstReadable(bad, end, batchAt)).toBe(first);
      },
    ),
  );
});

test('asks about a thousand million offsets in some tens of questions', async () => {
  let questions = 0;
  const start = 1_234_567_890;
  const batchAt = async (offset: number) => {
    questions += 1;
    return offset < start ? null : start;
  };
  expect(await firstReadable(7, 2 ** 40, batchAt)).toBe(start);
  expect(questions).toBeLessThan(70);
});
