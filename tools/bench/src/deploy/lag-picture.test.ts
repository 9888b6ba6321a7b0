import { expect, test } from 'vitest';
import { type LagMoment, lagPicture } from './lag-picture.ts';

const RATE = 25_000;

/** Fifty points a second from a minute before to a minute after, with a short peak. */
function curve(peakSeconds: number, peak: number): LagMoment[] {
  return Array.from({ length: 6_000 }, (_, n) => {
    const seconds = n / 50 - 60;
    return { seconds, records: seconds === peakSeconds ? peak : 500 };
  });
}

/** Vertical places of each curve's points, in pixels from above. */
function heightsOf(svg: string): number[][] {
  const lines = /<g[^>]*aria-label="line".*?<\/g>/s.exec(svg)?.[0] ?? '';
  return [...lines.matchAll(/<path[^>]* d="([^"]+)"/g)].map(([, path = '']) =>
    [...path.matchAll(/[ML][\d.]+,([\d.]+)/g)].map(([, y]) => Number(y)),
  );
}

test('each curve is drawn and named, and a peak of a fiftieth of a second is seen', () => {
  const svg = lagPicture(
    [
      { name: 'one', points: curve(2, 900_000) },
      { name: 'two', points: curve(-1, 9_000) },
    ],
    RATE,
  );
  expect(svg.startsWith('<svg ')).toBe(true);
  expect(svg).toContain('xmlns="http://www.w3.org/2000/svg"');
  expect(svg).toMatch(/>one<[^]*>two</);
  expect(svg).toContain('25,000 a second');
  const [first = [], second = []] = heightsOf(svg);
  // Less is lower, so further from above.
  expect(Math.min(...first)).toBeLessThan(Math.min(...second));
  expect(Math.min(...second)).toBeLessThan(Math.max(...second));
});

test('what is not shown is not drawn, and a lag of nothing stands at the bottom', () => {
  const hidden = curve(-30, 900_000).map((point) => ({
    ...point,
    records: point.seconds > 20 ? 0 : point.records,
  }));
  const [heights = []] = heightsOf(lagPicture([{ name: 'one', points: hidden }], RATE));
  expect(heights.length).toBeGreaterThan(200);
  expect(heights.length).toBeLessThan(300);
  expect(heights.every((y) => Number.isFinite(y))).toBe(true);
  expect(heights.at(-1)).toBe(Math.max(...heights));
});
