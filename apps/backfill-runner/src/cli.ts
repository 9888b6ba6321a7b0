import { RefusedError } from '@adtally/analytics';
import { checkSchema, openDatabase } from '@adtally/db';
import { ConfigError } from '@adtally/config';
import { UsageError } from './args.ts';
import { ordering, status } from './commands/control.ts';
import { plan, resume, run } from './commands/run.ts';
import { compare, promoteVersion, rollbackVersion } from './commands/versions.ts';
import type { Command } from './context.ts';
import type { RunnerConfig } from './env.ts';
import { EXIT } from './exit-codes.ts';

const COMMANDS: Readonly<Record<string, Command>> = {
  plan,
  run,
  resume,
  pause: ordering('pause'),
  cancel: ordering('cancel'),
  // Only this one needs the Kafka client, whose native part takes a while to load.
  replay: async (args, context) => (await import('./commands/replay.ts')).replay(args, context),
  status,
  promote: promoteVersion,
  rollback: rollbackVersion,
  compare,
};

const HELP = `backfill-runner --watch                 keep the rollups up to date (a service)
backfill-runner plan|run [--version N] [--from TIME] [--to TIME] [--by cohort|event-time]
                         [--parallelism N] [--rate ROWS/S] [--attribution-window 7d] [--order-tolerance 60s]
backfill-runner pause|resume|cancel ID
backfill-runner replay [--from-time TIME] [--to-time TIME] [--partition P]... [--rate RECORDS/S]
backfill-runner replay --partition P... [--from-offset N] [--to-offset N] [--rate RECORDS/S]
backfill-runner replay --resume ID [--rate RECORDS/S]
backfill-runner status
backfill-runner promote --version N | rollback
backfill-runner compare N M

What acts needs --execute and --reason "...", and takes --actor. Every command takes --json.
Exit codes: 0 done, 1 failed, 2 usage, 3 cancelled, 4 refused, 75 interrupted (resume it).
`;

/** One connection a worker of a backfill at most, and one for its state. */
const CONNECTIONS = 18;

/** Runs one command and gives the process its exit code. */
export async function runCommand(argv: readonly string[], config: RunnerConfig): Promise<void> {
  const [name = 'help', ...args] = argv;
  const isJson = args.includes('--json');
  try {
    process.exitCode = await execute(name, args, isJson, config);
  } catch (error) {
    process.exitCode = exitCodeOf(error);
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(
      isJson ? `${JSON.stringify({ error: message })}\n` : `backfill-runner: ${message}\n`,
    );
  }
}

async function execute(
  name: string,
  args: readonly string[],
  isJson: boolean,
  config: RunnerConfig,
): Promise<number> {
  if (['help', '--help', '-h'].includes(name) || args.includes('--help')) {
    process.stdout.write(HELP);
    return EXIT.done;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) throw new UsageError(`no command "${name}"; see --help`);
  const db = openDatabase(config.databaseUrl, {
    applicationName: 'adtally-backfill-runner',
    maxConnections: CONNECTIONS,
    statementTimeoutMs: 0,
  });
  const signal = firstSignal();
  try {
    const check = await checkSchema(db);
    if (!check.ok) throw new ConfigError([check.problem]);
    return await command(args, { config, db, isJson, signal, print: printer(isJson) });
  } finally {
    await db.destroy();
  }
}

/** Fires at the first SIGINT or SIGTERM; the second ends the process as if nobody listened. */
function firstSignal(): AbortSignal {
  const stopping = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => {
      process.stderr.write('backfill-runner: ending after what is in hand\n');
      stopping.abort();
    });
  }
  return stopping.signal;
}

function printer(isJson: boolean): (json: object, text: string) => void {
  return (json, text) => void process.stdout.write(`${isJson ? JSON.stringify(json) : text}\n`);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof RefusedError) return EXIT.refused;
  if (error instanceof ConfigError) return error.exitCode;
  return EXIT.failed;
}
