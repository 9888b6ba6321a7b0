import { resolve } from 'node:path';

import { RULES } from './rules/index.ts';
import { repositoryTree } from './tree.ts';
import { variablesFindings, writeVariablesTables } from './variables-tables.ts';

const root = resolve(import.meta.dirname, '../../..');
const tree = repositoryTree(root);
if (process.argv.includes('--write')) {
  for (const path of await writeVariablesTables(root, tree)) console.log(`${path}: written`);
}
const found = [
  ...RULES.flatMap((rule) => rule.check(tree).map((finding) => ({ ...finding, by: rule.name }))),
  ...(await variablesFindings(root, tree)).map((finding) => ({ ...finding, by: 'variables' })),
];
for (const { path, line, message, by } of found) {
  const place = line === undefined ? path : `${path}:${line}`;
  console.log(`${place}: ${message} (${by})`);
}
console.log(
  `tidy: ${tree.paths.length} files, ${RULES.length + 1} rules, ${found.length} findings`,
);
process.exitCode = found.length === 0 ? 0 : 1;
