import type { KindResult, Sighting } from './kind.ts';
import type { RecordedResult } from './results.ts';

/** One result for people, as it comes. */
export function resultText(result: KindResult): string {
  const lines = [
    `${result.problems.length === 0 ? 'ok' : 'FAILED'} ${result.name} (${result.expects})`,
    `  evidence  ${result.evidence ?? 'none'}`,
    `  visible   ${sightingText(result.visible)}`,
    `  named     ${sightingText(result.named)}`,
    `  waited    ${result.waitedSeconds.toFixed(0)} s${halted(result)}`,
    `  healed    ${seconds(result.healedSeconds)}`,
    `  count     ${result.exact}`,
    ...result.problems.map((problem) => `  PROBLEM   ${problem}`),
  ];
  return lines.join('\n');
}

/**
 * The report on all results in Markdown.
 *
 * @param command what brought them about
 */
export function resultsMarkdown(results: readonly RecordedResult[], command: string): string {
  const commits = [...new Set(results.map(({ commit }) => commit))];
  const columns = [
    'kind',
    'what was done',
    'expected',
    'records waited',
    'visible after',
    'named after',
    'by',
    'healed after repair',
    'count',
    ...(commits.length > 1 ? ['commit'] : []),
  ];
  const rows = results.map((result) => [
    result.name,
    result.what,
    result.halted.length > 0 ? `halts: ${[...new Set(result.halted)].join(', ')}` : result.expects,
    `${result.waitedSeconds.toFixed(0)} s`,
    afterOf(result, result.visible),
    afterOf(result, result.named),
    result.named === null ? '' : `\`${cell(result.named.by)}\``,
    seconds(result.healedSeconds),
    cell(result.exact),
    ...(commits.length > 1 ? [result.commit] : []),
  ]);
  const problems = results.flatMap(({ name, problems: own }) =>
    own.map((problem) => `- **${name}**: ${cell(problem)}`),
  );
  return [
    '# The breaking run',
    '',
    ...factsOf(results, commits, command),
    '',
    ...[columns, columns.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`),
    '',
    problems.length === 0 ? 'No kind failed.' : `Failed:\n\n${problems.join('\n')}`,
    '',
  ].join('\n');
}

function factsOf(
  results: readonly RecordedResult[],
  commits: readonly string[],
  command: string,
): string[] {
  const days = results.map(({ at }) => at.slice(0, 10)).toSorted();
  const on = days[0] === days.at(-1) ? days[0] : `${days[0]} to ${days.at(-1)}`;
  const broken = [...new Set(results.map((result) => result.seconds))].join(' or ');
  const loads = results.map(({ loadPerCore }) => loadPerCore).toSorted((a, b) => a - b);
  const load = (at: number): string => (loads.at(at) ?? 0).toFixed(1);
  return [
    `Written by \`${command}\` on ${on}, ${results.length} kinds, commit ${commits.join(', ')}. One thing is broken at a time,`,
    `for ${broken} s, in a fresh deployment of two consumers and one of each other service, under a load of 30 records/s, on`,
    'one machine that runs three brokers, PostgreSQL and Redis besides. Seconds count from the break; "healed" from the',
    'repair. "Records waited" is read past the services. A fault that is survived within 15 s need not be told to anybody.',
    `The machine was busy with other work as well: load average per core ${load(Math.floor(loads.length / 2))} in the median, ${load(-1)} at most.`,
  ];
}

function afterOf({ expects, waitedSeconds }: KindResult, sighting: Sighting | null): string {
  if (sighting !== null) return `${sighting.seconds.toFixed(1)} s`;
  return expects === 'survives' && waitedSeconds <= 15 ? 'no need' : '**never**';
}

function sightingText(sighting: Sighting | null): string {
  return sighting === null ? 'never' : `${sighting.seconds.toFixed(1)} s  ${sighting.by}`;
}

function seconds(value: number | null): string {
  return value === null ? '**never**' : `${value.toFixed(1)} s`;
}

function halted({ halted: codes }: KindResult): string {
  return codes.length === 0 ? '' : `, halted: ${[...new Set(codes)].join(', ')}`;
}

/** No line breaks and no bars, which would end a cell. */
function cell(text: string): string {
  return text.replaceAll(/[|\n`]+/g, ' ');
}
