import { say, UsageError } from '@adtally/command-line';
import { checkSchema, isConnectionError, openDatabase } from '@adtally/db';
import { ConfigError, EXIT_CONFIG } from '@adtally/config';
import type { Command, OpsContext } from './context.ts';
import type { OpsConfig } from './env.ts';
import { EXIT } from './exit-codes.ts';
import { HELP } from './help.ts';

// Loaded one at a time: only a dry run needs the decoder and what comes with it.
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  'dead-letters list': async () => (await import('./commands/list.ts')).list,
  'dead-letters show': async () => (await import('./commands/show.ts')).show,
  'dead-letters stats': async () => (await import('./commands/stats.ts')).stats,
  redrive: async () => (await import('./commands/redrive.ts')).redrive,
  'redrive jobs': async () => (await import('./commands/jobs.ts')).jobs,
  'redrive status': async () => (await import('./commands/jobs.ts')).status,
  'redrive receipts': async () => (await import('./commands/receipts.ts')).receipts,
  'redrive pause': async () => (await import('./commands/job-order.ts')).jobOrder('pause'),
  'redrive resume': async () => (await import('./commands/job-order.ts')).jobOrder('resume'),
  'redrive cancel': async () => (await import('./commands/job-order.ts')).jobOrder('cancel'),
  discard: async () => (await import('./commands/move.ts')).discard,
  restore: async () => (await import('./commands/move.ts')).restore,
  'incidents list': async () => (await import('./commands/incidents.ts')).list,
  'incidents show': async () => (await import('./commands/incidents.ts')).show,
  'incidents ack': async () => (await import('./commands/incidents.ts')).ack,
};

/** Orders on many letters take their time; a look never needs it. */
const STATEMENT_TIMEOUT_MS = 300_000;

export interface Environment {
  readonly readConfig: () => OpsConfig;
  readonly describe: (config: OpsConfig) => Readonly<Record<string, string>>;
}

/** Runs one command and returns its exit code; whatever goes wrong is told on standard error. */
export async function runCommand(argv: readonly string[], env: Environment): Promise<number> {
  try {
    if (argv.length === 0 || argv.some((arg) => arg === '--help' || arg === '-h')) return help();
    if (argv[0] === 'help') return help();
    if (argv.includes('--check-config')) return checkConfig(env);
    const { load, args } = find(argv);
    const work = (await load())(args);
    return await withDatabase(env.readConfig(), work);
  } catch (error) {
    return explain(error);
  }
}

function find(argv: readonly string[]): { load: () => Promise<Command>; args: readonly string[] } {
  for (const words of [2, 1]) {
    const name = argv.slice(0, words).join(' ');
    const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (load !== undefined) return { load, args: argv.slice(words) };
  }
  const known = Object.keys(COMMANDS).join(', ');
  throw new UsageError(`no command "${argv.slice(0, 2).join(' ')}". Known: ${known}`);
}

function help(): number {
  process.stdout.write(HELP);
  return EXIT.ok;
}

function checkConfig({ readConfig, describe }: Environment): number {
  const lines = Object.entries(describe(readConfig())).map(([name, value]) => `${name}=${value}`);
  process.stdout.write(`${lines.join('\n')}\nconfiguration ok\n`);
  return EXIT.ok;
}

async function withDatabase(
  config: OpsConfig,
  work: (context: OpsContext) => Promise<number>,
): Promise<number> {
  const db = openDatabase(config.databaseUrl, {
    applicationName: 'adtally-ops',
    maxConnections: 2,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  });
  try {
    const schema = await checkSchema(db);
    if (!schema.ok) {
      say(schema.problem);
      return EXIT_CONFIG;
    }
    return await work({ config, db });
  } finally {
    await db.destroy();
  }
}

/** 28xxx: who we are is refused; 3D000: there is no such database. */
const WRONG_ADDRESS = /^(?:28\w{3}|3D000)$/;
/** 57P03: starting up or shutting down; 53xxx: no connection or memory left. */
const NOT_NOW = /^(?:57P0\d|53\w{3})$/;
const LOCK_NOT_AVAILABLE = '55P03';

function explain(error: unknown): number {
  if (error instanceof UsageError) {
    say(`${error.message}\nSee --help`);
    return EXIT.usage;
  }
  if (error instanceof ConfigError) {
    for (const problem of error.problems) say(problem);
    return EXIT_CONFIG;
  }
  const code = (error as { code?: string }).code ?? '';
  const message = error instanceof Error ? error.message : String(error);
  if (WRONG_ADDRESS.test(code)) {
    say(`the database refuses us: ${message}`);
    return EXIT_CONFIG;
  }
  if (isConnectionError(error) || NOT_NOW.test(code)) {
    say(`the database cannot be reached: ${message || code}`);
    return EXIT.unavailable;
  }
  if (code === LOCK_NOT_AVAILABLE) {
    say('another order on dead letters is being carried out; nothing was changed, try again');
    return EXIT.failure;
  }
  say(error instanceof Error ? (error.stack ?? message) : message);
  return EXIT.failure;
}
