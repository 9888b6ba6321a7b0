import { runMain } from '@adtally/service';
import { runDeadQueueAlerter } from './app.ts';
import { connections } from './connections.ts';
import { describe, readConfig } from './env.ts';

await runMain(
  {
    app: 'dead-queue-alerter',
    readme: 'apps/dead-queue-alerter/README.md',
    summary: 'tells people when too many letters die',
    load: () => readConfig(),
    describe,
    connections,
    run: runDeadQueueAlerter,
  },
  process.argv.slice(2),
);
