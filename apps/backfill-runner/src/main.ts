import { main } from '@adtally/command-line';
import { describe, readConfig } from './env.ts';
import { explain, PROGRAM } from './program.ts';

await main(PROGRAM, process.argv.slice(2), { readConfig, describe }, explain);
