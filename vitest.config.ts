import { defineConfig } from 'vitest/config';

// Workspace packages resolve to their TypeScript sources: no build before a test.
// Never 'import' here: the list also reaches require() inside dependencies, where pg then breaks.
const conditions = ['@adtally/source', 'node'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    // The Kafka client is native code that cannot be loaded in worker threads.
    pool: 'forks',
    maxWorkers: 2,
    // All workers clone the same template databases (packages/testkit/src/database.ts).
    env: { ADTALLY_TEST_RUN: `${process.pid}_${Date.now().toString(36)}` },
    include: ['{apps,packages,tools}/*/{src,test}/**/*.test.ts'],
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
