// The migration job of the image: node packages/db/dist/cli.js migrate
import { ConfigError } from '@adtally/config';
import { readDatabaseConfig } from './env.ts';
import { migrate } from './migrate.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

async function run(args: readonly string[]): Promise<number> {
  if (args.length !== 1 || args[0] !== 'migrate') {
    process.stderr.write('usage: cli.js migrate   (DATABASE_URL names the database)\n');
    return EXIT_USAGE;
  }
  try {
    const { applied, version } = await migrate(readDatabaseConfig().databaseUrl);
    for (const name of applied) process.stdout.write(`applied ${name}\n`);
    process.stdout.write(`schema version ${version}\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return error instanceof ConfigError ? error.exitCode : EXIT_FAILED;
  }
}

process.exitCode = await run(process.argv.slice(2));
