import { of, type Unreached } from './excuse.ts';
import { UNREACHED_BY_JOBS } from './unreached-by-jobs.ts';

/**
 * Held against the sources and against what is passed, both ways: a place that is passed after all, or that is gone,
 * is an error here.
 */
export const UNREACHED: readonly Unreached[] = [
  {
    why: 'a halt ends only by an operator; that it outlives its process is app/halts',
    places: [
      ...of('pipeline/ingest-loop', [
        'IngestLoop.settle > watch.confirm',
        'IngestLoop.settle > claims.halt',
      ]),
      ...of('pipeline/topic-watch', ['TopicWatch.confirm > identity.confirm']),
      ...of('pipeline/partition-claims', [
        'PartitionClaims.halt > link.session',
        'PartitionClaims.halt > haltSource',
        'PartitionClaims.takeOver > haltSource',
      ]),
      ...of('db/claims', ['haltSource > session.query']),
      ...of('db/register-topic', [
        'registerTopic > haltRecreated',
        "haltRecreated > trx.updateTable('cursors')",
      ]),
    ],
  },
  {
    why: 'every process of a chain has a group of its own, so nothing is revoked (app/rebalance), unless one gets no time for so long that its group takes it for gone',
    sometimes: true,
    places: [
      ...of('pipeline/ingest-loop', [
        'IngestLoop.rebalance > letGo',
        'IngestLoop.rebalance > claims.release',
      ]),
      ...of('dlq-reprocessor/lane-claims', ['LaneClaims.claim > releaseSources']),
    ],
  },
  {
    why: 'a claim of a topic that was registered before the group granted anything, which only reads, and one that comes alone, or after those of all failed (app/slow-claims, db/eviction)',
    sometimes: true,
    places: [
      ...of('pipeline/partition-claims', ['PartitionClaims.takeOver > claimSource']),
      ...of('db/register-topic', ['KnownSources.read > knownSources']),
    ],
  },
  {
    why: 'what a static member that stands by does for practice: of no row and no source (app/static-member, db/write-batch)',
    places: [
      ...of('pipeline/claim-preparation', [
        'ClaimPreparation.rehearse > registration.read',
        'ClaimPreparation.rehearse > Promise.all',
      ]),
      ...of('db/write-batch', [
        'rehearseBatch > inWriteTransaction',
        'rehearseBatch > session.query',
        'rehearseBatch > readWriteGuards',
        'rehearseBatch > session.copyEvents',
        'rehearseBatch > session.query #2',
        'rehearseBatch > session.query #3',
      ]),
    ],
  },
  {
    why: 'rows under a lock that outlasts the budget of a minute (pipeline/blocked-rows)',
    places: [
      ...of('pipeline/batch-committer', ['BatchCommitter.waitOrSuspect > rejectCulprits']),
      ...of('pipeline/isolate-rows', [
        'isolateRows.confirmed > takesRows',
        'isolateRows.confirmed > probe',
        'isolateRows.confirmed > probe #2',
      ]),
      ...of('db/probe-rows', [
        'takesRows > inWriteTransaction',
        "takesRows > session.query('LOCK TABLE events IN ROW EXCLUSIVE MODE')",
        "takesRows > session.query('ROLLBACK')",
      ]),
    ],
  },
  {
    why: 'a refusal that nobody understands ends the service with 1, whoever owns the partitions',
    places: [
      ...of('pipeline/batch-committer', [
        'BatchCommitter.recover > dropStale',
        'BatchCommitter.dropStale > link.cursors',
        'BatchCommitter.dropStale > attempt.backoff.wait',
      ]),
      ...of('pipeline/writer-link', [
        'WriterLink.cursors > adoptSources',
        'WriterLink.cursors > session',
      ]),
    ],
  },
  {
    why: 'a server that refuses or is away for a while: a wait, with nothing under way (app/database-faults)',
    sometimes: true,
    places: [
      ...of('pipeline/batch-committer', [
        'BatchCommitter.recover > attempt.backoff.wait',
        'BatchCommitter.reclassify > attempt.backoff.wait',
        'BatchCommitter.rejectCulprits > attempt.backoff.wait',
      ]),
      ...of('pipeline/dead-letters', ['DeadLetterSender.secure > backoff.wait']),
      ...of('pipeline/writer-link', [
        'WriterLink.renew > backoff.wait',
        'WriterLink.check > session.check',
        'WriterLink.check > open',
      ]),
      ...of('db/writer-session', ["WriterSession.check > query('SELECT 1')"]),
      ...of('dedup/redis-deduplicator', ['RedisDeduplicator.ready > Promise.race']),
      ...of('dead-queue-alerter/dead-topic/dead-topic-loop', [
        'DeadTopicLoop.run > closed',
        'DeadTopicLoop.connect > wait',
        'DeadTopicLoop.read > wait',
        'DeadTopicLoop.wait > pause',
      ]),
      ...of('backfill-runner/rollup-keeper', ['RollupKeeper.traced > keep #2']),
      ...of('analytics/keep-rollups', ['keepRollups > readWriteGuards']),
      ...of('analytics/work-backfill', [
        "BackfillWork.takeAll > pause('the database')",
        "BackfillWork.takeOver > pause('the database')",
        'BackfillWork.run > pause',
        'BackfillWork.mayGoOn > pause',
        'BackfillWork.pause > sleep',
      ]),
      ...of('backfill-runner/replay/replayer', [
        "Replayer.commit > patiently('writing how far the replay is')",
        'Replayer.commit > link.session',
      ]),
      ...of('backfill-runner/replay/patiently', ['patiently > backoff.wait']),
      ...of('backfill-runner/replay/runs/advance-replay', ['advanceReplayAlone > session.query']),
      ...of('db/bounded-step', ['inBoundedStep > sleep']),
      ...of('kafka/acked-producer', [
        'AckedProducer.enqueue > untilRoom',
        'AckedProducer.enqueue > untilRoom #2',
      ]),
    ],
  },
  {
    why: 'a matter of which of two things that go on at once is first',
    sometimes: true,
    places: [
      ...of('pipeline/ingest-loop', [
        'IngestLoop.run > line.drained',
        'IngestLoop.giveUp > cursors.look',
      ]),
      ...of('pipeline/batch-committer', [
        'BatchCommitter.commit > prepare',
        'BatchCommitter.resolve > attempt.backoff.wait',
      ]),
      ...of('dead-queue-alerter/incidents/apply-arrivals', ['insert > tell #2', 'update > tell']),
      ...of('dead-queue-alerter/incidents/housekeeping', ['keepHouse > tell']),
      ...of('analytics/add-to-rollups', ['addToRollups > sql #2']),
      ...of('backfill-runner/replay/replay-pace', ['ReplayPace.mayGoOn > pause']),
      ...of('backfill-runner/replay/replay-worker', ['workLanes > pause']),
    ],
  },
  {
    why: 'of a producer in bulk, and of one whose credentials change; the simulator and rotations use it',
    places: of('kafka/acked-producer', [
      'AckedProducer.produceStream > chunks',
      'AckedProducer.produceStream > first.sent',
      'AckedProducer.produceStream > sent',
      'AckedProducer.flush > client?.flush',
      'AckedProducer.replace > new Promise((resolve) => setTimeout(resolve, RENEW_AFTER_MS)',
      'AckedProducer.replace > connect',
      'AckedProducer.replace > fresh.close',
      'AckedProducer.replace > finished?.close',
    ]),
  },
  {
    why: 'a way to begin or a range that the stages do not ask for; it only reads',
    places: [
      ...of('pipeline/start-at', ['namedOffsets > admin.groupOffsets']),
      ...of('backfill-runner/replay/plan', ['offsetsOf > admin.offsetsForTime']),
      ...of('backfill-runner/replay/range-reader', [
        'RangeReader.checkTopic > admin.describeTopic',
        'RangeReader.confirmTopic > checkTopic',
        'RangeReader.fill > relocate',
        'RangeReader.relocate > checkTopic',
        'RangeReader.relocate > admin.watermarks',
      ]),
      ...of('analytics/plan-backfill', [
        'planBackfill > cohortsWithEvents',
        "cohortsWithEvents > db.selectFrom('rollup_by_campaign')",
        "refusePurged > db.selectFrom('rollup_bases')",
      ]),
    ],
  },
  {
    why: 'of another command or request that only reads, or of another app',
    places: [
      ...of('alerting/incidents', [
        "listIncidents > db.selectFrom('incidents')",
        "findIncident > db.selectFrom('incidents')",
      ]),
      ...of('alerting/lease', ["alerterLeaseHolder > session.selectFrom('alerter_lease')"]),
      ...of('alerting/outbox', ["outboxBacklog > db.selectFrom('notifications')"]),
      ...of('backfill-runner/rollup-keeper', ['RollupKeeper.status > readFreshness']),
      ...of('backfill-runner/commands/run', ['run > onDatabase', 'run > planOf']),
      ...of('analytics/snapshot', [
        'inSnapshot > db.transaction',
        'inSnapshot > sql',
        'inSnapshot > sql #2',
        'inSnapshot > work',
      ]),
      ...of('analytics/base-input', ['planAsEver > sql.raw']),
    ],
  },
  ...UNREACHED_BY_JOBS,
  {
    why: 'recurs less often than a chain lasts: minutes or hours; one statement each, or one transaction',
    sometimes: true,
    places: [
      ...of('dlq-reprocessor/record-expiry', ['recordExpiry.run > expireLetterRecords']),
      ...of('dlq-reprocessor/volume-watch', [
        'VolumeWatch.look > dlqVolume',
        'VolumeWatch.look > dlqEnd',
        'VolumeWatch.look > tell',
        'VolumeWatch.tell > firingKeys',
        'VolumeWatch.tell > requestNotification',
      ]),
      ...of('letters/life/dlq-volume', [
        "dlqEnd > db.selectFrom('sources as s')",
        'dlqVolume > letters.select',
        'dlqVolume > sql',
      ]),
      ...of('letters/life/expire-records', [
        "expireLetterRecords > db.updateTable('dead_letters')",
        'expireLetterRecords > sql',
      ]),
      ...of('dead-queue-alerter/incidents/housekeeping', [
        'keepHouse > pruneArrivals',
        'keepHouse > pruneNotifications',
      ]),
      ...of('alerting/arrivals', ['pruneArrivals > sql']),
      ...of('alerting/outbox', [
        "openInSink > session.selectFrom('notifications as n')",
        "pruneNotifications > db.deleteFrom('notifications')",
        "pruneNotifications > db.deleteFrom('notification_requests')",
      ]),
      ...of('dead-queue-alerter/notify/sender', [
        'Sender.refresh > openInSink',
        'Sender.refresh > refresh.send',
      ]),
    ],
  },
  {
    why: 'conditions and requests of other services than the dead topic (alerter/conditions, alerter/requests)',
    places: [
      ...of('dead-queue-alerter/dead-topic/place-partitions', [
        'findPlace > unlessStopped',
        'write > ask',
        'ask > requestNotification',
      ]),
      ...of('dead-queue-alerter/incidents/apply-conditions', [
        'ConditionAlerts.applyAlert > insertIncident',
        'ConditionAlerts.applyAlert > tell',
        'ConditionAlerts.applyAlert > noteNews',
        'ConditionAlerts.applyAlert > updateIncident',
        'ConditionAlerts.applyAlert > tell #2',
        'noteNews > updateIncident',
      ]),
      ...of('dead-queue-alerter/incidents/apply-requests', [
        'applyRequests > applyRequest',
        'applyRequest > openIncident',
        'applyRequest > updateIncident',
        'applyRequest > tell',
        'applyRequest > insertIncident',
        'applyRequest > tell #2',
        'applyRequest > updateIncident #2',
      ]),
    ],
  },
  {
    why: 'a notification that a sink refuses for good, which takes an hour (alerter/sink-answers)',
    places: [
      ...of('dead-queue-alerter/notify/sender', ['Sender.settle > settleNotification #2']),
      ...of('alerting/outbox', ['settleNotification > update.set #3']),
    ],
  },
];
