import { runMain } from '@adtally/service';
import { runIngestConsumer } from './app.ts';
import { describe, readConfig } from './env.ts';

await runMain({
  load: () => readConfig(),
  describe,
  run: runIngestConsumer,
  argv: process.argv.slice(2),
});
