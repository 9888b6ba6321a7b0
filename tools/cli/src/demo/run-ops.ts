import { execFile } from 'node:child_process';
import { mainOf } from './app-process.ts';
import { DemoError } from './errors.ts';

const LIMIT_MS = 120_000;

/** Runs one command of the operator's app and returns the object it prints. @throws DemoError */
export async function runOps(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const isAnswer = (stdout: string): boolean => lastLine(stdout).startsWith('{');
  const stdout = await execute([...args, '--json'], env, signal, isAnswer);
  return JSON.parse(lastLine(stdout)) as Record<string, unknown>;
}

/** The same for people: what it prints. @throws DemoError where it fails */
export async function runOpsForPeople(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<string> {
  return (await execute(args, env, signal, () => false)).trimEnd();
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}

/** @param isAnswer whether what it printed is an answer although it failed */
async function execute(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
  isAnswer: (stdout: string) => boolean,
): Promise<string> {
  const argv = ['--conditions=@adtally/source', mainOf('ops'), ...args];
  return await new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      argv,
      { env, signal, timeout: LIMIT_MS },
      (error, stdout, stderr) => {
        if (signal.aborted) reject(signal.reason as Error);
        else if (error !== null && !isAnswer(stdout)) {
          reject(new DemoError(`ops ${args.join(' ')} failed:\n${stderr}`, { cause: error }));
        } else resolve(stdout);
      },
    );
  });
}
