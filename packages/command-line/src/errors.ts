import { EXIT, type ExitCode } from './exit-codes.ts';

/** Why a command could not do its work, in words for its user: told as it is, without a stack trace. */
export class CommandError extends Error {
  override readonly name: string = 'CommandError';
  readonly exitCode: ExitCode;

  constructor(message: string, options: ErrorOptions & { readonly exitCode: ExitCode }) {
    super(message, options);
    this.exitCode = options.exitCode;
  }
}

/** The command line is wrong: told with a pointer to the command's help. */
export class UsageError extends CommandError {
  override readonly name = 'UsageError';
  /** Where no command was named at all, the help itself says what there is. */
  readonly showsHelp: boolean;

  constructor(message: string, { showsHelp = false }: { readonly showsHelp?: boolean } = {}) {
    super(message, { exitCode: EXIT.usage });
    this.showsHelp = showsHelp;
  }
}
