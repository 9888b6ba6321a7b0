// The migration job of the image: node packages/db/dist/cli.js migrate
import { command, EXIT, main } from '@adtally/command-line';
import { askDatabase } from './command-database.ts';
import { readDatabaseConfig } from './env.ts';
import { migrate } from './migrate.ts';

const job = command({
  run: async () => {
    const { databaseUrl } = readDatabaseConfig();
    const { applied, version } = await askDatabase(databaseUrl, () => migrate(databaseUrl));
    for (const name of applied) process.stdout.write(`applied ${name}\n`);
    process.stdout.write(`schema version ${version}\n`);
    return EXIT.success;
  },
});

const program = {
  name: 'cli.js',
  summary: 'the migration job of the image',
  notes: 'DATABASE_URL names the database.',
  commands: { migrate: { summary: 'bring the schema up to date', load: async () => job } },
};

await main(program, process.argv.slice(2), undefined);
