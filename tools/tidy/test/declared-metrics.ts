import { globSync } from 'node:fs';
import { join } from 'node:path';
import type { MetricDefinition, MetricDefinitions } from '@adtally/telemetry';

import { ROOT } from './turbo.ts';

/** Where a package or an app declares metrics: every export of such a file that is a map of definitions. */
const DECLARING = '{apps,packages}/*/src/**/{metrics,*-metrics}.ts';
/** What an app exports by this name is all that its process measures. */
const ALL_OF_AN_APP = 'METRICS';

export interface DeclaredMetrics {
  /** By the file that declares it: the definitions that no file before it declares. */
  readonly owned: ReadonlyMap<string, readonly MetricDefinition[]>;
  /** By app: the names its process measures. */
  readonly measured: ReadonlyMap<string, ReadonlySet<string>>;
}

function isDefinitions(value: unknown): value is MetricDefinitions {
  const all = typeof value === 'object' && value !== null ? Object.values(value) : [];
  return all.length > 0 && all.every((one) => typeof one === 'object' && 'help' in (one as object));
}

/** Reads the declarations of the whole repository: packages first, so that an app owns what is left. */
export async function declaredMetrics(): Promise<DeclaredMetrics> {
  const files = globSync(DECLARING, { cwd: ROOT }).filter((file) => !file.includes('.test.'));
  const isApp = (file: string): boolean => file.startsWith('apps/');
  const known = new Set<MetricDefinition>();
  const owned = new Map<string, MetricDefinition[]>();
  const measured = new Map<string, ReadonlySet<string>>();
  const inOrder = files.toSorted((a, b) => Number(isApp(a)) - Number(isApp(b)) || (a < b ? -1 : 1));
  for (const file of inOrder) {
    const exports = (await import(join(ROOT, file))) as Record<string, unknown>;
    const maps = Object.values(exports).filter(isDefinitions);
    const own = new Set(maps.flatMap((map) => Object.values(map)).filter((one) => !known.has(one)));
    for (const definition of own) known.add(definition);
    if (own.size > 0) owned.set(file, [...own]);
    const all = exports[ALL_OF_AN_APP];
    if (isApp(file) && isDefinitions(all)) {
      measured.set(file.split('/')[1] ?? '', new Set(Object.values(all).map(({ name }) => name)));
    }
  }
  return { owned, measured };
}
