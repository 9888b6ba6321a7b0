import { execFileSync, spawnSync, type ExecFileSyncOptions } from 'node:child_process';
import { existsSync, globSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheFolder, findJava } from '@adtally/native-servers';
import { freePort } from './redis.ts';
import { ServerProcess } from './server-process.ts';

/** Apicurio Registry, which speaks Confluent's API; the newest that Java 17 runs. */
const VERSION = '3.0.9';
const ARTIFACT = `io.apicurio:apicurio-registry-app:${VERSION}:tar.gz:all`;
/** Later ones of this plugin insist on a parent that not every mirror has. */
const GET_GOAL = 'org.apache.maven.plugins:maven-dependency-plugin:2.8:get';
/** It lives for one test file. */
const JAVA_OPTIONS = ['-Xmx300m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];
const JSON_TYPE = 'application/vnd.schemaregistry.v1+json';

export type SchemaType = 'AVRO' | 'JSON' | 'PROTOBUF';

/** A schema registry of a test's own; what it keeps is gone with it. */
export interface TestSchemaRegistry {
  /** Of Confluent's API, as SCHEMA_REGISTRY_URL has it. */
  readonly url: string;
  /** @returns the schema's number */
  register(subject: string, type: SchemaType, schema: string): Promise<number>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Whether `testSchemaRegistry` can start one here: it is in the cache, or Maven is there to fetch it. */
export function hasSchemaRegistry(): boolean {
  return (
    existsSync(folderOf()) || spawnSync('mvn', ['--version'], { stdio: 'ignore' }).status === 0
  );
}

/** Starts one in about 5 s; the first time on a machine fetches it (109 MB). */
export async function testSchemaRegistry(): Promise<TestSchemaRegistry> {
  const java = await findJava();
  if (java === undefined) throw new Error('this needs a schema registry: install Java');
  const folder = folderOf();
  if (!existsSync(folder)) fetchInto(folder);
  const [jar] = globSync(join(folder, '*-runner.jar'));
  if (jar === undefined) throw new Error(`there is no runner in ${folder}`);
  const port = await freePort();
  const work = mkdtempSync(join(tmpdir(), 'adtally-registry-'));
  const server = new ServerProcess(join(work, 'log'));
  const close = async () => {
    await server.end('SIGKILL');
    rmSync(work, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${port}/apis/ccompat/v7`;
  const settings = ['-Dquarkus.http.host=127.0.0.1', `-Dquarkus.http.port=${port}`];
  server.start(java, [...JAVA_OPTIONS, ...settings, '-jar', jar], work);
  try {
    await server.until(`the schema registry at ${url} answers`, () => answers(url));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    url,
    register: (subject, type, schema) => register(url, subject, type, schema),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function folderOf(): string {
  return join(cacheFolder(), `apicurio-registry-${VERSION}`);
}

/** Whole or not at all: test files of one run may come here at the same time. */
function fetchInto(folder: string): void {
  mkdirSync(cacheFolder(), { recursive: true });
  const making = mkdtempSync(`${folder}.`);
  try {
    const options: ExecFileSyncOptions = { cwd: making, stdio: ['ignore', 'ignore', 'inherit'] };
    // A repository of its own: nothing is left behind in the user's.
    const where = `-Dmaven.repo.local=${join(making, 'repository')}`;
    const wanted = ['-Dtransitive=false', `-Dartifact=${ARTIFACT}`];
    const maven = ['--batch-mode', '--quiet', '--strict-checksums', where];
    execFileSync('mvn', [...maven, GET_GOAL, ...wanted], options);
    mkdirSync(join(making, 'unpacked'));
    for (const archive of globSync('repository/**/*-all.tar.gz', { cwd: making }))
      execFileSync('tar', ['-xzf', archive, '-C', 'unpacked'], options);
    if (!existsSync(folder)) renameSync(join(making, 'unpacked'), folder);
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/schemas/types`)).ok;
  } catch {
    return false;
  }
}

async function register(
  url: string,
  subject: string,
  schemaType: SchemaType,
  schema: string,
): Promise<number> {
  const response = await fetch(`${url}/subjects/${encodeURIComponent(subject)}/versions`, {
    method: 'POST',
    headers: { 'content-type': JSON_TYPE },
    body: JSON.stringify({ schemaType, schema }),
  });
  const body = (await response.json()) as { readonly id?: number };
  if (body.id === undefined) throw new Error(`not registered: ${JSON.stringify(body)}`);
  return body.id;
}
