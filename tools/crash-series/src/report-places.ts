import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from './crash-build.ts';
import type { Side } from './gate-env.ts';
import { moduleName, placesOf } from './places.ts';
import { PROTOCOL_FILES, type Protocol } from './protocol.ts';
import type { RecordedResult } from './recorded-result.ts';
import type { Signal } from './series.ts';

const SIDES: readonly Side[] = ['before', 'after'];

/** Every place that something went at, folded by file; by `signal side name`. */
export function placesSection(newest: ReadonlyMap<string, RecordedResult>): string[] {
  return [
    '## Places',
    '',
    'A file unfolds to its places: `class.function > what is awaited`, and the sides at which it was gone through.',
    '',
    ...Object.entries(PROTOCOL_FILES).flatMap(([protocol, files]) => [
      `### ${protocol as Protocol}`,
      '',
      ...files.flatMap((file) => fileFold(file, newest)),
    ]),
  ];
}

function fileFold(file: string, newest: ReadonlyMap<string, RecordedResult>): string[] {
  const module = moduleName(file);
  const places = placesOf(file, readFileSync(join(REPOSITORY, file), 'utf8'));
  const gone = places
    .map(({ name }) => ({
      name,
      killed: sidesOf('SIGKILL', name, newest),
      frozen: sidesOf('SIGSTOP', name, newest),
    }))
    .filter(({ killed, frozen }) => killed.length + frozen.length > 0);
  if (gone.length === 0) return [];
  const killed = gone.flatMap((place) => place.killed).length;
  const frozen = gone.flatMap((place) => place.frozen).length;
  const rows = gone.map((place) => {
    const name = place.name.slice(module.length + 1);
    return `| \`${name}\` | ${place.killed.join(', ')} | ${place.frozen.join(', ')} |`;
  });
  return [
    '<details>',
    `<summary>${module}: ${gone.length} of ${places.length} places, ${killed} sides killed at, ${frozen} frozen at</summary>`,
    '',
    '| place | killed | frozen |',
    '| --- | --- | --- |',
    ...rows,
    '',
    '</details>',
    '',
  ];
}

function sidesOf(
  signal: Signal,
  name: string,
  newest: ReadonlyMap<string, RecordedResult>,
): string[] {
  return SIDES.flatMap((side) => {
    const result = newest.get(`${signal} ${side} ${name}`);
    if (result === undefined) return [];
    return [result.problems.length === 0 ? side : `${side}: WRONG`];
  });
}
