import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { placesOf, type Place } from './places.ts';

/** What is written into the database or a topic by several steps, so that a crash can fall between two of them. */
export type Protocol = 'commit' | 'reprocessor' | 'alerter' | 'backfill' | 'replay' | 'retention';

/** The files that make up each protocol, below the repository. Every await in them is a place. */
export const PROTOCOL_FILES: Readonly<Record<Protocol, readonly string[]>> = {
  commit: [
    ...inFolder('packages/pipeline/src', [
      'batch-committer',
      'batch-filler',
      'batch-preparer',
      'claim-preparation',
      'topic-registration',
      'commit-line',
      'cursor-watch',
      'dead-letters',
      'ingest-loop',
      'isolate-rows',
      'partition-claims',
      'read-marks',
      'start-at',
      'topic-watch',
      'writer-link',
    ]),
    ...inFolder('packages/db/src', [
      'claim-obstacles',
      'claims',
      'dead-letter-refs',
      'late-notes',
      'probe-rows',
      'read-marks',
      'register-topic',
      'write-batch',
      'write-events',
      'write-guards',
      'write-transaction',
      'writer-session',
    ]),
    'packages/dedup/src/redis-deduplicator.ts',
    'packages/kafka/src/acked-producer.ts',
  ],
  reprocessor: [
    ...inFolder('apps/dlq-reprocessor/src', [
      'chore',
      'lane-claims',
      'lanes',
      'letter-chores',
      'letter-copier',
      'record-expiry',
      'retrier',
      'retry-loop',
      'try-settler',
      'undertaker',
      'volume-watch',
    ]),
    ...inFolder('packages/letters/src/life', [
      'admit-redrives',
      'bury-letters',
      'confirm-letters',
      'copy-letters',
      'dlq-volume',
      'expire-records',
      'lease-letters',
      'settle-tries',
    ]),
  ],
  alerter: [
    ...inFolder('apps/dead-queue-alerter/src', [
      'dead-topic/dead-topic-loop',
      'dead-topic/place-partitions',
      'incidents/apply-arrivals',
      'incidents/apply-conditions',
      'incidents/apply-requests',
      'incidents/conditions',
      'incidents/housekeeping',
      'incidents/tell',
      'lease',
      'notify/post-json',
      'notify/sender',
      'term',
    ]),
    ...inFolder('packages/alerting/src', ['arrivals', 'incidents', 'lease', 'outbox', 'positions']),
  ],
  backfill: [
    'apps/backfill-runner/src/rollup-keeper.ts',
    'apps/backfill-runner/src/watch.ts',
    'apps/backfill-runner/src/commands/run.ts',
    ...inFolder('packages/analytics/src', [
      'add-to-rollups',
      'apply-late',
      'backfills',
      'base-input',
      'bases',
      'definitions',
      'fold/fold-bases',
      'fold/fold-rollups',
      'fold/fold-rows',
      'frontier',
      'ingest-lag',
      'keep-rollups',
      'plan-backfill',
      'snapshot',
      'take-base',
      'work-backfill',
    ]),
  ],
  replay: [
    ...inFolder('apps/backfill-runner/src/replay', [
      'patiently',
      'plan',
      'range-reader',
      'replay-advancer',
      'replay-pace',
      'replay-worker',
      'replayer',
      'work-replay',
      'runs/advance-replay',
      'runs/claim-partition',
      'runs/counted-partitions',
      'runs/create-replay',
      'runs/find-replays',
      'runs/order-replay',
      'runs/told-outcomes',
    ]),
    'apps/backfill-runner/src/commands/replay.ts',
  ],
  retention: [
    'apps/backfill-runner/src/commands/drop-days.ts',
    ...inFolder('apps/backfill-runner/src/retention', [
      'archive-of',
      'earlier-clock',
      'retention-keeper',
    ]),
    ...inFolder('packages/archive/src', [
      'archived-day',
      'database-figures',
      'keep-day',
      'line-parts',
      'parquet',
      'stores/folder-store',
      'stores/led-store',
      'work-folder',
    ]),
    ...inFolder('packages/db/src', [
      'bounded-step',
      'copy-session',
      'retention/drop-days',
      'retention/fold-ledger',
      'retention/leading',
      'retention/retired-days',
    ]),
  ],
};

const FILES = new Set(Object.values(PROTOCOL_FILES).flat());

export function isProtocolFile(path: string): boolean {
  return FILES.has(path);
}

/** All places of a protocol, as the sources stand now. */
export function protocolPlaces(repository: string, protocol: Protocol): Place[] {
  return PROTOCOL_FILES[protocol].flatMap((path) =>
    placesOf(path, readFileSync(join(repository, path), 'utf8')),
  );
}

/** Files beside those of a protocol that await something too. */
export function filesThatAwait(repository: string): string[] {
  const folders = [
    'packages/{pipeline,db,letters,alerting,analytics,archive}/src/**',
    'apps/{ingest-consumer,dlq-reprocessor,dead-queue-alerter,backfill-runner}/src/**',
  ];
  return folders
    .flatMap((folder) => globSync(`${folder}/*.ts`, { cwd: repository }))
    .filter((path) => !path.endsWith('.test.ts'))
    .filter((path) => {
      const text = readFileSync(join(repository, path), 'utf8');
      return (
        text.includes('await using') || (text.includes('await') && placesOf(path, text).length > 0)
      );
    })
    .toSorted();
}

function inFolder(folder: string, names: readonly string[]): string[] {
  return names.map((name) => `${folder}/${name}.ts`);
}
