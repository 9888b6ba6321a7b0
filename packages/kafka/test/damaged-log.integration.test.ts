import { join } from 'node:path';
import {
  damageBatch,
  hasKafkaServer,
  kafkaCluster,
  produceRecords,
  testTopic,
  uniqueName,
  type Damage,
  type KafkaCluster,
} from '@adtally/testkit';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { BatchUnreadable, GroupConsumer, type ReadFault, type RecordReader } from '../src/index.ts';

const PER_BATCH = 20;
/**
 * So that the broker's index, which has an entry every 4 KiB, knows each batch, and a first request has all of them: of one
 * that goes back, where a request ends before it, a broker sends what follows.
 */
const VALUE = Buffer.alloc(256, 'x');
const BATCHES = 6;
const WAIT_MS = 60_000;

let broker: KafkaCluster;
beforeAll(async () => {
  if (hasKafkaServer()) broker = await kafkaCluster();
});
afterAll(() => broker?.close());

interface DamagedLog {
  readonly name: string;
  readonly damage: Damage;
  /** From the log's end, -1 being the last batch. */
  readonly batch: number;
  /** Each batch is a segment of its own. */
  readonly rolls?: true;
}

const LOGS: DamagedLog[] = [
  { name: 'records, last of a segment', damage: 'records', batch: -3, rolls: true },
  { name: 'records, last of the log', damage: 'records', batch: -1 },
  { name: 'a length that is none', damage: 'length-none', batch: -3 },
  { name: 'a length past the log', damage: 'length-far', batch: -3 },
  { name: 'a length past the log, last of it', damage: 'length-far', batch: -1 },
  { name: 'the format', damage: 'magic', batch: -3 },
  { name: 'the format, last of a segment', damage: 'magic', batch: -3, rolls: true },
];

async function filled(partitions: number, rolls: boolean): Promise<string> {
  const topic = await testTopic({
    partitions,
    brokers: broker.brokers,
    config: rolls ? { 'segment.ms': '1' } : {},
  });
  onTestFinished(() => topic.delete());
  for (let batch = 0; batch < BATCHES; batch += 1) {
    const records = Array.from({ length: partitions * PER_BATCH }, (_, n) => ({
      partition: n % partitions,
      value: VALUE,
    }));
    await produceRecords(topic.name, records, broker.brokers);
  }
  return topic.name;
}

interface Reader {
  /** Reads on from these offsets until each partition has a fault, or stands at the log's end. */
  read(starts: ReadonlyMap<number, number>): Promise<Outcome>;
}

interface Outcome {
  readonly faults: ReadonlyMap<number, ReadFault>;
  /** Offsets in the order they came, by partition. */
  readonly seen: ReadonlyMap<number, readonly number[]>;
}

async function readerOf(reader: RecordReader, topic: string): Promise<Reader> {
  const settings = { brokers: broker.brokers, clientId: 'adtally-test', security: {} };
  const groupId = uniqueName('damaged');
  const options = { groupId, topic, protocol: 'consumer', reader } as const;
  const member = await GroupConsumer.connect(settings, options);
  onTestFinished(() => member.leave());
  return {
    async read(starts) {
      const faults = new Map<number, ReadFault>();
      const seen = new Map([...starts.keys()].map((partition) => [partition, [] as number[]]));
      const isOver = (partition: number) =>
        faults.has(partition) || member.position(partition) === BATCHES * PER_BATCH;
      const deadline = performance.now() + WAIT_MS;
      while (![...starts.keys()].every(isOver) && performance.now() < deadline) {
        for (const [partition, start] of starts) {
          const isWanted = !isOver(partition) && !member.isReading(partition);
          if (isWanted && member.granted.has(partition)) member.start(partition, start);
        }
        try {
          for (const { partition, offset } of await member.fetch(7, 50)) {
            seen.get(partition)?.push(offset);
          }
        } catch (error) {
          const fault = error as ReadFault;
          if (fault.partition === undefined) throw error;
          faults.set(fault.partition, fault);
          member.stop(fault.partition);
        }
        for (const event of member.takeRebalances()) member.settle(event);
      }
      return { faults, seen };
    },
  };
}

interface Place {
  readonly first: number;
  readonly end: number;
}

function placeOf(fault: ReadFault | undefined): unknown {
  if (!(fault instanceof BatchUnreadable)) return String(fault);
  return { first: fault.at.offset, end: fault.at.end };
}

const READERS: RecordReader[] = ['direct', 'librdkafka'];

test.runIf(hasKafkaServer()).each(READERS)(
  'I9: whatever is damaged of a batch, %s says from where and up to where it cannot be read',
  { timeout: 180_000 },
  async (kind) => {
    for (const rolls of [false, true]) {
      const logs = LOGS.filter((log) => (log.rolls ?? false) === rolls);
      const topic = await filled(logs.length, rolls);
      const bad = logs.map(({ batch, damage }, partition) =>
        damageBatch(join(broker.logFolder(1), `${topic}-${partition}`), batch, damage),
      );
      const reader = await readerOf(kind, topic);
      const { faults, seen } = await reader.read(new Map(logs.map((_, n) => [n, 0])));
      const found = logs.map((log, n) => [log.name, placeOf(faults.get(n)), seen.get(n)?.length]);
      const ends = logs.map(({ damage }, n) => {
        const { end } = bad[n] as Place;
        // Past a length that lies a broker finds only what its index names, which is the next batch's last record.
        const isLost = damage.startsWith('length') && end < BATCHES * PER_BATCH;
        return isLost ? end + PER_BATCH - 1 : end;
      });
      expect(found).toEqual(
        logs.map(({ name }, n) => [name, { first: bad[n]?.first, end: ends[n] }, bad[n]?.first]),
      );
      const rest = await reader.read(new Map(ends.entries()));
      expect(rest.faults).toEqual(new Map());
      for (const [n, end] of ends.entries()) {
        expect(rest.seen.get(n)).toHaveLength(BATCHES * PER_BATCH - end);
      }
    }
  },
);

const MOVED: DamagedLog[] = [
  { name: 'on, past the end of the log', damage: 'offset-on', batch: -3 },
  { name: 'back', damage: 'offset-back', batch: -3 },
  { name: 'on, last of the log', damage: 'offset-on', batch: -1 },
];

test.runIf(hasKafkaServer()).each(READERS)(
  'I9: no CRC counts where a batch begins: of a batch that lies, direct says so, librdkafka leaves a hole (%s)',
  { timeout: 120_000 },
  async (name) => {
    const topic = await filled(MOVED.length, false);
    const bad = MOVED.map(({ batch, damage }, partition) =>
      damageBatch(join(broker.logFolder(1), `${topic}-${partition}`), batch, damage),
    );
    const reader = await readerOf(name, topic);
    const { faults, seen } = await reader.read(new Map(MOVED.map((_, n) => [n, 0])));
    for (const n of MOVED.keys()) {
      const { first, end } = bad[n] as Place;
      const offsets = seen.get(n) ?? [];
      expect(offsets.slice(0, first)).toEqual([...Array(first).keys()]);
      if (name === 'direct') {
        expect(placeOf(faults.get(n))).toEqual({ first, end });
        expect(offsets).toHaveLength(first);
      } else expect(offsets[first]).toBeGreaterThanOrEqual(first + PER_BATCH);
    }
  },
);
