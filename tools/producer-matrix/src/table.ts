import { readFileSync, writeFileSync } from 'node:fs';
import { KEYS } from './keys.ts';
import type { Placed } from './place-keys.ts';
import { SUBJECTS, type Subject } from './subjects.ts';
import { versionOf } from './versions.ts';

/** What came of one subject; a text says why it was not run. */
export interface Row {
  readonly subject: Subject;
  readonly placed: Placed | string;
}

const BEGIN = '<!-- written by ./dev matrix producers -->';
const END = '<!-- end of table -->';
const HEAD = ['client', 'version', 'setting', 'as Java', 'instead', 'key', 'date'];

/** Puts the rows into a document's table, in the order of the subjects: a row that is run again takes its former place. */
export function recordRows(document: string, rows: readonly Row[], date: string): void {
  const text = readFileSync(document, 'utf8');
  const [before, rest] = split(text, BEGIN);
  const [table, after] = split(rest, END);
  const known = new Map(bodyLines(table).map((line) => [identityOf(line), line]));
  for (const row of rows) {
    const line = lineOf(row, date);
    known.set(identityOf(line), line);
  }
  const ordered = SUBJECTS.map((subject) => known.get(`${subject.client} ${subject.words}`));
  const body = ordered.filter((line) => line !== undefined);
  const lines = [lineText(HEAD), lineText(HEAD.map(() => '---')), ...body];
  writeFileSync(document, `${before}${BEGIN}\n\n${lines.join('\n')}\n\n${END}${after}`);
}

function lineOf({ subject, placed }: Row, date: string): string {
  const { client, pinned, words } = subject;
  const cells =
    typeof placed === 'string'
      ? ['not run', placed.replaceAll(/[|\s]+/g, ' '), '']
      : [
          placed.asJava === KEYS ? `**all ${KEYS}**` : `${placed.asJava} of ${KEYS}`,
          placed.explainedBy ?? '',
          placed.keyForm,
        ];
  return lineText([client, versionOf(pinned), words, ...cells, date]);
}

function lineText(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

/** Client and setting. */
function identityOf(line: string): string {
  const cells = line.split('|').map((cell) => cell.trim());
  return `${cells[1]} ${cells[3]}`;
}

function bodyLines(table: string): string[] {
  return table
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2);
}

function split(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  if (at < 0) throw new Error(`the document has no "${mark}"`);
  return [text.slice(0, at), text.slice(at + mark.length)];
}
