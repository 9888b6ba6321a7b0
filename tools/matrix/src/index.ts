import { execFileSync } from 'node:child_process';
import { type Report, repositoryRoot } from '@adtally/local-stack';
import { runDemo, type DemoOutcome } from './demo.ts';
import type { Subject } from './subject.ts';
import type { MatrixRow } from './table.ts';

export { SUBJECTS, type SubjectName } from './subjects.ts';
export { recordRow, type MatrixRow } from './table.ts';

export interface MatrixOptions {
  readonly subject: Subject;
  readonly versions: readonly string[];
  readonly ways: readonly string[];
  /** Of each demo. */
  readonly events: number;
  readonly report: Report;
  /** Gets each row as soon as it is there. */
  readonly onRow: (row: MatrixRow) => void;
}

/** Runs the demo with every version in every way, one after the other. A line that fails ends none of the others. */
export async function runMatrix(options: MatrixOptions): Promise<MatrixRow[]> {
  const { subject, versions, ways, report, onRow } = options;
  const rows: MatrixRow[] = [];
  for (const version of versions) {
    for (const way of ways) {
      const server = `${subject.title} ${version}`;
      report(`${server}, ${way}`);
      const { exact, words } = await runLine(options, version, way);
      const date = new Date().toISOString().slice(0, 10);
      const row = { server, way, exact, words, date, commit: currentCommit() };
      rows.push(row);
      onRow(row);
    }
  }
  return rows;
}

async function runLine(
  { subject, events, report }: MatrixOptions,
  version: string,
  way: string,
): Promise<DemoOutcome> {
  try {
    const server = await subject.start(version, way, report);
    try {
      return await runDemo(server, events);
    } finally {
      await server.close();
    }
  } catch (error) {
    return { exact: false, words: error instanceof Error ? error.message : String(error) };
  }
}

/** The last that changed more than the table; short, and with `+` where other changes are not committed. */
function currentCommit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: repositoryRoot, encoding: 'utf8' }).trim();
  const others = ['--', ':!docs/matrix.md'];
  try {
    const changes = git('status', '--porcelain', '--untracked-files=no', ...others);
    return `${git('log', '-1', '--format=%h', ...others)}${changes === '' ? '' : '+'}`;
  } catch {
    return 'unknown';
  }
}
