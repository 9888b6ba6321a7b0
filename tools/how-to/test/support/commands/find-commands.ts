import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { simpleCommands } from './shell-words.ts';

/** Where operators are told what to type. */
const DOCUMENTS = [
  'README.md',
  'tools/recount/README.md',
  'apps/{ops,backfill-runner,dead-queue-alerter}/README.md',
  'infra/prometheus/README.md',
  'docs/runbooks/*.md',
  'docs/operations.md',
];

/** Something a document tells its reader to type. */
export interface Documented {
  /** `docs/runbooks/OutboxStuck.md:19`, where it stands first. */
  readonly place: string;
  /** The program and its arguments, or `sql` and the statements. */
  readonly words: readonly string[];
  /** What its output is sent through. */
  readonly filters: readonly (readonly string[])[];
}

const FENCED = /^[ \t]*```([^\n]*)\n(.*?)^[ \t]*```[ \t]*$/gms;
const INLINE = /`([^`]+)`/g;
const INLINE_COMMAND = /^(\.\/dev|ops|curl|promtool|pnpm|pip|python|psql|docker|kubectl)( |$)/;
const STATEMENT = /^(SELECT|INSERT INTO|UPDATE|DELETE FROM) /;
/** A line that only sets something; one that goes on with a command is that command. */
const SETTING = /^\s*(export\s|[A-Za-z_.]+=\S*(\s+#.*)?$)/;
const LOOP = new Set(['while', 'for', 'if', 'done', 'fi']);

/** Every different command of the documents, in their order. */
export function documentedCommands(root: string): Documented[] {
  const found = DOCUMENTS.flatMap((pattern) => globSync(pattern, { cwd: root }).toSorted()).flatMap(
    (path) => commandsOf(path, readFileSync(join(root, path), 'utf8')),
  );
  const first = new Map<string, Documented>();
  for (const one of found) {
    const key = JSON.stringify([one.words, one.filters]);
    if (!first.has(key)) first.set(key, one);
  }
  return [...first.values()];
}

function commandsOf(path: string, text: string): Documented[] {
  const found: { at: number; commands: Documented[] }[] = [];
  const add = (at: number, of: (place: string) => Documented[]) => {
    const line = text.slice(0, at).split('\n').length;
    found.push({ at, commands: of(`${path}:${line}`) });
  };
  for (const { 0: whole, 1: language = '', 2: block = '', index } of text.matchAll(FENCED)) {
    const at = index + whole.indexOf('\n') + 1;
    if (language === 'sql') add(at, (place) => [{ place, words: ['sql', block], filters: [] }]);
    // Blocks of a language (json, mermaid) are no commands.
    if (language === '') {
      for (const one of lines(block)) {
        for (const form of forms(one.text)) add(at + one.at, ofLine(form));
      }
    }
  }
  // Blank, so that what follows stays at its place.
  const prose = text.replaceAll(FENCED, (block) => block.replaceAll(/[^\n]/g, ' '));
  for (const { 1: span = '', index } of prose.matchAll(INLINE)) {
    const words = span.replaceAll(/\s+/g, ' ').replaceAll(String.raw`\|`, '|');
    if (STATEMENT.test(words)) {
      add(index, (place) => [{ place, words: ['sql', words], filters: [] }]);
    }
    if (INLINE_COMMAND.test(words)) for (const form of forms(words)) add(index, ofLine(form));
  }
  return found.toSorted((a, b) => a.at - b.at).flatMap(({ commands }) => commands);
}

/** Lines of a block; one that ends with a backslash or a bar goes on in the next. */
function lines(block: string): { at: number; text: string }[] {
  const found: { at: number; text: string }[] = [];
  for (const { 0: text, index } of block.matchAll(/(?:[^\n]*[\\|]\n)*[^\n]+/g)) {
    if (text.trim() !== '' && !SETTING.test(text)) found.push({ at: index, text });
  }
  return found;
}

const ofLine =
  (line: string) =>
  (place: string): Documented[] => {
    const found: Documented[] = [];
    for (const pipeline of simpleCommands(line)) {
      const [first, ...filters] = pipeline.filter(([word = '']) => !LOOP.has(word));
      if (first !== undefined) found.push({ place, words: first, filters });
    }
    return found;
  };

/** `[--option VALUE]` in a line means: with it or without. */
function forms(line: string): string[] {
  const optional = / \[(--[^\]]+)\]/;
  if (!optional.test(line)) return [line];
  return [...forms(line.replace(optional, '')), ...forms(line.replace(optional, ' $1'))];
}
