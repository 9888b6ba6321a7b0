import { Buffer } from 'node:buffer';
import type { World } from '@adtally/breaking-run';
import { DEAD_LETTER_HEADERS } from '@adtally/event-schema';
import { KafkaAdmin } from '@adtally/kafka';
import { growTopic, openTransaction, produceRecords, type TimedRecord } from '@adtally/testkit';
import type { Fault, Stage } from '../fault.ts';

async function partitionsOf({ servers, names }: World): Promise<number> {
  const brokers = servers.kafka.internalBrokers;
  const admin = new KafkaAdmin({ brokers, clientId: 'chaos', security: {} });
  try {
    return (await admin.describeTopic(names.events))?.partitions.length ?? 0;
  } finally {
    admin.close();
  }
}

const grown: Fault = {
  name: 'partition-added',
  what: 'one partition added to the events topic; the producer begins anew, and knows of it',
  takes: ['brokers'],
  most: 4,
  seconds: [2, 6],
  start: async ({ world }) => {
    const before = await partitionsOf(world);
    const brokers = world.servers.kafka.internalBrokers;
    await world.load.interrupt(() => growTopic(world.names.events, before + 1, brokers));
    return {
      evidence: async () => {
        const now = await partitionsOf(world);
        return now > before ? `${now} partitions instead of ${before}` : undefined;
      },
      heal: async () => undefined,
    };
  },
};

/** Each transaction's end takes an offset too. */
const END_MARKER = 1;
/** After which the coordinator aborts: enough to write it on a busy machine. */
const TRANSACTION_MS = 15_000;
const RECORDS_MAX = 5;
const GAPS = { EVENTS_TOPIC_MAY_HAVE_GAPS: 'true' };

async function open({ world, rng, noteGaps }: Stage, timeoutMs?: number) {
  const values = Array.from({ length: 1 + rng.below(RECORDS_MAX) }, () => Buffer.from('{}'));
  const partition = rng.below(world.partitions);
  const brokers = world.servers.kafka.internalBrokers;
  const transaction = await openTransaction(
    world.names.events,
    partition,
    values,
    brokers,
    timeoutMs,
  );
  noteGaps(values.length + END_MARKER);
  return { transaction, evidence: `${values.length} records of it in partition ${partition}` };
}

const openLong: Fault = {
  name: 'transaction-open',
  what: "a producer's transaction stays open, and is aborted at the end",
  takes: ['brokers'],
  env: GAPS,
  seconds: [4, 15],
  start: async (stage) => {
    const { transaction, evidence } = await open(stage);
    return { evidence: async () => evidence, heal: () => transaction.abort() };
  },
};

const abandoned: Fault = {
  name: 'transaction-abandoned',
  what: 'a producer opens a transaction and goes away: the coordinator aborts it',
  takes: ['brokers'],
  env: GAPS,
  seconds: [4, 8],
  start: async (stage) => {
    const { transaction, evidence } = await open(stage, TRANSACTION_MS);
    await transaction.abandon();
    return { evidence: async () => evidence, heal: async () => undefined };
  },
};

const DEEP = '['.repeat(60_000);
const HOSTILE: readonly (Buffer | null)[] = [
  null,
  Buffer.alloc(0),
  Buffer.from(DEEP),
  Buffer.from(
    `{"schema_version":1,"event_type":"impression","impression_id":"'); DROP TABLE events; --"}`,
  ),
  Buffer.from('{"__proto__":{"schema_version":1},"constructor":1}'),
  Buffer.from(`{"schema_version":${'9'.repeat(5_000)}}`),
  Buffer.from(`{"event_type":"\\u0000\\ud800\\u001b[31m\\r\\n"}`),
  Buffer.from([0xff, 0xfe, 0x00, 0x80]),
  Buffer.from([0, 0, 0, 0, 7, 0x7b, 0x7d]),
  Buffer.alloc(60_000, '"'),
];
const MANY_HEADERS = Array.from({ length: 500 }, (_, index) => ({ [`h${index}`]: 'x'.repeat(20) }));

/** Letters that no app of ours wrote: they claim other people's coordinates and impossible numbers. */
function forgedLetters({ names }: World): TimedRecord[] {
  const claims = ['-1', '1e309', 'NaN', '9'.repeat(30), '0'];
  return claims.map((claim) => ({
    partition: 0,
    key: null,
    value: Buffer.from('no letter'),
    headers: [
      { [DEAD_LETTER_HEADERS.topic]: names.events },
      { [DEAD_LETTER_HEADERS.partition]: claim },
      { [DEAD_LETTER_HEADERS.offset]: claim },
      { [DEAD_LETTER_HEADERS.attempts]: claim },
      { 'adtally.headers.added': claim },
    ],
  }));
}

const hostile: Fault = {
  name: 'hostile-records',
  what: 'records of malice in the events topic, and forged letters in the DLQ topic',
  takes: ['brokers'],
  seconds: [1, 4],
  start: async ({ world, rng }) => {
    const { servers, names, load, partitions } = world;
    const records = HOSTILE.map((value) => {
      const headers = rng.chance(0.3) ? MANY_HEADERS : [];
      return { partition: rng.below(partitions), key: null, value, headers };
    });
    await produceRecords(names.events, records, servers.kafka.internalBrokers);
    load.enter({ acked: records.length, deadLettered: records.length });
    const forged = forgedLetters(world);
    await produceRecords(names.dlq, forged, servers.kafka.internalBrokers);
    const evidence = `${records.length} records and ${forged.length} letters acknowledged`;
    return { evidence: async () => evidence, heal: async () => undefined };
  },
};

const OVERSIZED_BYTES = [70_000, 300_000, 900_000, 990_000];

const oversized: Fault = {
  name: 'oversized-records',
  what: 'records of up to 990,000 bytes, which the DLQ topic does not take with their headers',
  takes: ['brokers'],
  seconds: [1, 4],
  start: async ({ world, rng }) => {
    const { servers, names, load, partitions } = world;
    const records = OVERSIZED_BYTES.map((bytes) => ({
      partition: rng.below(partitions),
      key: null,
      value: Buffer.alloc(bytes, 'x'),
    }));
    await produceRecords(names.events, records, servers.kafka.internalBrokers);
    load.enter({ acked: records.length, deadLettered: records.length });
    const evidence = `${records.length} records acknowledged`;
    return { evidence: async () => evidence, heal: async () => undefined };
  },
};

export const TOPIC_FAULTS: readonly Fault[] = [grown, openLong, abandoned, hostile, oversized];
