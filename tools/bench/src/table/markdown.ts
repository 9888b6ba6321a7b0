import type { BenchReport } from '../bench-lines.ts';
import { environmentText } from './environment.ts';
import type { Figure } from './figure.ts';

/** The report as a Markdown table, each cell as wide as its column. */
export function markdown(report: BenchReport): string {
  const head = ['figure', 'means', 'goal', 'measured', 'unit', 'met', 'spread (runs)'];
  const rows = [head, ...report.lines.flatMap(({ figures }) => figures.map(cellsOf))];
  const widths = head.map((_, column) =>
    Math.max(...rows.map((cells) => (cells[column] ?? '').length)),
  );
  const lineOf = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  const [titles = [], ...rest] = rows;
  const problems = report.lines.flatMap(({ line, problems: found }) =>
    found.map((problem) => `- **${line} was not exact**: ${problem}`),
  );
  return [
    environmentText(report.environment),
    '',
    lineOf(titles),
    rule,
    ...rest.map(lineOf),
    ...(problems.length === 0 ? [] : ['', ...problems]),
  ].join('\n');
}

function cellsOf({ name, means, goal, measured, unit, met, spread, runs }: Figure): string[] {
  return [
    name,
    means,
    goal ?? '',
    measured === null ? '-' : String(measured),
    unit,
    met === null ? '' : met ? 'yes' : 'NO',
    spread === null ? '' : `${spread[0]} - ${spread[1]} (${runs})`,
  ];
}
