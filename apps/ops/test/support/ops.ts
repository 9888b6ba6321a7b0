import { runProgram } from '@adtally/command-line';
import { captured, type Outcome } from '@adtally/command-line/testing';
import { openDatabase, type Database } from '@adtally/db';
import { migrated } from '@adtally/db/testing';
import { testDatabase } from '@adtally/testkit';
import { onTestFinished } from 'vitest';
import { describe, readConfig } from '../../src/env.ts';
import { readProducerCheckConfig } from '../../src/producer-check/env.ts';
import { explain, PROGRAM } from '../../src/program.ts';

/** A migrated database of its own and the command on it. */
export interface OpsStage {
  readonly db: Database;
  readonly databaseUrl: string;
  /** Runs the command in this process and returns what it printed. */
  ops(...argv: string[]): Promise<Outcome>;
  /** The same with `--json`: the object of its last line. */
  json(...argv: string[]): Promise<{ code: number; result: any }>;
}

export async function opsStage(): Promise<OpsStage> {
  const database = await testDatabase(migrated);
  const db = openDatabase(database.url, { applicationName: 'test' });
  onTestFinished(async () => {
    await db.destroy();
    await database.drop();
  });
  const env = { DATABASE_URL: database.url, ADTALLY_ACTOR: 'ann' };
  const ops = (...argv: string[]) => runOps(argv, env);
  const json = async (...argv: string[]) => {
    const { code, stdout } = await ops(...argv, '--json');
    return { code, result: JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') };
  };
  return { db, databaseUrl: database.url, ops, json };
}

/** One command with this environment. */
export async function runOps(
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Outcome> {
  const environment = {
    readConfig: () => readConfig(env),
    readProducerCheckConfig: () => readProducerCheckConfig(env),
    describe,
  };
  return await captured(async () => await runProgram(PROGRAM, argv, environment, explain));
}
