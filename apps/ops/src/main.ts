import { describe, readConfig } from './env.ts';
import { runCommand } from './run-command.ts';

process.exitCode = await runCommand(process.argv.slice(2), { readConfig, describe });
