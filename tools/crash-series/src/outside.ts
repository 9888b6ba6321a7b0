/** Files beside the protocols that await something, by why a crash between two of their steps can do no harm. */
export const OUTSIDE: readonly { readonly why: string; readonly files: readonly string[] }[] = [
  {
    why: 'not yet protocols here: no stage has ids without a time so old that they leave (analytics/timeless-load), or makes a version after days left (analytics/purged-versions)',
    files: [
      'apps/backfill-runner/src/commands/drop-timeless.ts',
      'packages/analytics/src/taken-over.ts',
      'packages/analytics/src/timeless/*.ts',
      'packages/db/src/retention/timeless-passes.ts',
    ],
  },
  {
    why: 'starting and ending a process: it owns nothing yet, or has let go',
    files: [
      'apps/*/src/{app,main,context,program,resources}.ts',
      'packages/pipeline/src/open-connections.ts',
      'apps/dead-queue-alerter/src/alerter-service.ts',
      'apps/dlq-reprocessor/src/reprocessor.ts',
      'apps/ingest-consumer/src/ingest-service.ts',
      'packages/pipeline/src/{loop-service,servers,side-by-side}.ts',
      'packages/db/src/{addressed-client,check-connection,cli,command-database,create-database,database,env}.ts',
      'packages/db/src/{password-source,pooler,schema-version,topic-shares}.ts',
    ],
  },
  {
    why: 'reads only',
    files: [
      'apps/dead-queue-alerter/src/{bell,incidents-endpoint}.ts',
      'apps/ingest-consumer/src/audit-endpoint.ts',
      'packages/alerting/src/show-incident.ts',
      'apps/backfill-runner/src/retention/{days-to-drop,timeless-to-leave}.ts',
      'packages/analytics/src/{figures/*,purged}.ts',
      'packages/archive/src/{purged-figures,verify-day}.ts',
      'packages/analytics/src/{campaign-totals,compare-versions,conflicts,day-sums-check,rollup-needs,rollups-check,stored-events,whole-audit}.ts',
      'packages/analytics/src/statement/{figures,positions,rollup-agreement,stated-adjustments,verify}.ts',
      'packages/db/src/audit/*.ts',
      'packages/db/src/{database-now,firing-alerts,migration-files,partition-lag,standing-partitions}.ts',
      'packages/db/src/roles/print-script.ts',
      'packages/letters/src/hand/{find-letters,letter-stats,redrive-candidates,show-letter}.ts',
      'packages/pipeline/src/reports/told-lag.ts',
      'packages/pipeline/src/{group-check,tell-ignored-rules}.ts',
    ],
  },
  {
    why: 'what a process says of itself, in statements that each stand alone and decide nothing',
    files: [
      'apps/dlq-reprocessor/src/limits-teller.ts',
      'apps/ingest-consumer/src/breaker/breaker-alerts.ts',
      'apps/ingest-consumer/src/misrouted-sources.ts',
      'packages/db/src/{misrouted-sources,notification-requests,partition-reports,reading-limits,service-processes}.ts',
      'packages/pipeline/src/reports/{hindrance-watch,partition-reporter,throttle-watch}.ts',
    ],
  },
  {
    why: 'hurries those who learn by themselves a heartbeat later (app/handover)',
    files: ['apps/ingest-consumer/src/group-caller.ts', 'packages/db/src/group-calls.ts'],
  },
  {
    why: 'waits before the group is asked for anything; who may write is decided by cursors (app/static-member)',
    files: ['apps/ingest-consumer/src/static-member/{member-lock,member-turn,rehearsal}.ts'],
  },
  {
    why: 'what a person orders by a command: one transaction each, signed in it',
    files: [
      'apps/backfill-runner/src/commands/{control,versions}.ts',
      'packages/alerting/src/acknowledge-incident.ts',
      'packages/analytics/src/{adjustments,versions}.ts',
      'packages/analytics/src/statement/issue.ts',
      'packages/db/src/{operator-actions,sources,topic-rules}.ts',
      'packages/db/src/roles/grants.ts',
      'packages/letters/src/hand/{create-redrive,discard-letters,order-on-letters,redrive-control,redrive-jobs}.ts',
    ],
  },
  {
    why: 'a day comes back into tables of its own, by a command that is given again (archive/faults)',
    files: ['packages/archive/src/{restore-day,restored-days}.ts'],
  },
  {
    why: 'an archive in S3: what is done, and in which order, is what the folder store is killed at (archive/s3)',
    files: ['packages/archive/src/stores/{open-store,s3-store}.ts'],
  },
  {
    why: 'schema: migrations are one transaction each; makers of days are killed by db/days-under-load and app/day-partitions',
    files: [
      'apps/ingest-consumer/src/partition-maker.ts',
      'packages/db/src/{migrate,partitions,registration-lock}.ts',
    ],
  },
];
