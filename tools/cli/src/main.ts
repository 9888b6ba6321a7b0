import { StackError } from '@adtally/local-stack';

import { UsageError } from './args.ts';
import { say } from './output.ts';

type Command = (args: string[]) => Promise<number>;

const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;

// Loaded one at a time: `status` need not wait for the Kafka client.
const COMMANDS: Readonly<Record<string, () => Promise<{ run: Command }>>> = {
  audit: () => import('./commands/audit.ts'),
  bench: () => import('./commands/bench.ts'),
  demo: () => import('./commands/demo.ts'),
  down: () => import('./commands/down.ts'),
  help: () => import('./commands/help.ts'),
  migrate: () => import('./commands/migrate.ts'),
  ops: () => import('./commands/ops.ts'),
  run: () => import('./commands/run.ts'),
  sources: () => import('./commands/sources.ts'),
  status: () => import('./commands/status.ts'),
  test: () => import('./commands/test.ts'),
  up: () => import('./commands/up.ts'),
};

const HELP_SPELLINGS = new Set(['-h', '--help', 'help']);

async function main([name = 'help', ...args]: string[]): Promise<number> {
  const command = HELP_SPELLINGS.has(name) ? 'help' : name;
  const load = Object.hasOwn(COMMANDS, command) ? COMMANDS[command] : undefined;
  if (load === undefined) {
    throw new UsageError(`no command "${name}". Known: ${Object.keys(COMMANDS).join(', ')}`);
  }
  // These two have a help of their own.
  if (
    command !== 'run' &&
    command !== 'ops' &&
    args.some((arg) => arg === '--help' || arg === '-h')
  ) {
    return await (await import('./commands/help.ts')).run();
  }
  return await (await load()).run(args);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof UsageError) {
    say(`${error.message}\nSee ./dev help`);
    process.exitCode = EXIT_USAGE;
  } else if (error instanceof StackError) {
    say(error.message);
    process.exitCode = error.exitCode;
  } else {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    say(text);
    process.exitCode = EXIT_FAILURE;
  }
}
