import { posix } from 'node:path';
import { parseSync, Visitor, type ModuleExportName } from 'oxc-parser';
import { isProductSource } from './rule.ts';
import type { SourceTree } from './tree.ts';

/** Which product file uses which, as far as import and export statements tell. */
export interface ModuleGraph {
  /** The files each file uses, by path; those of other packages are found behind their index. */
  readonly uses: ReadonlyMap<string, ReadonlySet<string>>;
}

const WORKSPACE_PACKAGE = /^@adtally\/([^/]+)(?:\/([^/]+))?$/;

/** A statement, an expression or a type that names another module. */
interface Import {
  readonly specifier: string;
  /** The names taken; `null` = all of them. */
  readonly names: readonly string[] | null;
  /** What they are called here, and by whoever takes them from here. */
  readonly called: readonly string[] | null;
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
  const imports = new Map([...files].map((path) => [path, importsOf(path, tree.read(path))]));
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

/** It only passes on: what a package gives to others, or a folder to its package. */
function isIndex(path: string): boolean {
  return /^packages\/[^/]+\/src\/(?:.+\/)?index\.ts$/.test(path);
}

function importsOf(path: string, text: string): Import[] {
  const found: Import[] = [];
  const all = (specifier: string): void =>
    void found.push({ specifier, names: null, called: null });
  new Visitor({
    ImportDeclaration({ source, specifiers }) {
      const named = specifiers.filter((one) => one.type === 'ImportSpecifier');
      if (named.length < specifiers.length || named.length === 0) return all(source.value);
      const names = named.map(({ imported }) => nameOf(imported));
      const called = named.map(({ local }) => local.name);
      found.push({ specifier: source.value, names, called });
    },
    ExportNamedDeclaration({ source, specifiers }) {
      if (source === null) return;
      const names = specifiers.map(({ local }) => nameOf(local));
      const called = specifiers.map(({ exported }) => nameOf(exported));
      found.push({ specifier: source.value, names, called });
    },
    ExportAllDeclaration: ({ source }) => all(source.value),
    ImportExpression({ source }) {
      if (source.type === 'Literal' && typeof source.value === 'string') all(source.value);
    },
    TSImportType: ({ source }) => all(source.value),
  }).visit(parseSync(path, text).program);
  return found;
}

function nameOf(name: ModuleExportName): string {
  return name.type === 'Literal' ? name.value : name.name;
}

/** The files that one statement leads to. */
function targetsOf(
  from: string,
  { specifier, names }: Import,
  files: ReadonlySet<string>,
  imports: ReadonlyMap<string, readonly Import[]>,
): string[] {
  const target = fileOf(from, specifier, files);
  if (target === undefined) return [];
  if (!isIndex(target)) return [target];
  return (imports.get(target) ?? [])
    .filter((line) => names === null || line.called === null || meets(line.called, names))
    .flatMap((line) => targetsOf(target, line, files, imports));
}

/** The file that a specifier names: beside the one that uses it, or an entry of a package. */
function fileOf(from: string, specifier: string, files: ReadonlySet<string>): string | undefined {
  if (specifier.startsWith('.')) {
    const target = posix.normalize(posix.join(posix.dirname(from), specifier));
    return files.has(target) ? target : undefined;
  }
  const [, name, entry = ''] = WORKSPACE_PACKAGE.exec(specifier) ?? [];
  if (name === undefined) return undefined;
  return ['packages', 'tools']
    .flatMap((group) => [
      `${group}/${name}/src/${entry}.ts`,
      `${group}/${name}/src/${entry}/index.ts`,
    ])
    .map((path) => posix.normalize(path))
    .find((path) => files.has(path));
}

function meets(a: readonly string[], b: readonly string[]): boolean {
  return a.some((name) => b.includes(name));
}
