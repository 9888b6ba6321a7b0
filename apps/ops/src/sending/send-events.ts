import {
  AckedProducer,
  kafkaFailure,
  withKafkaAdmin,
  type KafkaSettings,
  type ProduceRecord,
} from '@adtally/kafka';
import { CommandError, EXIT } from '@adtally/command-line';
import type { Rejection } from '@adtally/event-schema';
import { partitionFor } from '@adtally/key-derivation';
import type { EventCheck } from './check-event.ts';
import type { GivenEvent } from './read-lines.ts';

/** An event that is not in the topic, and why. */
export interface NotSent {
  readonly place: number;
  /** Ingest's own code; `not_acknowledged` where the brokers did not take it. */
  readonly code: Rejection['code'] | 'not_acknowledged';
  readonly field: string | null;
  readonly message: string;
}

/** What became of all events. */
export interface Sending {
  sent: number;
  /** Sent (or, in a look, to be sent) by partition; those without a readable id are in none. */
  readonly byPartition: Map<number, number>;
  refused: number;
  failed: number;
  /** The first of both. */
  readonly notSent: NotSent[];
}

interface SendOptions {
  readonly topic: string;
  readonly check: EventCheck;
  /** Sends also what ingest would reject. */
  readonly isUnchecked: boolean;
}

/** What of a topic's events goes into one request. */
const CHUNK_EVENTS = 500;
const NOT_SENT_MAX = 100;
const CONNECT_TIMEOUT_MS = 10_000;
const DELIVERY_TIMEOUT_MS = 30_000;

type Events = Iterable<GivenEvent> | AsyncIterable<GivenEvent>;
type PlacedRecord = ProduceRecord & { readonly place: number };

/** Checks events as `sendEvents` would, and sends none. */
export async function checkEvents(events: Events, options: SendOptions): Promise<Sending> {
  const sending = emptySending();
  for await (const records of chunksOf(events, null, options, sending)) {
    sending.sent += records.length;
  }
  return sending;
}

/**
 * Sends events one after another, each with its impression id as key and to the partition Java's partitioner gives
 * that; what ingest would reject is left out and named, unless it is to be sent unchecked.
 *
 * @throws CommandError where there is no such topic, or no broker takes anything
 */
export async function sendEvents(
  settings: KafkaSettings,
  events: Events,
  options: SendOptions,
): Promise<Sending> {
  const { topic } = options;
  const description = await withKafkaAdmin(settings, (admin) => admin.describeTopic(topic));
  if (description === null)
    throw new CommandError(`there is no topic ${topic}`, { exitCode: EXIT.refused });
  const partitions = description.partitions.length;
  const producer = await connected(settings);
  const sending = emptySending();
  try {
    const chunks = chunksOf(events, partitions, options, sending);
    for await (const { records, outcomes } of producer.produceStream(chunks)) {
      for (const [index, outcome] of outcomes.entries()) {
        const { place, partition } = records[index] as PlacedRecord;
        if (outcome === 'acked') {
          sending.sent += 1;
          if (partition !== undefined && partition !== null)
            sending.byPartition.set(partition, (sending.byPartition.get(partition) ?? 0) + 1);
          continue;
        }
        sending.failed += 1;
        const { message } = outcome;
        note(sending, { place, code: 'not_acknowledged', field: null, message });
      }
    }
  } finally {
    await producer.close();
  }
  return sending;
}

async function connected(settings: KafkaSettings): Promise<AckedProducer> {
  try {
    return await AckedProducer.connect(settings, {
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      deliveryTimeoutMs: DELIVERY_TIMEOUT_MS,
    });
  } catch (error) {
    const failure = kafkaFailure(error);
    if (failure === null) throw error;
    const exitCode = failure.kind === 'away' ? EXIT.unavailable : EXIT.configuration;
    throw new CommandError(`Kafka (KAFKA_BROKERS): ${failure.detail}`, { exitCode, cause: error });
  }
}

/** The records to be sent, a few at a time; what is refused is noted. @param partitions null where unknown */
async function* chunksOf(
  events: Events,
  partitions: number | null,
  { topic, check, isUnchecked }: SendOptions,
  sending: Sending,
): AsyncGenerator<PlacedRecord[]> {
  let chunk: PlacedRecord[] = [];
  for await (const { place, value } of events) {
    const { rejection, key } = check.check(value);
    if (rejection !== null && !isUnchecked) {
      sending.refused += 1;
      const { code, field = null, message } = rejection;
      note(sending, { place, code, field, message });
      continue;
    }
    const partition = key === null || partitions === null ? null : partitionFor(key, partitions);
    chunk.push({ topic, place, key, value, partition });
    if (chunk.length < CHUNK_EVENTS) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

function emptySending(): Sending {
  return { sent: 0, byPartition: new Map(), refused: 0, failed: 0, notSent: [] };
}

function note({ notSent }: Sending, one: NotSent): void {
  if (notSent.length < NOT_SENT_MAX) notSent.push(one);
}
