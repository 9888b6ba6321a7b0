import { runMain } from '@adtally/service';
import { runCommand } from './cli.ts';
import { describe, readConfig } from './env.ts';
import { watch } from './watch.ts';

const argv = process.argv.slice(2);

await runMain({
  load: () => readConfig(),
  describe,
  run: (config) => (argv.includes('--watch') ? watch(config) : runCommand(argv, config)),
  argv,
});
