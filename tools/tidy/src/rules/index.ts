import type { Rule } from '../rule.ts';
import { noHomePaths, noRegistryHosts } from './machine-traces.ts';
import { migrationNumbers } from './migrations.ts';
import { centralVersions, typecheckScript } from './packages.ts';
import { fileLength, testkitInTestsOnly, topicLiterals } from './sources.ts';

/** Every rule; each has a canary in rules.test.ts that must fail. */
export const RULES: readonly Rule[] = [
  centralVersions,
  fileLength,
  migrationNumbers,
  noHomePaths,
  noRegistryHosts,
  testkitInTestsOnly,
  topicLiterals,
  typecheckScript,
];
