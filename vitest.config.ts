import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Parts of the paths of files that take a minute or more. */
const LONG =
  /tools\/(?:long-life|chaos|crash-series|breaking-run|how-to)\/test|backfill-runner\/test\/backfill/;

/** Begun first: none of them runs on alone when all others are through. */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- no array's own
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification): boolean => LONG.test(moduleId);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

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
    sequence: { sequencer: LongFirst },
    // All workers clone the same template databases (packages/testkit/src/database.ts).
    env: { ADTALLY_TEST_RUN: `${process.pid}_${Date.now().toString(36)}` },
    include: ['{apps,packages,tools}/*/{src,test}/**/*.test.ts'],
    // A failure is often known by its first line alone.
    chaiConfig: { truncateThreshold: 200 },
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
