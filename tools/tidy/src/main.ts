import { resolve } from 'node:path';

import { RULES } from './rules/index.ts';
import { repositoryTree } from './tree.ts';

const tree = repositoryTree(resolve(import.meta.dirname, '../../..'));
let count = 0;
for (const rule of RULES) {
  for (const { path, line, message } of rule.check(tree)) {
    count += 1;
    const place = line === undefined ? path : `${path}:${line}`;
    console.log(`${place}: ${message} (${rule.name})`);
  }
}
console.log(`tidy: ${tree.paths.length} files, ${RULES.length} rules, ${count} findings`);
process.exitCode = count === 0 ? 0 : 1;
