import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { BOARDS, dashboardOf } from '../src/index.ts';
import { ROOT } from './support/root.ts';

const FOLDER = join(ROOT, 'infra/grafana/dashboards');
const PANELS = BOARDS.flatMap(({ name, rows }) =>
  Object.values(rows)
    .flat()
    .map((panel) => ({ board: name, ...panel })),
);
/** What a Prometheus makes of a histogram's name. */
const SERIES = /\b(?:adtally|process)_\w+/g;
const OF_HISTOGRAM = /_(?:bucket|sum|count)$/;

test.each(BOARDS)(
  'the file of $name in infra/grafana/dashboards is what is declared',
  async (board) => {
    const text = `${JSON.stringify(dashboardOf(board), undefined, 2)}\n`;
    await expect(text).toMatchFileSnapshot(join(FOLDER, `${board.name}.json`));
  },
);

test('no other dashboard is there', () => {
  expect(readdirSync(FOLDER).toSorted()).toEqual(
    BOARDS.map(({ name }) => `${name}.json`).toSorted(),
  );
});

test('every metric that a panel asks for is one of docs/metrics.md', () => {
  const document = readFileSync(join(ROOT, 'docs/metrics.md'), 'utf8');
  const known = new Set([...document.matchAll(/^\| `(\w+)` \|/gm)].map(([, name = '']) => name));
  expect(known.size).toBeGreaterThan(50);
  const asked = new Set(
    PANELS.flatMap(({ queries }) => Object.values(queries))
      .flatMap((query) => query.match(SERIES) ?? [])
      .map((name) => (known.has(name) ? name : name.replace(OF_HISTOGRAM, ''))),
  );
  expect([...asked.difference(known)]).toEqual([]);
});

test('every runbook that a panel links to is there', () => {
  const runbooks = PANELS.flatMap(({ runbook }) => runbook ?? []);
  expect(runbooks.filter((name) => !existsSync(join(ROOT, `docs/runbooks/${name}.md`)))).toEqual(
    [],
  );
});

test.each(BOARDS)('the panels of $name lie side by side on a grid of 24 columns', (board) => {
  const taken = new Set<string>();
  for (const { gridPos } of dashboardOf(board).panels ?? []) {
    const { x = 0, y = 0, w = 0, h = 0 } = gridPos ?? {};
    expect(x + w).toBeLessThanOrEqual(24);
    for (let cell = 0; cell < w * h; cell += 1) {
      const place = `${x + (cell % w)},${y + Math.floor(cell / w)}`;
      expect(taken).not.toContain(place);
      taken.add(place);
    }
  }
  expect(taken.size).toBeGreaterThan(24);
});

test('every panel says what it shows, in words and with a unit, under a title of its own', () => {
  for (const { board, title, description, unit } of PANELS) {
    expect({ board, title, description }).toMatchObject({
      description: expect.stringMatching(/^[A-Z0-9=].{10,}\.$/s),
    });
    expect(unit).not.toBe('');
  }
  const titles = PANELS.map(({ board, title }) => `${board}: ${title}`);
  expect(titles).toHaveLength(new Set(titles).size);
});
