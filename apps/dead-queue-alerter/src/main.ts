import { runMain } from '@adtally/service';
import { runDeadQueueAlerter } from './app.ts';
import { describe, readConfig } from './env.ts';

await runMain({
  load: () => readConfig(),
  describe,
  run: runDeadQueueAlerter,
  argv: process.argv.slice(2),
});
