import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EXIT } from '@adtally/command-line';
import { findJava, JAVA_MAJOR_MIN } from '@adtally/native-servers';

import { aptInstall, type AptWish } from './apt.ts';
import { StackError } from './errors.ts';
import type { Report } from './report.ts';
import { run } from './run.ts';

const POSTGRES_MAJOR_MIN = 15;
const REDIS_MAJOR_MIN = 7;

/** First major version number in the output of a program asked for its version. */
export function parseMajor(output: string): number | undefined {
  const found = /(?:v=|\(PostgreSQL\) )(\d+)/.exec(output)?.[1];
  return found === undefined ? undefined : Number(found);
}

function listFolders(parent: string): string[] {
  return existsSync(parent) ? readdirSync(parent).map((name) => join(parent, name)) : [];
}

async function firstNewEnough(
  candidates: readonly string[],
  versionArgument: string,
  majorMin: number,
): Promise<string | undefined> {
  for (const file of candidates) {
    const { code, output } = await run(file, [versionArgument]);
    if (code === 0 && (parseMajor(output) ?? 0) >= majorMin) return file;
  }
  return undefined;
}

/** Looks for a program; installs it when it is not there; looks again. */
async function findOrInstall(
  find: () => Promise<string | undefined>,
  wish: AptWish,
  report: Report,
): Promise<string> {
  const before = await find();
  if (before !== undefined) return before;
  await aptInstall(wish, report);
  const after = await find();
  if (after === undefined) {
    throw new StackError(`this system's packages bring no ${wish.what}; ${wish.instead}`, {
      exitCode: EXIT.unavailable,
    });
  }
  return after;
}

/** A java command of version 17 or later. */
export async function ensureJava(report: Report): Promise<string> {
  return await findOrInstall(
    findJava,
    {
      what: `a Java runtime >= ${JAVA_MAJOR_MIN}`,
      packages: [['openjdk-21-jre-headless', 'openjdk-17-jre-headless', 'openjdk-25-jre-headless']],
      instead: 'give a Kafka of your own in KAFKA_BROKERS',
    },
    report,
  );
}

/** The mvn command. It runs on the Java that Kafka will run on. */
export async function ensureMaven(report: Report): Promise<string> {
  const find = async (): Promise<string | undefined> =>
    (await run('mvn', ['--version'])).code === 0 ? 'mvn' : undefined;
  return await findOrInstall(
    find,
    {
      what: 'Maven',
      packages: [['maven']],
      instead: 'give a Kafka of your own in KAFKA_BROKERS',
    },
    report,
  );
}

/** Folder with PostgreSQL's server programs (postgres, initdb, psql, pg_isready), version 15 or later. */
export async function ensurePostgres(report: Report): Promise<string> {
  const find = async (): Promise<string | undefined> => {
    const packaged = listFolders('/usr/lib/postgresql')
      .toSorted((a, b) => b.localeCompare(a, 'en', { numeric: true }))
      .map((home) => join(home, 'bin/postgres'));
    const bindir = (await run('pg_config', ['--bindir'])).output.trim();
    const candidates = [...packaged, join(bindir, 'postgres')].filter(
      (file) => existsSync(file) && existsSync(join(dirname(file), 'initdb')),
    );
    const file = await firstNewEnough(candidates, '--version', POSTGRES_MAJOR_MIN);
    return file === undefined ? undefined : dirname(realpathSync(file));
  };
  return await findOrInstall(
    find,
    {
      what: `PostgreSQL >= ${POSTGRES_MAJOR_MIN}`,
      packages: [['postgresql']],
      instead: 'give a PostgreSQL of your own in DATABASE_URL',
    },
    report,
  );
}

/** The redis-server command, version 7 or later. */
export async function ensureRedis(report: Report): Promise<string> {
  const find = (): Promise<string | undefined> =>
    firstNewEnough(['redis-server'], '--version', REDIS_MAJOR_MIN);
  return await findOrInstall(
    find,
    {
      what: `Redis >= ${REDIS_MAJOR_MIN}`,
      packages: [['redis-server']],
      instead: 'give a Redis of your own in REDIS_URL',
    },
    report,
  );
}
