import { runMain } from '@adtally/service';
import { runIngestConsumer } from './app.ts';
import { connections } from './connections.ts';
import { describe, readConfig } from './env.ts';

await runMain(
  {
    app: 'ingest-consumer',
    readme: 'apps/ingest-consumer/README.md',
    summary: 'reads ad events from Kafka and counts each exactly once in PostgreSQL',
    load: () => readConfig(),
    describe,
    connections,
    run: runIngestConsumer,
  },
  process.argv.slice(2),
);
