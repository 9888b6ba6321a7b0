import type { KindResult, Sighting } from './kind.ts';

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

/** The table of all results in Markdown. */
export function resultsMarkdown(results: readonly KindResult[], facts: readonly string[]): string {
  const header = [
    '| kind | what was done | expected | records waited | visible after | named after | by | healed after repair | count |',
    '|---|---|---|---|---|---|---|---|---|',
  ];
  const rows = results.map((result) =>
    [
      result.name,
      result.what,
      result.halted.length > 0
        ? `halts: ${[...new Set(result.halted)].join(', ')}`
        : result.expects,
      `${result.waitedSeconds.toFixed(0)} s`,
      afterOf(result, result.visible),
      afterOf(result, result.named),
      result.named === null ? '' : `\`${cell(result.named.by)}\``,
      seconds(result.healedSeconds),
      cell(result.exact),
    ].join(' | '),
  );
  const problems = results.flatMap(({ name, problems: own }) =>
    own.map((problem) => `- **${name}**: ${cell(problem)}`),
  );
  return [
    '# The breaking run',
    '',
    ...facts,
    '',
    ...header,
    ...rows.map((row) => `| ${row} |`),
    '',
    problems.length === 0 ? 'No kind failed.' : `Failed:\n\n${problems.join('\n')}`,
    '',
  ].join('\n');
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
