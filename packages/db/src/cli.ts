// The migration job of the image: node packages/db/dist/cli.js migrate, and the script of its roles
import { command, EXIT, main } from '@adtally/command-line';
import { askDatabase } from './command-database.ts';
import { readDatabaseConfig } from './env.ts';
import { migrate } from './migrate.ts';
import { rolesScriptFor } from './roles/print-script.ts';

const job = command({
  run: async () => {
    const { databaseUrl } = readDatabaseConfig();
    const { applied, version, roles } = await askDatabase(databaseUrl, () => migrate(databaseUrl));
    for (const name of applied) process.stdout.write(`applied ${name}\n`);
    for (const name of roles) process.stdout.write(`granted ${name} its rights\n`);
    process.stdout.write(`schema version ${version}\n`);
    return EXIT.success;
  },
});

const roles = command({
  run: async () => {
    process.stdout.write(await rolesScriptFor(readDatabaseConfig().databaseUrl));
    return EXIT.success;
  },
});

const program = {
  name: 'cli.js',
  summary: 'the migration job of the image',
  notes: 'DATABASE_URL names the database.',
  commands: {
    migrate: { summary: 'bring the schema up to date', load: async () => job },
    roles: { summary: 'print a script that makes a role for each app', load: async () => roles },
  },
};

await main(program, process.argv.slice(2), undefined);
