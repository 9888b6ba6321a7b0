import { runMain } from '@adtally/service';
import { runDlqReprocessor } from './app.ts';
import { connections } from './connections.ts';
import { describe, readConfig } from './env.ts';

await runMain(
  {
    app: 'dlq-reprocessor',
    readme: 'apps/dlq-reprocessor/README.md',
    summary: 'takes dead letters into the database, retries them, gives them up',
    load: () => readConfig(),
    describe,
    connections,
    run: runDlqReprocessor,
  },
  process.argv.slice(2),
);
