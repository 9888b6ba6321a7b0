import { CommandError, EXIT } from '@adtally/command-line';

/** The archive does not answer, refuses us, or is full. Nothing was dropped or restored; trying again may help. */
export class ArchiveUnavailable extends CommandError {
  override readonly name = 'ArchiveUnavailable';

  constructor(message: string, cause: unknown) {
    super(`${message}: ${(cause as Error).message}`, { exitCode: EXIT.unavailable, cause });
  }
}

/** What lies in the archive is not what was archived; says where it differs first. */
export class ArchiveDamaged extends CommandError {
  override readonly name = 'ArchiveDamaged';

  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { ...options, exitCode: EXIT.refused });
  }
}

/** A guard says no: nothing was changed. */
export class ArchiveRefused extends CommandError {
  override readonly name = 'ArchiveRefused';

  constructor(message: string) {
    super(message, { exitCode: EXIT.refused });
  }
}
