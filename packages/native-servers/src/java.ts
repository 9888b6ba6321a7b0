import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Brokers of Kafka 4 run on Java 17 and later. */
export const JAVA_MAJOR_MIN = 17;
const INSTALLED = '/usr/lib/jvm';

/** The first java command that is new enough: on the path, else among the system's packages. */
export async function findJava(): Promise<string | undefined> {
  const installed = existsSync(INSTALLED)
    ? readdirSync(INSTALLED).map((home) => join(INSTALLED, home, 'bin/java'))
    : [];
  for (const java of ['java', ...installed.filter((file) => existsSync(file))]) {
    if (((await javaMajor(java)) ?? 0) >= JAVA_MAJOR_MIN) return java;
  }
  return undefined;
}

async function javaMajor(java: string): Promise<number | undefined> {
  try {
    const { stderr } = await promisify(execFile)(java, ['-version']); // stderr, by tradition
    return parseJavaMajor(stderr);
  } catch {
    return undefined;
  }
}

/** The major version in what `java -version` says. */
export function parseJavaMajor(output: string): number | undefined {
  const found = /version "?(\d+)/.exec(output)?.[1];
  return found === undefined ? undefined : Number(found);
}
