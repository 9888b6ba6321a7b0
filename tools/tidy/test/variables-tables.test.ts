import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { memoryTree } from '../src/tree.ts';
import { variablesFindings } from '../src/variables-tables.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const ENV_FILE = 'apps/ops/src/env.ts';

function document(table: string): string {
  return `# App\n<!-- variables of ${ENV_FILE} -->\n\n${table}\n\n<!-- end of variables -->\n`;
}

test('a table that is not as the fields declare is found, and an app that has none', async () => {
  const tree = memoryTree({
    'apps/ops/README.md': document('| variable | default | meaning |'),
    [ENV_FILE]: '',
    'apps/other/src/env.ts': '',
  });
  expect(await variablesFindings(ROOT, tree)).toEqual([
    expect.objectContaining({ path: 'apps/ops/README.md' }),
    expect.objectContaining({ path: 'apps/other/src/env.ts' }),
  ]);
});

test('every table of this repository is as declared', async () => {
  const { repositoryTree } = await import('../src/tree.ts');
  expect(await variablesFindings(ROOT, repositoryTree(ROOT))).toEqual([]);
});
