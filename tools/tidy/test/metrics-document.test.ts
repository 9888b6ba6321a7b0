import { join } from 'node:path';
import { expect, test } from 'vitest';

import { declaredMetrics } from './declared-metrics.ts';
import { metricsDocument } from './metrics-document.ts';
import { ROOT } from './turbo.ts';

const declared = await declaredMetrics();
const all = [...declared.owned.values()].flat();

test('every service declares what it measures', () => {
  expect([...declared.measured.keys()]).toEqual([
    'backfill-runner',
    'dead-queue-alerter',
    'dlq-reprocessor',
    'ingest-consumer',
  ]);
});

test('every name is declared once and keeps the naming rules', () => {
  const names = all.map(({ name }) => name);
  expect(names.toSorted()).toEqual([...new Set(names)].toSorted());
  for (const { name, kind, buckets } of all) {
    expect(name).toMatch(/^(adtally|process)_[a-z0-9_]+$/);
    expect([name, name.endsWith('_total'), buckets !== undefined]).toEqual([
      name,
      kind === 'counter',
      kind === 'histogram',
    ]);
  }
});

test('docs/metrics.md is what the declarations say', async () => {
  await expect(metricsDocument(declared)).toMatchFileSnapshot(join(ROOT, 'docs/metrics.md'));
});
