import { posix } from 'node:path';
import { isProductSource } from './rule.ts';
import type { SourceTree } from './tree.ts';

/** Which product file uses which, as far as import and export statements tell. */
export interface ModuleGraph {
  /** The files each file uses, by path; those of other packages are found behind their index. */
  readonly uses: ReadonlyMap<string, ReadonlySet<string>>;
}

/** `import { a } from 'x'`, `import a from 'x'`, `export { a } from 'x'`, `export * from 'x'`. */
const STATEMENT = /^(import|export)\s+(?:type\s+)?([^;'"]*?)\s*from\s*['"]([^'"]+)['"]/gm;
const BARE_IMPORT = /^import\s*['"]([^'"]+)['"]/gm;
const DYNAMIC_IMPORT = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;
const WORKSPACE_PACKAGE = /^@adtally\/([^/]+)(?:\/([^/]+))?$/;

interface Import {
  readonly specifier: string;
  /** The names taken; `null` = all of them. */
  readonly names: readonly string[] | null;
}

/** The folder that a path belongs to: `apps/ops`, `packages/db`. */
export function workspaceOf(path: string): string {
  return path.split('/').slice(0, 2).join('/');
}

/**
 * Reads the graph of all product sources. A name taken from another package counts as a use of the file
 * that the package's index takes it from, so an index makes nobody a user of everything.
 */
export function moduleGraph(tree: SourceTree): ModuleGraph {
  const files = new Set(tree.paths.filter(isProductSource));
  const imports = new Map([...files].map((path) => [path, importsOf(tree.read(path))]));
  const uses = new Map<string, ReadonlySet<string>>();
  for (const [path, statements] of imports) {
    if (isIndex(path)) continue;
    const used = new Set<string>();
    for (const statement of statements) {
      for (const target of targetsOf(path, statement, files, imports)) used.add(target);
    }
    used.delete(path);
    uses.set(path, used);
  }
  return { uses };
}

function isIndex(path: string): boolean {
  return /^packages\/[^/]+\/src\/index\.ts$/.test(path);
}

function importsOf(text: string): Import[] {
  const found: Import[] = [];
  for (const [, , names = '', specifier = ''] of text.matchAll(STATEMENT)) {
    const list = /\{([^}]*)\}/.exec(names)?.[1];
    found.push({ specifier, names: list === undefined ? null : namesOf(list) });
  }
  for (const pattern of [BARE_IMPORT, DYNAMIC_IMPORT]) {
    for (const [, specifier = ''] of text.matchAll(pattern)) found.push({ specifier, names: null });
  }
  return found;
}

function namesOf(list: string): string[] {
  return list
    .split(',')
    .map((name) => name.trim().replace(/^type\s+/, ''))
    .map((name) => name.split(/\s+as\s+/)[0] ?? '')
    .filter((name) => name !== '');
}

/** The files that one statement leads to. */
function targetsOf(
  from: string,
  { specifier, names }: Import,
  files: ReadonlySet<string>,
  imports: ReadonlyMap<string, readonly Import[]>,
): string[] {
  if (specifier.startsWith('.')) {
    const target = posix.normalize(posix.join(posix.dirname(from), specifier));
    return files.has(target) ? [target] : [];
  }
  const [, name, entry] = WORKSPACE_PACKAGE.exec(specifier) ?? [];
  if (name === undefined) return [];
  const index = ['packages', 'tools']
    .map((group) => `${group}/${name}/src/${entry ?? 'index'}.ts`)
    .find((path) => files.has(path));
  if (index === undefined) return [];
  if (!isIndex(index)) return [index];
  return (imports.get(index) ?? [])
    .filter((line) => names === null || line.names === null || meets(line.names, names))
    .flatMap((line) => targetsOf(index, line, files, imports));
}

function meets(a: readonly string[], b: readonly string[]): boolean {
  return a.some((name) => b.includes(name));
}
