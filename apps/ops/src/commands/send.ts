import { stdin } from 'node:process';
import {
  command,
  EXIT,
  flag,
  JSON_OPTION,
  operands,
  option,
  printJson,
  say,
  text,
  UsageError,
} from '@adtally/command-line';
import { kafkaSettings } from '@adtally/kafka/env';
import type { OpsEnvironment } from '../on-database.ts';
import { rulesOf } from '../producer-check/rules.ts';
import { EventCheck } from '../sending/check-event.ts';
import { eventsOfLines, eventsOfWords, type GivenEvent } from '../sending/read-lines.ts';
import { checkEvents, sendEvents, type Sending } from '../sending/send-events.ts';
import { count, printable } from '../words.ts';

/** Puts events on the topic that is counted, as a producer should. */
export const send = command({
  description:
    'An event is a JSON object as packages/event-schema describes it: one an argument, or one a line of a file or of ' +
    'standard input. Its key is its impression_id, and it goes to the partition all events of that impression take. ' +
    'What ingest would reject is not sent, and named. Needs KAFKA_BROKERS alone. Exit code 3 where some were not ' +
    'sent, 4 where all were refused or there is no such topic, 1 where the brokers did not take all.',
  operands: {
    events: operands('events', 'events as JSON; without one, those of --file or of standard input'),
  },
  options: {
    file: option(text('PATH'), 'an event a line'),
    topic: option(text('TOPIC'), 'where to; by default EVENTS_TOPIC'),
    unchecked: flag('send also what ingest would reject'),
    'dry-run': flag('only check them; asks no broker'),
    counted: flag("judge by the topic's rules and the horizon in the database (DATABASE_URL)"),
    ...JSON_OPTION,
  },
  run: async ({ operands: { events: words }, options }, environment: OpsEnvironment) => {
    const { file, unchecked: isUnchecked, 'dry-run': isLook, counted, json } = options;
    const events = eventsGiven(words, file);
    const config = environment.readProducerCheckConfig();
    const topic = options.topic ?? config.eventsTopic;
    const check = new EventCheck(await rulesOf(topic, counted, config, environment));
    const how = { topic, check, isUnchecked };
    const sending = isLook
      ? await checkEvents(events, how)
      : await sendEvents(kafkaSettings(config), events, how);
    if (json) printJson(sendingJson(topic, isLook, sending));
    else process.stdout.write(`${sendingText(topic, isLook, sending)}\n`);
    if (!json) for (const line of notSentLines(sending)) say(line);
    return exitCodeOf(sending);
  },
});

/** @throws UsageError where nobody gives any, or two do */
function eventsGiven(
  words: readonly string[],
  file: string | undefined,
): Iterable<GivenEvent> | AsyncIterable<GivenEvent> {
  if (words.length > 0 && file !== undefined)
    throw new UsageError('events are given as arguments or by --file, not both');
  if (words.length > 0) return eventsOfWords(words);
  if (file === undefined && stdin.isTTY)
    throw new UsageError(
      'no event is given: as an argument, by --file PATH, or a line each on standard input',
    );
  return eventsOfLines(file);
}

function exitCodeOf({ sent, refused, failed }: Sending): number {
  if (failed > 0) return EXIT.failure;
  if (sent === 0) return EXIT.refused;
  return refused > 0 ? EXIT.incomplete : EXIT.success;
}

function sendingJson(topic: string, isLook: boolean, sending: Sending): object {
  const { sent, refused, failed, byPartition, notSent } = sending;
  return {
    executed: !isLook && sent > 0,
    topic,
    events: sent,
    refused,
    failed,
    partitions: Object.fromEntries([...byPartition].toSorted(([a], [b]) => a - b)),
    not_sent: notSent,
  };
}

function sendingText(topic: string, isLook: boolean, { sent, byPartition }: Sending): string {
  const events = `${count(sent)} ${sent === 1 ? 'event' : 'events'}`;
  if (isLook) return `${events} would be sent to ${printable(topic)}`;
  const numbers = [...byPartition.keys()].toSorted((a, b) => a - b).join(', ');
  const where = numbers === '' ? '' : `, partition${byPartition.size === 1 ? '' : 's'} ${numbers}`;
  return `${events} sent to ${printable(topic)}${where}`;
}

function notSentLines({ refused, failed, notSent }: Sending): string[] {
  const lines = notSent.map(({ place, code, field, message }) => {
    const of = field === null ? '' : ` ${printable(field)}`;
    return `event ${place} not sent: ${code}${of}: ${printable(message)}`;
  });
  const more = refused + failed - notSent.length;
  return more > 0 ? [...lines, `and ${count(more)} more`] : lines;
}
