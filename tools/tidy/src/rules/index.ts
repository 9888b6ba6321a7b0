import type { Rule } from '../rule.ts';
import { architecturePaths } from './architecture.ts';
import { noCircles } from './circles.ts';
import { documentPaths } from './documents.ts';
import { noHomePaths, noRegistryHosts } from './machine-traces.ts';
import { migrationNumbers } from './migrations.ts';
import { oneAppFiles } from './owners.ts';
import { plainSqlByBuilder } from './plain-sql.ts';
import { centralVersions, typecheckScript } from './packages.ts';
import { fileLength, testSupportInTestsOnly, topicLiterals } from './sources.ts';
import { startedApps } from './started-apps.ts';

/** Every rule; each has a canary in rules.test.ts that must fail. */
export const RULES: readonly Rule[] = [
  architecturePaths,
  centralVersions,
  documentPaths,
  fileLength,
  migrationNumbers,
  noCircles,
  noHomePaths,
  noRegistryHosts,
  oneAppFiles,
  plainSqlByBuilder,
  startedApps,
  testSupportInTestsOnly,
  topicLiterals,
  typecheckScript,
];
