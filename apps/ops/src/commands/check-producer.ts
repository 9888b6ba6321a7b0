import {
  command,
  CommandError,
  EXIT,
  flag,
  JSON_OPTION,
  option,
  printJson,
  required,
  text,
  timeMs,
  wholeNumber,
} from '@adtally/command-line';
import { topicSetting, withKafkaAdmin } from '@adtally/kafka';
import { kafkaSettings } from '@adtally/kafka/env';
import type { OpsEnvironment } from '../on-database.ts';
import { planSample, readSample } from '../producer-check/read-sample.ts';
import { isWrong, reportJson, reportText, type CheckedSample } from '../producer-check/report.ts';
import { readWithSchemas } from '../producer-check/frame-schemas.ts';
import { rulesOf } from '../producer-check/rules.ts';
import { type SampleRules, SampleTally } from '../producer-check/sample-tally.ts';

const RECORDS_MAX = 20_000;

/** Reads a sample of a topic and says what its producers have to mend. */
export const checkProducer = command({
  description:
    'Reads without a group and writes nothing; needs KAFKA_BROKERS alone, and no topic that Adtally counts. ' +
    'Exit code 3 where something is wrong.',
  options: {
    topic: required(text('TOPIC'), 'the topic to look at'),
    records: option(wholeNumber(1, RECORDS_MAX), 'the latest of each partition', { default: 500 }),
    since: option(timeMs, 'only records with a timestamp from then on'),
    until: option(timeMs, 'only records with a timestamp before then'),
    'source-header': option(
      text('NAME'),
      'the header that names the producer; else the field source, or a usual header',
    ),
    counted: flag("judge by the topic's rules and the horizon in the database (DATABASE_URL)"),
    ...JSON_OPTION,
  },
  run: async ({ options }, environment: OpsEnvironment) => {
    const config = environment.readProducerCheckConfig();
    const rules = await rulesOf(options.topic, options.counted, config, environment);
    const settings = kafkaSettings(config);
    const range = {
      topic: options.topic,
      recordsPerPartition: options.records,
      sinceMs: options.since,
      untilMs: options.until,
    };
    const { partitions, spans, unread } = await withKafkaAdmin(settings, (admin) =>
      planSample(admin, range),
    );
    const timestampType = await topicSetting(settings, options.topic, 'message.timestamp.type');
    const read = async (readBy: SampleRules['readBy']) => {
      const tally = new SampleTally({
        partitions,
        readBy,
        sourceHeader: options['source-header'],
        nowMs: Date.now(),
      });
      const notRead = await readSample(settings, options.topic, spans, {
        reader: config.recordReader,
        take: (record) => tally.add(record),
      });
      return { tally, notRead };
    };
    const { tally, notRead } = await readWithSchemas(config, rules, read);
    const sample: CheckedSample = {
      topic: options.topic,
      partitions,
      timestampType,
      spans,
      unread: [...unread, ...notRead],
      bySource: tally.bySource,
    };
    // Also where a log holds nothing but markers of transactions and what was aborted.
    if (sample.bySource.size === 0 && sample.unread.length === 0)
      throw new CommandError(`topic ${options.topic} has no records there`, {
        exitCode: EXIT.refused,
      });
    if (options.json) printJson(reportJson(sample));
    else process.stdout.write(`${reportText(sample)}\n`);
    return isWrong(sample) ? EXIT.incomplete : EXIT.success;
  },
});
