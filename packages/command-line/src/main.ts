import type { Program } from './command.ts';
import { runProgram } from './run-program.ts';
import { type ExplainError, tellError } from './tell-error.ts';

/**
 * `runProgram` for the process itself: its arguments, its exit code. What nobody caught is told as any other
 * error: Node itself would print every field of it, secrets too.
 */
export async function main<C>(
  program: Program<C>,
  argv: readonly string[],
  context: C,
  explain?: ExplainError,
): Promise<void> {
  // A reader that has seen enough (`| head`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  process.on('uncaughtException', (error) => {
    // A running service has a handler of its own, which logs.
    if (process.listenerCount('uncaughtException') > 1) return;
    // oxlint-disable-next-line unicorn/no-process-exit -- nothing can be relied on after this
    process.exit(tellError(error, explain ?? (() => undefined)));
  });
  process.exitCode = await runProgram(program, argv, context, explain);
}
