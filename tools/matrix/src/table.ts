import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/** One line of the document. Server and way together name it. */
export interface MatrixRow {
  /** With its version: `Kafka 4.3.1`. */
  readonly server: string;
  readonly way: string;
  readonly exact: boolean;
  readonly words: string;
  /** `2026-11-29` */
  readonly date: string;
  readonly commit: string;
}

const COLUMNS = ['server', 'connection', 'count', 'what', 'date', 'commit'] as const;
const EXACT = 'exact';
const NOT_EXACT = '**FAILED**';

const HEAD = `# What it was run with

Written by \`./dev matrix\` ([how](../tools/matrix/README.md)), which belongs to no check. Each line is \`./dev demo\` with one
consumer killed: every event, rollup and letter compared with what was sent, and the audit balanced.
`;

/** The rows a document holds; text around the table is of no account. */
export function parseMatrix(text: string): MatrixRow[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| ---'))
    .slice(1)
    .map((line) => {
      const [server = '', way = '', count = '', words = '', date = '', commit = ''] = line
        .slice(2, -2)
        .split(' | ');
      return { server, way, exact: count === EXACT, words, date, commit };
    });
}

/** The document of these rows: by server, its versions in order, then by way. */
export function formatMatrix(rows: readonly MatrixRow[]): string {
  const inOrder = rows.toSorted(
    (a, b) =>
      a.server.localeCompare(b.server, 'en', { numeric: true }) || a.way.localeCompare(b.way),
  );
  const lines = inOrder.map(({ server, way, exact, words, date, commit }) => [
    server,
    way,
    exact ? EXACT : NOT_EXACT,
    cell(words),
    date,
    commit,
  ]);
  const table = [COLUMNS, COLUMNS.map(() => '---'), ...lines];
  return `${HEAD}\n${table.map((row) => `| ${row.join(' | ')} |`).join('\n')}\n`;
}

/** Puts a result in the place of the former one of the same server and way, or adds it. */
export function recordRow(file: string, row: MatrixRow): void {
  const rows = existsSync(file) ? parseMatrix(readFileSync(file, 'utf8')) : [];
  const others = rows.filter(({ server, way }) => server !== row.server || way !== row.way);
  writeFileSync(file, formatMatrix([...others, row]));
}

const WORDS_MAX = 300;

/** No line breaks and no bars, which would end a cell. */
function cell(text: string): string {
  return text.replaceAll(/[|\n`]+/g, ' ').slice(0, WORDS_MAX);
}
