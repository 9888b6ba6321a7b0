import type { Database, Operator } from '@adtally/db';
import { required } from './args.ts';
import type { RunnerConfig } from './env.ts';

/** What every command gets. */
export interface CommandContext {
  readonly config: RunnerConfig;
  readonly db: Database;
  /** Results go to standard output, as one JSON object a line or as text. */
  readonly print: (json: object, text: string) => void;
  readonly isJson: boolean;
  /** Fires at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
}

/** A command does its work and says what the process is to exit with. */
export type Command = (args: readonly string[], context: CommandContext) => Promise<number>;

/** Options of every command, and of every command that acts. */
export const COMMON_OPTIONS = { json: { type: 'boolean', default: false } } as const;
export const ACTING_OPTIONS = {
  ...COMMON_OPTIONS,
  execute: { type: 'boolean', default: false },
  reason: { type: 'string' },
  actor: { type: 'string' },
} as const;

/** Who acts and why: a reason is demanded of every act. */
export function operatorOf(
  values: { readonly reason?: string | undefined; readonly actor?: string | undefined },
  config: RunnerConfig,
): Operator {
  return {
    actor: required('--actor', values.actor ?? config.actor),
    reason: required('--reason', values.reason),
  };
}

/** What a command that was not told `--execute` ends with. */
export const DRY = 'Nothing was changed. Add --execute --reason "..." to do it.';
