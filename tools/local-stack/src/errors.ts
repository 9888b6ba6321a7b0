/** An operating error of the stack, told to the user as it is, without a stack trace. */
export class StackError extends Error {
  override readonly name = 'StackError';
  readonly exitCode: number;

  constructor(message: string, options: { exitCode?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.exitCode = options.exitCode ?? 1;
  }
}
