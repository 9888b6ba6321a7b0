import { EXIT, exitCodeOf } from './exit-codes.ts';
import { say } from './output.ts';

/** What an app knows of an error: the sentence and the exit code. */
export type ExplainError = (
  error: unknown,
) => { readonly message: string; readonly exitCode: number } | undefined;

/**
 * Says on standard error what went wrong and returns the exit code that says the same: the sentences
 * of an error that was foreseen (it has an `exitCode`), the stack trace of one that was not.
 */
export function tellError(error: unknown, explain: ExplainError): number {
  const explained = explain(error);
  if (explained !== undefined) {
    say(explained.message);
    return explained.exitCode;
  }
  const exitCode = exitCodeOf(error);
  if (exitCode === undefined) {
    say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return EXIT.failure;
  }
  say(sentenceOf(error));
  return exitCode;
}

/** Of a configuration everything that is wrong is told, one a line. */
function sentenceOf(error: unknown): string {
  const { problems, message } = error as { problems?: readonly string[]; message: string };
  if (problems === undefined) return message;
  return ['configuration is wrong:', ...problems].join('\n  - ');
}
