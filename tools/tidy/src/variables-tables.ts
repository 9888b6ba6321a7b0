import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { variablesTable, type EnvSchema } from '@adtally/config';
import type { Finding } from './rule.ts';
import type { SourceTree } from './tree.ts';

const APP_ENV = /^apps\/[^/]+\/src\/env\.ts$/;
/** What stands between the two marks is made from the `ENV` that the named file exports. */
const TABLE = /(<!-- variables of (\S+) -->\n)[\s\S]*?(<!-- end of variables -->)/g;
const WRITE = 'node --conditions=@adtally/source tools/tidy/src/main.ts --write';

/** Tables of variables that are not as declared, and apps that have none. */
export async function variablesFindings(root: string, tree: SourceTree): Promise<Finding[]> {
  const shown = new Set<string>();
  const findings: Finding[] = [];
  for (const path of documents(tree)) {
    const text = tree.read(path);
    for (const [, , file = ''] of text.matchAll(TABLE)) shown.add(file);
    if ((await withTables(root, text)) !== text) {
      const message = `a table of variables is not as declared; ${WRITE}`;
      findings.push({ path, line: undefined, message });
    }
  }
  const missing = tree.paths.filter((path) => APP_ENV.test(path) && !shown.has(path));
  return [
    ...findings,
    ...missing.map((path) => ({
      path,
      line: undefined,
      message: `no document has the table <!-- variables of ${path} -->`,
    })),
  ];
}

/** Brings every table up to date; returns the documents that changed. */
export async function writeVariablesTables(root: string, tree: SourceTree): Promise<string[]> {
  const changed: string[] = [];
  for (const path of documents(tree)) {
    const text = tree.read(path);
    const current = await withTables(root, text);
    if (current === text) continue;
    writeFileSync(join(root, path), current);
    changed.push(path);
  }
  return changed;
}

function documents(tree: SourceTree): string[] {
  return tree.paths.filter((path) => path.endsWith('.md'));
}

async function withTables(root: string, text: string): Promise<string> {
  const files = [...text.matchAll(TABLE)].map(([, , file = '']) => file);
  const tables = new Map<string, string>();
  for (const file of files) tables.set(file, variablesTable(await schemaOf(root, file)));
  return text.replaceAll(
    TABLE,
    (_, begin: string, file: string, end: string) => `${begin}\n${tables.get(file)}\n\n${end}`,
  );
}

/** Tools depend on no app: its file is loaded by its path. */
async function schemaOf(root: string, file: string): Promise<EnvSchema> {
  const module = (await import(pathToFileURL(join(root, file)).href)) as { ENV?: EnvSchema };
  if (module.ENV === undefined) throw new Error(`${file} exports no ENV`);
  return module.ENV;
}
