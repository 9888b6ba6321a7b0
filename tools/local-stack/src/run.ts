import { spawn } from 'node:child_process';

import type { ServerUser } from './users.ts';

const OUTPUT_CHARS_MAX = 200_000;

export interface RunResult {
  /** Exit code; 127 when the program could not be started, 128 when a signal ended it. */
  readonly code: number;
  /** Standard output and error as they came, the end of them when they are long. */
  readonly output: string;
}

export interface RunOptions {
  readonly user?: ServerUser | undefined;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Written to its standard input, which is then closed. */
  readonly input?: string;
}

/** Runs a program to its end, without a shell. Never throws. */
export async function run(
  file: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  return await new Promise((resolve) => {
    let output = '';
    const child = spawn(file, args, {
      cwd: options.cwd ?? '/',
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
      ...(options.user === undefined ? {} : { uid: options.user.uid, gid: options.user.gid }),
    });
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-OUTPUT_CHARS_MAX);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    // A program that ends without reading closes the pipe: its exit code tells.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    child.once('error', (error) => resolve({ code: 127, output: error.message }));
    child.once('close', (code) => resolve({ code: code ?? 128, output }));
  });
}
