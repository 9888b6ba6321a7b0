import { describe, expect, it } from 'vitest';
import { progressPrinter, progressText } from './progress.ts';

/** What a printer writes during a run of 1000 records in 10 s, told of every record. */
function written(isTTY: boolean): string[] {
  const texts: string[] = [];
  const print = progressPrinter({ isTTY, write: (text: string) => texts.push(text) });
  for (let attempted = 1; attempted <= 1000; attempted += 1)
    print({ attempted, events: 1000, elapsedMs: attempted * 10 });
  return texts;
}

describe('progress', () => {
  it('says how far the run is, how fast, and how long it still takes', () => {
    const text = progressText({ attempted: 25_000, events: 100_000, elapsedMs: 5000 });
    expect(text).toBe(
      '[######..................] 25% 25,000 of 100,000 records, 5,000/s, 15 s left',
    );
  });

  it('survives a run of no records and the first instant of one', () => {
    expect(progressText({ attempted: 0, events: 0, elapsedMs: 0 })).toContain('100%');
    expect(progressText({ attempted: 0, events: 5, elapsedMs: 0 })).toContain('0%');
  });

  it('writes sparse whole lines where the output is no terminal, the last one at the end', () => {
    const lines = written(false);
    expect(lines.length).toBeLessThanOrEqual(11);
    expect(lines.every((line) => line.endsWith('\n') && !line.includes('\r'))).toBe(true);
    expect(lines.at(-1)).toContain('100%');
  });

  it('redraws one line on a terminal and ends it', () => {
    const draws = written(true);
    expect(draws.every((draw) => draw.startsWith('\r'))).toBe(true);
    expect(draws.filter((draw) => draw.endsWith('\n'))).toHaveLength(1);
    expect(draws.at(-1)).toMatch(/100%.*\n$/);
  });
});
