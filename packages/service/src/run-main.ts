import {
  CHECK_CONFIG_OPTION,
  CHECK_CONNECTIONS_OPTION,
  type ConnectionCheck,
  command,
  EXIT,
  exitCodeOf,
  main,
  tellConfig,
  tellConnections,
  type Program,
} from '@adtally/command-line';
import { ConfigError, redact } from '@adtally/config';

export interface MainOptions<C> {
  /** Its image and its folder are called so. */
  readonly app: string;
  /** Where every variable stands, from the repository's root. */
  readonly readme: string;
  /** One line without a full stop, for its help. */
  readonly summary: string;
  /** Reads and checks the configuration; throws ConfigError. */
  readonly load: () => C;
  /** The configuration for people, secrets masked. */
  readonly describe: (config: C) => Readonly<Record<string, string>>;
  /** The servers it works with. */
  readonly connections: (config: C) => readonly ConnectionCheck[];
  readonly run: (config: C) => Promise<void>;
}

/**
 * The command line of a service: without arguments it runs; `--check-config` only checks (exit 0 or 78)
 * and prints what is in effect, `--check-connections` tries its servers (0, 69 or 78); `--help` says where it is configured; anything else is refused (exit 2).
 */
export function serviceProgram<C>({ app, ...options }: MainOptions<C>): Program<void> {
  const service = command({
    options: { ...CHECK_CONFIG_OPTION, ...CHECK_CONNECTIONS_OPTION },
    run: async ({ options: given }) => {
      const config = options.load();
      if (given['check-config']) return tellConfig(options.describe(config));
      if (given['check-connections']) return await tellConnections(options.connections(config));
      return await untilDrained(() => options.run(config));
    },
  });
  return {
    name: app,
    summary: options.summary,
    notes: `A service: it runs until SIGTERM, SIGINT or POST /drain. Configured by environment variables;
all of them, with their defaults: ${options.readme}.
Exit codes: 0 drained, 1 failure or a drain that gave up work in hand, 2 wrong usage, 69 a server that is checked does not answer, 78 configuration or schema, 130 and 143 forced by a
second signal.`,
    load: async () => service,
  };
}

/**
 * The frame of every app's main. A wrong configuration names all its problems on standard error and
 * exits 78.
 *
 * @param argv arguments after the script's name
 */
export async function runMain<C>(options: MainOptions<C>, argv: readonly string[]): Promise<void> {
  await main(serviceProgram(options), argv, undefined);
}

/** Runs a service and returns the exit code it ended with; its failure is one line for the log. */
export async function untilDrained(run: () => Promise<void>): Promise<number> {
  try {
    await run();
    return Number(process.exitCode ?? EXIT.success);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    process.stderr.write(`${redact(errorText(error))}\n`);
    return exitCodeOf(error) ?? EXIT.failure;
  }
}

function errorText(error: unknown): string {
  return JSON.stringify(error instanceof Error ? (error.stack ?? error.message) : String(error));
}
