import type { Database } from '@adtally/db';
import type { OpsConfig } from './env.ts';

/** What a command works with. */
export interface OpsContext {
  readonly config: OpsConfig;
  readonly db: Database;
}

/** Parses its arguments, or throws UsageError; what it returns does the work and answers the exit code. */
export type Command = (args: readonly string[]) => (context: OpsContext) => Promise<number>;
