import { runMain } from '@adtally/service';
import { runDlqReprocessor } from './app.ts';
import { describe, readConfig } from './env.ts';

await runMain({
  load: () => readConfig(),
  describe,
  run: runDlqReprocessor,
  argv: process.argv.slice(2),
});
