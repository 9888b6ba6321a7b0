import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Execution {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What is written to its standard input. */
  readonly input?: string;
  readonly timeoutMs: number;
}

export interface Executed {
  readonly code: number | null;
  readonly stdout: string;
  /** Of standard error, what it said last. */
  readonly lastWords: string;
}

const LAST_WORDS_CHARACTERS = 300;

/** Runs a program to its end. Rejects where it cannot be started. */
export async function execute(
  [program = '', ...words]: readonly string[],
  { cwd, env, input = '', timeoutMs }: Execution,
): Promise<Executed> {
  const child = spawn(program, words, {
    cwd,
    env: { ...process.env, ...env },
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => (stdout += String(chunk)));
  child.stderr.on('data', (chunk) => (stderr += String(chunk)));
  // It may end without having read all.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, lastWords: stderr.trim().slice(-LAST_WORDS_CHARACTERS) };
}
