import { REPOSITORY } from './crash-build.ts';
import { PROTOCOL_FILES, protocolPlaces, type Protocol } from './protocol.ts';
import type { SeriesResult, Signal } from './series.ts';
import { UNREACHED } from './unreached.ts';

/** A result with what it is of. */
export interface RecordedResult extends SeriesResult {
  readonly commit: string;
  /** RFC 3339, when it was there. */
  readonly at: string;
}

const SIGNALS: readonly Signal[] = ['SIGKILL', 'SIGSTOP'];

/** All recorded results in Markdown, the newest of each place, side and signal. */
export function reportMarkdown(results: readonly RecordedResult[]): string {
  const newest = new Map(
    results.map((result) => [`${result.signal} ${result.side} ${result.name}`, result]),
  );
  const all = [...newest.values()];
  const days = all.map(({ at }) => at.slice(0, 10)).toSorted();
  const commits = [...new Set(all.map(({ commit }) => commit))];
  const bad = all.filter(({ problems }) => problems.length > 0);
  return [
    '# The crash series',
    '',
    'Written by `./dev crash-series --results FILE --markdown FILE`, the last column with `--stop` as well,',
    `from ${days[0]} to ${days.at(-1)}, commit ${commits.join(', ')}. At each place a process said where it was and was ended`,
    'or stopped there, or at another place of the same moment, which it named; afterwards the audit balanced, and at the end',
    'of each chain the totals were those of the books. What is a place, a side and a moment:',
    '[ADR 43](../adr/0043-places-are-made-by-the-build.md).',
    '',
    `${all.length} places and sides in all, by ${processes(all)} processes; ${all.length - bad.length} exact.`,
    '',
    '| protocol | places | surely passed by a stage | killed at, exact | frozen at, exact |',
    '| --- | --- | --- | --- | --- |',
    ...protocols().map((protocol) => summaryRow(protocol, all)),
    '',
    ...(bad.length === 0
      ? []
      : ['Not exact:', '', ...bad.map(({ name, problems }) => `- ${name}: ${flat(problems)}`), '']),
    ...missing(all),
    '## Places',
    '',
    '| place | SIGKILL | SIGSTOP |',
    '| --- | --- | --- |',
    ...protocols().flatMap((protocol) => placeRows(protocol, newest)),
    '',
    '## Places that no stage passes for sure',
    '',
    ...UNREACHED.flatMap(({ why, sometimes, places }) => [
      `- ${why}${sometimes === true ? ' (on some runs it is passed)' : ''}: ${places.map((name) => `\`${name}\``).join(', ')}`,
    ]),
    '',
  ].join('\n');
}

/** Those that said a place themselves; the other results are of the same moments. */
function processes(all: readonly RecordedResult[]): number {
  return all.filter(({ evidence }) => evidence.startsWith('said so')).length;
}

function protocols(): Protocol[] {
  return Object.keys(PROTOCOL_FILES) as Protocol[];
}

/** What should have been gone through, and was not. */
function missing(all: readonly RecordedResult[]): string[] {
  const excused = new Set(UNREACHED.flatMap((group) => group.places));
  const sure = protocols()
    .flatMap((protocol) => protocolPlaces(REPOSITORY, protocol))
    .filter(({ name }) => !excused.has(name));
  return SIGNALS.flatMap((signal) => {
    const went = new Set(all.filter((one) => one.signal === signal).map(({ name }) => name));
    const left = sure.filter(({ name }) => !went.has(name)).map(({ name }) => `\`${name}\``);
    if (left.length === 0)
      return [`${signal}: all ${sure.length} places that are surely passed.`, ''];
    if (went.size === 0) return [`${signal}: not run.`, ''];
    const some = `${sure.length - left.length} of ${sure.length} places that are surely passed`;
    return [`${signal}: ${some}. Not yet: ${left.join(', ')}.`, ''];
  });
}

function summaryRow(protocol: Protocol, all: readonly RecordedResult[]): string {
  const places = protocolPlaces(REPOSITORY, protocol).map(({ name }) => name);
  const excused = new Set(UNREACHED.flatMap((group) => group.places));
  const sure = places.filter((name) => !excused.has(name)).length;
  const counted = SIGNALS.map((signal) => {
    const exact = all.filter((one) => one.signal === signal && one.problems.length === 0);
    const names = new Set(exact.map(({ name }) => name));
    return `${places.filter((name) => names.has(name)).length}`;
  });
  return `| ${[protocol, places.length, sure, ...counted].join(' | ')} |`;
}

function placeRows(protocol: Protocol, newest: ReadonlyMap<string, RecordedResult>): string[] {
  return protocolPlaces(REPOSITORY, protocol).flatMap(({ name }) => {
    const cells = SIGNALS.map((signal) =>
      (['before', 'after'] as const)
        .flatMap((side) => {
          const result = newest.get(`${signal} ${side} ${name}`);
          if (result === undefined) return [];
          return [`${side}${result.problems.length === 0 ? '' : ': WRONG'}`];
        })
        .join(', '),
    );
    return cells.every((cell) => cell === '') ? [] : [`| \`${name}\` | ${cells.join(' | ')} |`];
  });
}

function flat(problems: readonly string[]): string {
  return problems.join('; ').replaceAll(/\s+/g, ' ').slice(0, 500);
}
