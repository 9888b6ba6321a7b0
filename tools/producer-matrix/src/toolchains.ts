import { cpSync, mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { repositoryRoot } from '@adtally/local-stack';
import { cacheFolder } from '@adtally/native-servers';
import { execute } from './execute.ts';
import type { Toolchain } from './subjects.ts';

/** A first build fetches and compiles a client with all it needs. */
const BUILD_TIMEOUT_MS = 30 * 60_000;

/** What is built stands beside the other toolchains, for all clones. */
const BUILT = join(cacheFolder(), 'producer-matrix');
const CLIENTS = join(repositoryRoot, 'tools/producer-matrix/clients');

/** Brings a toolchain's runner up to date; returns the words that start it. Throws where it cannot be built. */
type Prepare = () => Promise<string[]>;

const PREPARE: Readonly<Record<Toolchain, Prepare>> = {
  node: async () => [process.execPath, '--no-warnings', join(CLIENTS, 'node/keys.mjs')],
  java: async () => await buildJava(join(CLIENTS, 'java'), 'Keys'),
  go: async () => await buildGo(join(CLIENTS, 'go')),
  python: async () => await buildPython(join(CLIENTS, 'python'), 'keys.py'),
  rust: async () => await buildRust(join(CLIENTS, 'rust'), 'producer-matrix'),
  bento: async () => [
    'bash',
    join(CLIENTS, 'bento/keys.sh'),
    ...(await buildGo(join(CLIENTS, 'bento'))),
  ],
  telegraf: async () => [
    'bash',
    join(CLIENTS, 'telegraf/keys.sh'),
    ...(await buildGo(join(CLIENTS, 'telegraf'), {
      package: 'github.com/influxdata/telegraf/cmd/telegraf',
      tags: 'custom,inputs.file,outputs.kafka,parsers.influx,serializers.influx',
    })),
  ],
};

const prepared = new Map<Toolchain, Promise<string[]>>();

/** Once a process: the words that start the runner, or a rejection that says why there is none. */
export function runnerOf(toolchain: Toolchain): Promise<string[]> {
  let words = prepared.get(toolchain);
  if (words === undefined) {
    words = PREPARE[toolchain]();
    prepared.set(toolchain, words);
  }
  return words;
}

/** Java: the jars that a pom.xml names and a class beside it. */
export async function buildJava(folder: string, className: string): Promise<string[]> {
  const [jars, classes] = [builtFolder(folder, 'jars'), builtFolder(folder, 'classes')];
  const copy = ['mvn', '-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${jars}`];
  await build(copy, folder);
  await build(['javac', '-cp', join(jars, '*'), '-d', classes, `${className}.java`], folder);
  return ['java', '-cp', [join(jars, '*'), classes].join(delimiter), className];
}

/** Go: a module's own main, or that of a package it names; go.mod names the clients, and what they need is found. */
export async function buildGo(
  folder: string,
  other?: { readonly package: string; readonly tags: string },
): Promise<string[]> {
  const copy = copyOf(folder);
  const program = join(builtFolder(folder), 'program');
  const what = other === undefined ? ['.'] : ['-tags', other.tags, other.package];
  await build(['go', 'build', '-mod=mod', '-o', program, ...what], copy);
  return [program];
}

/** Python: a virtual environment with what requirements.txt names. */
export async function buildPython(folder: string, script: string): Promise<string[]> {
  const environment = builtFolder(folder, 'venv');
  const python = join(environment, 'bin/python');
  await build(['python3', '-m', 'venv', environment], folder);
  await build([python, '-m', 'pip', 'install', '-q', '-r', 'requirements.txt'], folder);
  return [python, join(folder, script)];
}

/** Rust: a crate; all of them share what their dependencies are compiled to. */
export async function buildRust(folder: string, program: string): Promise<string[]> {
  const target = join(BUILT, 'rust');
  await build(['cargo', 'build', '--release', '--target-dir', target], copyOf(folder));
  return [join(target, 'release', program)];
}

async function build(words: readonly string[], cwd: string): Promise<void> {
  const { code, lastWords } = await execute(words, { cwd, timeoutMs: BUILD_TIMEOUT_MS });
  if (code !== 0) throw new Error(`${words.slice(0, 2).join(' ')} failed: ${lastWords}`);
}

/** Go and Cargo write what they find beside the sources. */
function copyOf(folder: string): string {
  const copy = builtFolder(folder, 'sources');
  cpSync(folder, copy, { recursive: true });
  return copy;
}

function builtFolder(folder: string, ...below: readonly string[]): string {
  const path = join(BUILT, folder.slice(repositoryRoot.length + 1).replaceAll('/', '-'), ...below);
  mkdirSync(path, { recursive: true });
  return path;
}
