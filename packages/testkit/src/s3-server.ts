import { execFileSync, spawnSync, type ExecFileSyncOptions } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheFolder, findJava } from '@adtally/native-servers';
import { freePort } from './redis.ts';
import { ServerProcess } from './server-process.ts';

/** S3Proxy: an S3-compatible server on a folder; the newest that Java 17 runs. */
const VERSION = '2.7.0';
const COPY_GOAL = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';
/** Clients of other clouds, which it also serves: not needed for a folder. */
const LEFT_OUT = ['com.azure', 'com.amazonaws', 'com.google.cloud', 'io.projectreactor'];
/** It lives for one test file. */
const JAVA_OPTIONS = ['-Xmx128m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];
const REGION = 'us-east-1';
const ACCESS_KEY = 'adtally-test';
const SECRET_KEY = 'adtally-test-secret';

/** An S3-compatible server of a test's own; what it keeps is gone with it. */
export interface TestS3 {
  /** The variables by which clients of AWS find it. */
  readonly env: Readonly<Record<string, string>>;
  /** A bucket that is there; each object is a file in it, by its key. */
  readonly bucket: string;
  /** Where the bucket's objects lie, to be damaged. */
  readonly folder: string;
  /** Ends it; `start` has it again, with all objects. */
  stop(): Promise<void>;
  start(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Whether `testS3` can start one here: it is in the cache, or Maven is there to fetch it. */
export function hasS3Server(): boolean {
  return (
    existsSync(folderOf()) || spawnSync('mvn', ['--version'], { stdio: 'ignore' }).status === 0
  );
}

/** Starts one in a few seconds; the first time on a machine fetches it (20 MB). */
export async function testS3(): Promise<TestS3> {
  const java = await findJava();
  if (java === undefined) throw new Error('this needs an S3-compatible server: install Java');
  const jars = folderOf();
  if (!existsSync(jars)) fetchInto(jars);
  const work = mkdtempSync(join(tmpdir(), 'adtally-s3-'));
  const data = join(work, 'data');
  const bucket = 'archive';
  mkdirSync(join(data, bucket), { recursive: true });
  const endpoint = `http://127.0.0.1:${await freePort()}`;
  const settings = join(work, 's3proxy.conf');
  writeFileSync(
    settings,
    `s3proxy.endpoint=${endpoint}
s3proxy.authorization=aws-v4
s3proxy.identity=${ACCESS_KEY}
s3proxy.credential=${SECRET_KEY}
jclouds.provider=filesystem-nio2
jclouds.identity=none
jclouds.credential=none
jclouds.filesystem.basedir=${data}
`,
  );
  const logging = join(work, 'logback.xml');
  writeFileSync(logging, '<configuration><root level="WARN"/></configuration>\n');
  const server = new ServerProcess(join(work, 'log'));
  const start = async () => {
    const options = [...JAVA_OPTIONS, `-Dlogback.configurationFile=${logging}`];
    const args = ['-cp', join(jars, '*'), 'org.gaul.s3proxy.Main', '--properties', settings];
    server.start(java, [...options, ...args], work);
    await server.until(`the S3-compatible server at ${endpoint} answers`, () => answers(endpoint));
  };
  const close = async () => {
    await server.end('SIGKILL');
    rmSync(work, { recursive: true, force: true });
  };
  try {
    await start();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    env: {
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: ACCESS_KEY,
      AWS_SECRET_ACCESS_KEY: SECRET_KEY,
    },
    bucket,
    folder: join(data, bucket),
    stop: () => server.end('SIGKILL'),
    start,
    [Symbol.asyncDispose]: close,
  };
}

function folderOf(): string {
  return join(cacheFolder(), `s3proxy-${VERSION}`);
}

/** Whole or not at all: test files of one run may come here at the same time. */
function fetchInto(folder: string): void {
  mkdirSync(cacheFolder(), { recursive: true });
  const making = mkdtempSync(`${folder}.`);
  try {
    writeFileSync(join(making, 'pom.xml'), pom());
    const options: ExecFileSyncOptions = { cwd: making, stdio: ['ignore', 'ignore', 'inherit'] };
    // A repository of its own: nothing is left behind in the user's.
    const where = `-Dmaven.repo.local=${join(making, 'repository')}`;
    const maven = ['--batch-mode', '--quiet', '--strict-checksums', where];
    const wanted = ['-DincludeScope=runtime', '-DoutputDirectory=lib'];
    execFileSync('mvn', [...maven, COPY_GOAL, ...wanted], options);
    if (!existsSync(folder)) renameSync(join(making, 'lib'), folder);
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
}

function pom(): string {
  const exclusions = LEFT_OUT.map(
    (group) => `<exclusion><groupId>${group}</groupId><artifactId>*</artifactId></exclusion>`,
  );
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>adtally</groupId><artifactId>s3-server</artifactId><version>1</version>
  <dependencies><dependency>
    <groupId>org.gaul</groupId><artifactId>s3proxy</artifactId><version>${VERSION}</version>
    <exclusions>${exclusions.join('')}</exclusions>
  </dependency></dependencies>
</project>
`;
}

/** It refuses who does not sign, and so is there. */
async function answers(endpoint: string): Promise<boolean> {
  try {
    return (await fetch(endpoint)).status < 500;
  } catch {
    return false;
  }
}
