import type { Program } from './command.ts';
import { runProgram } from './run-program.ts';
import type { ExplainError } from './tell-error.ts';

/** `runProgram` for the process itself: its arguments, its exit code. */
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
  process.exitCode = await runProgram(program, argv, context, explain);
}
