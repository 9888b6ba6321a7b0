import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { EXIT } from '@adtally/command-line';
import { StackError } from './errors.ts';
import { type Report, reportWhile } from './report.ts';
import { run } from './run.ts';
import { ensureJava, ensureMaven } from './toolchain.ts';

const COPY_GOAL = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';
const MAVEN_OPTIONS = ['--batch-mode', '--quiet', '--strict-checksums'];

export interface Jars {
  /** e.g. `Apache Kafka 4.3.1` */
  readonly title: string;
  /** Its dependencies are the jars. */
  readonly pom: string;
  /** Of the pom, over those that it has. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Lines of `sha256sum`, one for each jar; not compared where absent. */
  readonly sums?: string;
  /** Where they go, whole or not at all. */
  readonly folder: string;
}

/**
 * Copies jars from Maven Central into a folder of the cache, where they are not there yet. Returns the java command
 * they can run with.
 *
 * @throws StackError where they cannot be fetched, or are not those that are expected
 */
export async function ensureJars(report: Report, jars: Jars): Promise<string> {
  const { title, pom, properties = {}, sums, folder } = jars;
  const java = await ensureJava(report);
  if (existsSync(folder)) return java;
  const mvn = await ensureMaven(report);
  report(`fetching ${title} from Maven Central into ${folder}`);
  mkdirSync(dirname(folder), { recursive: true });
  const work = mkdtempSync(join(dirname(folder), '.fetch-'));
  try {
    copyFileSync(pom, join(work, 'pom.xml'));
    const javaHome = java === 'java' ? {} : { JAVA_HOME: dirname(dirname(java)) };
    // A repository of its own: nothing is left behind in the user's, which may not be writable.
    const repository = `-Dmaven.repo.local=${join(work, 'repository')}`;
    const given = Object.entries(properties).map(([name, value]) => `-D${name}=${value}`);
    const args = [repository, ...given, COPY_GOAL, '-DoutputDirectory=lib'];
    const result = await reportWhile(report, `fetch ${title}`, () =>
      run(mvn, [...MAVEN_OPTIONS, ...args], { cwd: work, env: javaHome }),
    );
    if (result.code !== 0) {
      throw new StackError(
        `the jars of ${title} cannot be fetched:\n${result.output.trim().slice(-2000)}`,
        { exitCode: EXIT.unavailable },
      );
    }
    if (sums !== undefined) compare(join(work, 'lib'), sums, title);
    // Another command may have been faster: its folder is as good as this one.
    if (!existsSync(folder)) renameSync(join(work, 'lib'), folder);
    return java;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function compare(lib: string, sums: string, title: string): void {
  const found = readdirSync(lib).map((name) => `${sha256(join(lib, name))}  ${name}`);
  const expected = readFileSync(sums, 'utf8').trimEnd().split('\n');
  const other = found.filter((line) => !expected.includes(line));
  if (other.length > 0 || found.length !== expected.length)
    throw new StackError(`the jars of ${title} are not those expected:\n${other.join('\n')}`);
}

function sha256(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
