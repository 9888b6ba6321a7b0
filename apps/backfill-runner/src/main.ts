import { main } from '@adtally/command-line';
import { PROGRAM } from './program.ts';

// Loaded when it is read: help and refusals need not wait for it.
const environment = async () => await import('./env.ts');

await main(PROGRAM, process.argv.slice(2), {
  readConfig: async () => (await environment()).readConfig(),
  describe: async (config) => (await environment()).describe(config),
});
