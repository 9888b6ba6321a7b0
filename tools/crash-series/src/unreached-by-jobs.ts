import { of, type Unreached } from './excuse.ts';

/** Those of backfill-runner's work. */
export const UNREACHED_BY_JOBS: readonly Unreached[] = [
  {
    why: 'an order to pause or cancel, one transaction (analytics/backfills, replay-control), and who waits for it',
    places: [
      ...of('backfill-runner/commands/replay', [
        'orderingReplay.run > onDatabase',
        'orderingReplay.run > orderReplay',
        'orderingReplay.run > readReplay',
      ]),
      ...of('analytics/work-backfill', ["BackfillWork.mayGoOn > pause('resume')"]),
      ...of('backfill-runner/commands/run', ['run > readBackfill #2']),
      ...of('backfill-runner/commands/replay', ['run > readReplay #3']),
    ],
  },
  {
    why: 'a job that was done and had not said so when its process died: heirs of a chain meet it',
    sometimes: true,
    places: [
      ...of('backfill-runner/commands/replay', ['run > endReplay', 'run > readReplay #2']),
      ...of('analytics/work-backfill', [
        'workBackfill > endBackfill',
        'BackfillWork.run > endBackfill #2',
        "BackfillWork.mayGoOn > pause('ingest')",
      ]),
    ],
  },
  {
    why: 'a replay or a backfill that another worker, retention or a restored copy overtook (replay-faults, retention)',
    places: [
      ...of('backfill-runner/replay/replayer', [
        'Replayer.commit > isLost',
        'Replayer.commit > isLost #2',
        'Replayer.isLost > link.cursors',
      ]),
      ...of('analytics/plan-backfill', [
        'refusePurgedSince > readWriteGuards',
        "refusePurgedSince > db.selectFrom('rollup_bases')",
      ]),
      ...of('analytics/work-backfill', ['BackfillWork.run > refusePurgedSince']),
    ],
  },
  {
    why: 'a backfill of a part of the days: it looks for what retention took before it writes anything (retention)',
    places: of('analytics/plan-backfill', ['planBackfill > refusePurged']),
  },
  {
    why: 'folding that comes to its end, or joins bases: it lasts longer than a chain (analytics/folding); one transaction each',
    sometimes: true,
    places: of('analytics/fold/fold-bases', [
      'foldNext > purgedPair',
      "purgedPair > trx.selectFrom('rollup_bases as a')",
      "join > trx.deleteFrom('rollup_bases')",
    ]),
  },
  {
    why: 'a dry run of drop-days, and an archive that another command lists: they only read',
    places: [
      ...of('backfill-runner/commands/drop-days', [
        'run > readWriteGuards',
        'run > tellPlan',
        'tellPlan > readWriteGuards',
        'tellPlan > daysToDrop',
        'tellPlan > rollupsNeedBefore',
      ]),
      ...of('archive/archived-day', ["archivedDays > store.list('day=')"]),
      ...of('archive/parquet', ['Parquet.unpack > connection.run']),
    ],
  },
  {
    why: 'a day that waits, comes again or has no archive (retention, db/retention/drop-days, archive/faults)',
    sometimes: true,
    places: [
      ...of('backfill-runner/commands/drop-days', [
        'drop > alreadyWaiting',
        'alreadyWaiting > waitingDays',
      ]),
      ...of('db/retention/drop-days', [
        'dropDays > readWriteGuards',
        'Retention.turn > noteWait',
        'Retention.retire > recountRetiredDay',
        'Retention.archive > isArchiveExpected',
      ]),
      ...of('db/retention/retired-days', [
        'isArchiveExpected > sql',
        "noteWait > db.updateTable('retired_days')",
        'recountRetiredDay > sql',
      ]),
      ...of('backfill-runner/retention/retention-keeper', ['RetentionKeeper.dropDays > dropDays']),
    ],
  },
  {
    why: 'ids without a time are kept for ever on all stages (analytics/timeless-load)',
    places: of('backfill-runner/retention/retention-keeper', [
      'RetentionKeeper.purgeTimeless > purgeTimelessEvents',
    ]),
  },
  {
    why: 'what the try before left in the archive, and a store that refuses: heirs of a chain meet the first (archive/faults)',
    sometimes: true,
    places: [
      ...of('archive/archived-day', ['readFiles > rm']),
      ...of('archive/keep-day', ['DayKeeping.keep > isAsStated', 'isAsStated > readFiles']),
      ...of('archive/stores/folder-store', ['FolderStore.put > rm', 'FolderStore.put > rm #2']),
    ],
  },
  {
    why: 'a base that is spoiled by another version of its query (analytics/races)',
    places: of('analytics/apply-late', ['spoilBases > sql']),
  },
];
