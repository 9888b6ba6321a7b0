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
  const argv = ['--conditions=@adtally/source', mainOf('ops'), ...args, '--json'];
  return await new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      argv,
      { env, signal, timeout: LIMIT_MS },
      (error, stdout, stderr) => {
        signal.throwIfAborted();
        const last = stdout.trimEnd().split('\n').at(-1) ?? '';
        if (error !== null && !last.startsWith('{')) {
          reject(new DemoError(`ops ${args.join(' ')} failed:\n${stderr}`, { cause: error }));
        } else resolve(JSON.parse(last) as Record<string, unknown>);
      },
    );
  });
}
