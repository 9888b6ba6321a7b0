import type { MetricDefinitions } from '../src/metric-definition.ts';

/**
 * The names that have a series in a Prometheus text, sorted; a histogram by its own name. Without
 * `target_info`, which is the exporter's.
 */
export function toldNames(text: string): string[] {
  const told = new Set<string>();
  let name = '';
  for (const line of text.split('\n')) {
    if (line.startsWith('# TYPE ')) name = line.split(' ')[2] ?? '';
    else if (line !== '' && !line.startsWith('#')) told.add(name);
  }
  told.delete('target_info');
  return [...told].toSorted();
}

/** The names these definitions may tell, sorted. */
export function declaredNames(definitions: MetricDefinitions): string[] {
  return Object.values(definitions)
    .map(({ name }) => name)
    .toSorted();
}

/** Those of them that have a series from the first scrape on, whatever happens. */
export function presetNames(definitions: MetricDefinitions): string[] {
  return Object.values(definitions)
    .filter(({ kind, startsAbsent }) => kind !== 'histogram' && startsAbsent !== true)
    .filter(({ labels }) => Object.values(labels).every((values) => values !== 'open'))
    .map(({ name }) => name)
    .toSorted();
}

/** What a service tells beyond its declarations, and what of them it leaves out though it never may. */
export function compareTold(
  text: string,
  definitions: MetricDefinitions,
): { undeclared: string[]; missing: string[] } {
  const told = toldNames(text);
  const declared = declaredNames(definitions);
  return {
    undeclared: told.filter((name) => !declared.includes(name)),
    missing: presetNames(definitions).filter((name) => !told.includes(name)),
  };
}
