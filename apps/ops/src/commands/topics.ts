import {
  choice,
  command,
  CommandError,
  duration,
  EXIT,
  formatTable,
  JSON_OPTION,
  operand,
  option,
  printJson,
  say,
  text,
  UsageError,
  type ValueType,
} from '@adtally/command-line';
import { listTopicRules, NoEventsTopic, setTopicRules } from '@adtally/db';
import {
  FUTURE_TOLERANCE_MS_MAX,
  VALUE_FORMATS,
  type TopicRules,
  type ValueFormat,
} from '@adtally/event-schema';
import { onDatabase, type OpsEnvironment } from '../on-database.ts';
import { operatorOf, readSignature, SIGNATURE_OPTIONS } from '../order-options.ts';
import { count, printable, span } from '../words.ts';

const SECOND_MS = 1_000;
const COLUMNS = ['TOPIC', 'VALUE FORMAT', 'AMOUNTS AS STRINGS', 'FUTURE TOLERANCE', 'SINCE'];

const TOLERANCE: ValueType<number> = {
  ...duration,
  allowed: 'written 30s, 12h or 7d: whole seconds, ten years at most',
  parse: (given) => {
    const ms = duration.parse(given);
    return ms !== undefined && ms % SECOND_MS === 0 && ms <= FUTURE_TOLERANCE_MS_MAX
      ? ms
      : undefined;
  },
};

/** The rules of every topic that has been counted, or whose rules were set. */
export const topics = command({
  options: JSON_OPTION,
  run: async ({ options: { json } }, environment: OpsEnvironment) =>
    await onDatabase(environment, async ({ db }) => {
      const rules = await listTopicRules(db);
      if (json) {
        printJson({
          topics: rules.map((one) => ({
            topic: one.topic,
            ...shownRules(one),
            changed_at: one.changedAt.toISOString(),
          })),
        });
      } else if (rules.length > 0) {
        const rows = rules.map((one) => [
          printable(one.topic),
          one.valueFormat,
          one.amountsAsStrings ? 'yes' : 'no',
          span(one.futureToleranceMs / SECOND_MS),
          one.changedAt.toISOString(),
        ]);
        process.stdout.write(`${formatTable([COLUMNS, ...rows])}\n`);
      }
      if (rules.length === 0) say('no topic has been counted yet');
      return EXIT.success;
    }),
});

/** Changes rules of one topic; what is not named stays as it is. */
export const set = command({
  description: `Records that are not counted yet are read by the new rules, from each partition's cursor on: whoever
counts the topic claims its partitions again at once. Letters are retried, replays read and a dry run judges by the
same rules. Whoever runs an older build reads by none of them: update all services first.`,
  operands: { topic: operand(text('TOPIC'), 'the topic with events') },
  options: {
    'value-format': option(
      choice(VALUE_FORMATS),
      "`auto` also reads Confluent's framing of JSON, Kafka Connect's and CloudEvents' envelopes",
    ),
    'amounts-as-strings': option(
      choice(['yes', 'no']),
      'whether amounts may be strings of digits, as protobuf prints an int64',
    ),
    'future-tolerance': option(
      TOLERANCE,
      "an id so much ahead of its record's timestamp is `future`",
    ),
    ...SIGNATURE_OPTIONS,
    ...JSON_OPTION,
  },
  run: async ({ operands: { topic }, options }, environment: OpsEnvironment) => {
    const change = changeOf(options);
    if (Object.keys(change).length === 0) throw new UsageError('no rule is named to change');
    const signature = readSignature(options);
    return await onDatabase(environment, async ({ db, config }) => {
      const operator = operatorOf(signature, config);
      const { before, after, isChanged, from } = await setTopicRules(
        db,
        operator,
        topic,
        change,
      ).catch(refuse);
      if (options.json) {
        printJson({
          executed: isChanged,
          topic,
          before: shownRules(before),
          after: shownRules(after),
          from: Object.fromEntries([...from].map(([partition, at]) => [partition, Number(at)])),
        });
      }
      if (!isChanged) say(`the rules of ${printable(topic)} are so already`);
      else if (from.size === 0)
        say(`${printable(topic)} is not counted yet: it will be read so from its first record on`);
      else say(`${count(from.size)} partitions are read so from where they stand`);
      return EXIT.success;
    });
  },
});

function refuse(error: unknown): never {
  if (!(error instanceof NoEventsTopic)) throw error;
  throw new CommandError(error.message, { exitCode: EXIT.refused, cause: error });
}

function changeOf(options: {
  readonly 'value-format': ValueFormat | undefined;
  readonly 'amounts-as-strings': 'yes' | 'no' | undefined;
  readonly 'future-tolerance': number | undefined;
}): Partial<TopicRules> {
  const valueFormat = options['value-format'];
  const amounts = options['amounts-as-strings'];
  const futureToleranceMs = options['future-tolerance'];
  return {
    ...(valueFormat !== undefined && { valueFormat }),
    ...(amounts !== undefined && { amountsAsStrings: amounts === 'yes' }),
    ...(futureToleranceMs !== undefined && { futureToleranceMs }),
  };
}

function shownRules(rules: TopicRules): object {
  return {
    value_format: rules.valueFormat,
    amounts_as_strings: rules.amountsAsStrings,
    future_tolerance_seconds: rules.futureToleranceMs / SECOND_MS,
  };
}
