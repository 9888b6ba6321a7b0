import { loadEnv } from '@adtally/config';
import { kafkaSettings, topicsOf } from '@adtally/kafka/env';
import {
  command,
  EXIT,
  formatTable,
  JSON_OPTION,
  option,
  printJson,
  say,
  wholeNumber,
} from '@adtally/command-line';
import { PARTITIONS_MAX, REPLICATION_MAX, TOPIC_JOB_ENV, TOPIC_JOB_RULES } from '../migrate-env.ts';
import { orUsageError } from '../or-usage-error.ts';
import { type PreparedDatabase, prepareDatabase } from '../prepare-database.ts';
import { type PreparedTopic, prepareTopics, topicSpecs } from '../prepare-topics.ts';
import { databaseAccess, serviceEnvironment } from '../stack.ts';

const PARTITIONS = wholeNumber(1, PARTITIONS_MAX);

export const migrate = command({
  description: `Schema, day partitions and topics; services do none of it. Exit code 0 also where a topic exists with
other partitions than wanted: that is said, not changed. Without an option a topic gets what EVENTS_PARTITIONS,
DLQ_PARTITIONS, DEAD_PARTITIONS and TOPIC_REPLICATION say.`,
  options: {
    ...JSON_OPTION,
    'events-partitions': option(PARTITIONS, 'of the topic with events, where it is created'),
    'dlq-partitions': option(PARTITIONS, 'of the topic with dead letters'),
    'dead-partitions': option(PARTITIONS, 'of the topic with hopeless records'),
    replication: option(wholeNumber(1, REPLICATION_MAX), 'copies of each partition'),
  },
  run: async ({ options }) => {
    const env = serviceEnvironment();
    const config = orUsageError(() => loadEnv(TOPIC_JOB_ENV, env, TOPIC_JOB_RULES));
    const { events, dlq, dead } = topicsOf(config);
    const specs = topicSpecs(
      {
        events: { ...events, partitions: options['events-partitions'] ?? config.eventsPartitions },
        dlq: { ...dlq, partitions: options['dlq-partitions'] ?? config.dlqPartitions },
        dead: { ...dead, partitions: options['dead-partitions'] ?? config.deadPartitions },
      },
      options.replication ?? config.topicReplication,
    );
    const database = await prepareDatabase(databaseAccess());
    const topics = await prepareTopics(kafkaSettings(config), specs);
    for (const topic of topics.filter((one) => one.partitions !== one.wantedPartitions)) {
      say(
        `topic ${topic.name} has ${topic.partitions} partitions, not ${topic.wantedPartitions}; left as it is`,
      );
    }
    if (options.json) printJson(asJson(database, topics));
    else process.stdout.write(`${describe(database)}\n${topicTable(topics)}\n`);
    return EXIT.success;
  },
});

function asJson({ migration, days }: PreparedDatabase, topics: readonly PreparedTopic[]): object {
  return {
    schema_version: migration.version,
    applied: migration.applied,
    days_created: days.created,
    rows_moved: days.movedRows,
    days_failed: days.failed,
    days_postponed: days.postponed,
    topics: topics.map((topic) => ({
      name: topic.name,
      topic_id: topic.topicId,
      created: topic.created,
      partitions: topic.partitions,
      partitions_wanted: topic.wantedPartitions,
      replicas: topic.replicas,
    })),
  };
}

function describe({ migration, days }: PreparedDatabase): string {
  const lines = [
    `schema version ${migration.version}, ${migration.applied.length} migrations applied now`,
    `${days.created.length} day partitions made now`,
  ];
  if (days.movedRows > 0) lines.push(`${days.movedRows} rows moved into them from the default one`);
  for (const { label, reason } of days.failed) {
    lines.push(`${label}: no partition could be made: ${reason}`);
  }
  if (days.postponed.length > 0) {
    lines.push(`${days.postponed.join(', ')}: busy, made later by a consumer or the next run`);
  }
  return lines.join('\n');
}

function topicTable(topics: readonly PreparedTopic[]): string {
  const rows = topics.map((topic) => [
    topic.name,
    String(topic.partitions),
    String(topic.replicas),
    topic.created ? 'created' : 'was there',
  ]);
  return formatTable([['TOPIC', 'PARTITIONS', 'REPLICAS', 'STATE'], ...rows], new Set([1, 2]));
}
