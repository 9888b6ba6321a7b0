import type { SourceTree } from './tree.ts';

/** One place that breaks a rule. */
export interface Finding {
  readonly path: string;
  readonly line: number | undefined;
  readonly message: string;
}

/** Something that neither the formatter, the linter nor the compiler can say about the repository. */
export interface Rule {
  readonly name: string;
  readonly check: (tree: SourceTree) => Finding[];
}

const TYPESCRIPT_SOURCE = /^(?:apps|packages|tools)\/[^/]+\/src\/.+\.ts$/;
const TEST_FILE = /\.test\.ts$/;

/** TypeScript that belongs to the product: under src, and no test. */
export function isProductSource(path: string): boolean {
  return TYPESCRIPT_SOURCE.test(path) && !TEST_FILE.test(path);
}

/** TypeScript of the workspaces, tests and their support included. */
export function isTypeScript(path: string): boolean {
  return /^(?:apps|packages|tools)\/.+\.ts$/.test(path);
}

/** Findings for every line that matches, with 1-based line numbers. */
export function findLines(
  tree: SourceTree,
  path: string,
  pattern: RegExp,
  message: string,
): Finding[] {
  const findings: Finding[] = [];
  for (const [index, text] of tree.read(path).split('\n').entries()) {
    if (pattern.test(text)) findings.push({ path, line: index + 1, message });
  }
  return findings;
}

/** Findings for every match, of each line, of which there is something to say. */
export function findMatches(
  tree: SourceTree,
  path: string,
  pattern: RegExp,
  say: (match: RegExpExecArray) => string | undefined,
): Finding[] {
  return tree
    .read(path)
    .split('\n')
    .flatMap((text, index) =>
      [...text.matchAll(pattern)].flatMap((match) => {
        const message = say(match);
        return message === undefined ? [] : [{ path, line: index + 1, message }];
      }),
    );
}
