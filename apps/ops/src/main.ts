import { main } from '@adtally/command-line';
import { describe, readConfig } from './env.ts';
import { readProducerCheckConfig } from './producer-check/env.ts';
import { explain, PROGRAM } from './program.ts';

const environment = { readConfig, readProducerCheckConfig, describe };

await main(PROGRAM, process.argv.slice(2), environment, explain);
