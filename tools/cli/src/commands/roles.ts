import { command, EXIT } from '@adtally/command-line';
import { rolesScriptFor } from '@adtally/db';
import { databaseAccess } from '../stack.ts';

export const roles = command({
  description: `Prints a script for psql that makes a role for each app, for operators and for people who read figures. Whoever
runs it needs CREATEROLE. The migration job, run by the owner, grants what each may.`,
  run: async () => {
    process.stdout.write(await rolesScriptFor(databaseAccess()));
    return EXIT.success;
  },
});
