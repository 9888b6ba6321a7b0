import { flag, JSON_OPTION, option, say, text, UsageError } from '@adtally/command-line';
import { withDatabase, type Database, type Operator } from '@adtally/db';
import type { RunnerConfig } from './env.ts';

/** What every command is handed: the environment, which is read once the command line is right. */
export interface RunnerEnvironment {
  readonly readConfig: () => Promise<RunnerConfig>;
  /** The configuration for people; credentials masked. */
  readonly describe: (config: RunnerConfig) => Promise<Readonly<Record<string, string>>>;
}

/** What the work of a command needs. */
export interface CommandContext {
  readonly config: RunnerConfig;
  readonly db: Database;
  /** Results go to standard output, as one JSON object a line or as text. */
  readonly print: (json: object, text: string) => void;
  readonly isJson: boolean;
  /** Fires at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
}

/** Options of every command that acts. */
export const ACTING_OPTIONS = {
  execute: flag('do it; needs --reason. Without it nothing changes'),
  reason: option(text('TEXT'), 'why; kept for good'),
  actor: option(text('NAME'), 'who; by default the user at this host'),
  ...JSON_OPTION,
} as const;

/** An order that is to be carried out. */
export interface Order {
  readonly reason: string;
  readonly actor: string | undefined;
}

/** The order that the options come to, null where only a look was asked for. @throws UsageError */
export function orderOf({
  execute,
  reason,
  actor,
}: {
  readonly execute: boolean;
  readonly reason: string | undefined;
  readonly actor: string | undefined;
}): Order | null {
  if (!execute) return null;
  if (reason === undefined) throw new UsageError('--reason TEXT is required: it is kept for good');
  return { reason, actor };
}

/** Who acts and why. */
export function operatorOf(
  { reason, actor }: Order,
  config: Pick<RunnerConfig, 'actor'>,
): Operator {
  return { reason, actor: actor ?? config.actor };
}

/** What a command that was not told `--execute` ends with. */
export const DRY = 'Nothing was changed. Add --execute --reason "..." to do it.';

const DATABASE_OPTIONS = {
  applicationName: 'adtally-backfill-runner',
  /** One connection a worker of a backfill at most, and one for its state. */
  maxConnections: 18,
  statementTimeoutMs: 0,
} as const;

/** Does work on the database of the environment. @throws ConfigError, CommandError */
export async function onDatabase(
  { readConfig }: RunnerEnvironment,
  isJson: boolean,
  work: (context: CommandContext) => Promise<number>,
): Promise<number> {
  const config = await readConfig();
  using signals = new FirstSignal();
  const { signal } = signals;
  const print = (json: object, words: string) =>
    void process.stdout.write(`${isJson ? JSON.stringify(json) : words}\n`);
  return await withDatabase(config.databaseUrl, DATABASE_OPTIONS, (db) =>
    work({ config, db, isJson, signal, print }),
  );
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** Fires at the first SIGINT or SIGTERM; the second ends the process as if nobody listened. */
class FirstSignal {
  readonly #stopping = new AbortController();
  readonly #stop = () => {
    say('ending after what is in hand');
    this.#stopping.abort();
  };

  constructor() {
    for (const name of SIGNALS) process.once(name, this.#stop);
  }

  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  [Symbol.dispose](): void {
    for (const name of SIGNALS) process.off(name, this.#stop);
  }
}
