import type { Finding, Rule } from '../rule.ts';

const FOLDER = 'packages/db/migrations/';
const NAME = /^(\d{4})_[a-z0-9_]+\.sql$/;

/** Migrations run in the order of their numbers, so two branches may not take the same one. */
export const migrationNumbers: Rule = {
  name: 'migration-numbers',
  check: (tree) => {
    const findings: Finding[] = [];
    const paths = tree.paths.filter((path) => path.startsWith(FOLDER)).toSorted();
    let expected = 1;
    for (const path of paths) {
      const number = NAME.exec(path.slice(FOLDER.length))?.[1];
      if (number === undefined) {
        findings.push({
          path,
          line: undefined,
          message: 'must be named like 0001_what_it_does.sql',
        });
        continue;
      }
      if (Number(number) !== expected) {
        const wanted = String(expected).padStart(4, '0');
        findings.push({
          path,
          line: undefined,
          message: `is number ${number}, expected ${wanted}`,
        });
      }
      expected = Number(number) + 1;
    }
    return findings;
  },
};
