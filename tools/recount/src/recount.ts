import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError, EXIT, say } from '@adtally/command-line';
import { cacheFolder } from '@adtally/native-servers';

/** How a recount ended; its exit codes are those of all commands. */
export interface Recounted {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const HOME = join(import.meta.dirname, '..');
const REQUIREMENTS = join(HOME, 'requirements.txt');

/**
 * Runs the recount, a program in Python, with these words: `statement FILE`, `report FILE`, `rows`. What it is told of servers comes
 * from the environment (KAFKA_BROKERS, DATABASE_URL).
 *
 * @throws CommandError where there is no Python, or its Kafka client cannot be installed
 */
export async function recount(
  words: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<Recounted> {
  const python = await environmentFor(env);
  return await execute(python, ['-B', '-m', 'recount', ...words], { ...env, PYTHONPATH: HOME });
}

/** The Python of a virtual environment that has what requirements.txt names; made once for all clones. */
async function environmentFor(env: NodeJS.ProcessEnv): Promise<string> {
  const version = createHash('sha256')
    .update(readFileSync(REQUIREMENTS))
    .digest('hex')
    .slice(0, 16);
  const folder = join(cacheFolder(env), 'recount');
  const made = join(folder, version);
  const python = join(made, 'bin', 'python');
  if (existsSync(python)) return python;
  say("installing recount's Kafka client, once");
  mkdirSync(folder, { recursive: true });
  // Made under another name: one that was cut short is never taken for a whole one.
  const draft = join(folder, `draft-${process.pid}`);
  await need('python3', ['-m', 'venv', '--copies', draft], env);
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
  await need(join(draft, 'bin', 'python'), [...install, '--requirement', REQUIREMENTS], env);
  try {
    renameSync(draft, made);
  } catch {
    // Somebody else was first.
    rmSync(draft, { recursive: true, force: true });
  }
  return python;
}

async function need(
  program: string,
  words: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const { code, stderr } = await execute(program, words, env).catch((error: unknown) => ({
    code: EXIT.unavailable,
    stderr: (error as Error).message,
  }));
  if (code === 0) return;
  throw new CommandError(
    `the recount needs Python 3 with venv and pip (Debian: python3-venv): ${stderr.trim()}`,
    { exitCode: EXIT.unavailable },
  );
}

async function execute(
  program: string,
  words: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<Recounted> {
  const child = spawn(program, words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code: code ?? EXIT.failure, stdout, stderr };
}
