import { kafkaBrokers, uniqueName } from '@adtally/testkit';
import { afterAll } from 'vitest';
import {
  AckedProducer,
  GroupConsumer,
  type GroupConsumerOptions,
  type GroupProtocol,
  KafkaAdmin,
  type KafkaSettings,
  type Notice,
  type RecordReader,
} from '../src/index.ts';

export const PROTOCOLS: GroupProtocol[] = ['consumer', 'cooperative-sticky'];

const FETCH_TIMEOUT_MS = 50;
const PUMP_LIMIT_MS = 45_000;
const FETCH_RECORDS = 1000;

export interface Cluster {
  readonly settings: KafkaSettings;
  readonly admin: KafkaAdmin;
  readonly producer: AckedProducer;
  topic(partitions?: number, config?: Record<string, string>): Promise<string>;
  member(topic: string, options?: Partial<GroupConsumerOptions>): Promise<GroupConsumer>;
  /** Produces `count` records numbered from `from` into one partition. */
  fill(topic: string, partition: number, count: number, from?: number): Promise<void>;
  readonly notices: Notice[];
}

/** The reader that a long run gives in RECORD_READER, so that every test of reading holds for both. */
function givenReader(): RecordReader | undefined {
  const given = process.env['RECORD_READER'];
  return given === 'direct' || given === 'librdkafka' ? given : undefined;
}

/** Clients of the real broker; topics and members are cleaned up after the file. */
export async function cluster(): Promise<Cluster> {
  const brokers = await kafkaBrokers();
  const settings: KafkaSettings = { brokers, clientId: 'adtally-test', security: {} };
  const admin = new KafkaAdmin(settings);
  const producer = await AckedProducer.connect(settings);
  const topics: string[] = [];
  const members: GroupConsumer[] = [];
  const notices: Notice[] = [];
  afterAll(async () => {
    await Promise.all(members.map((member) => member.leave()));
    await producer.close();
    for (const topic of topics) await admin.deleteTopic(topic);
    admin.close();
  });
  return {
    settings,
    admin,
    producer,
    notices,
    async topic(partitions = 1, config = {}) {
      const name = uniqueName('kafka');
      await admin.createTopic({ name, partitions, replication: 1, config });
      topics.push(name);
      return name;
    },
    async member(topic, options = {}) {
      const member = await GroupConsumer.connect(settings, {
        groupId: topic,
        topic,
        protocol: 'consumer',
        sessionTimeoutMs: 6_000,
        heartbeatIntervalMs: 300,
        onNotice: (notice) => notices.push(notice),
        reader: givenReader(),
        ...options,
      });
      members.push(member);
      return member;
    },
    async fill(topic, partition, count, from = 0) {
      const records = Array.from({ length: count }, (_, i) => ({
        topic,
        partition,
        key: null,
        value: Buffer.from(String(from + i)),
      }));
      const outcomes = await producer.produceAll(records);
      const failed = outcomes.find((outcome) => outcome !== 'acked');
      if (failed !== undefined) throw new Error(`not produced: ${JSON.stringify(failed)}`);
    },
  };
}

/** One read record: its partition, offset and text. */
export type Seen = [partition: number, offset: number, text: string];

/**
 * Turns the members' loops (settling every change, starting nothing) until the condition holds; returns what
 * they read.
 */
export async function pump(
  members: readonly GroupConsumer[],
  until: (seen: Seen[]) => boolean,
): Promise<Seen[]> {
  const seen: Seen[] = [];
  const deadline = performance.now() + PUMP_LIMIT_MS;
  const turn = async (member: GroupConsumer) => {
    while (!until(seen)) {
      if (performance.now() > deadline)
        throw new Error(`still waiting after ${seen.length} records`);
      const records = await member.fetch(FETCH_RECORDS, FETCH_TIMEOUT_MS);
      for (const one of records) seen.push([one.partition, one.offset, String(one.value)]);
      for (const event of member.takeRebalances()) member.settle(event);
    }
  };
  await Promise.all(members.map(turn));
  return seen;
}

export function grantedAll(members: readonly GroupConsumer[], partitions: number): () => boolean {
  return () =>
    members.every((member) => member.granted.size > 0) &&
    members.reduce((sum, member) => sum + member.granted.size, 0) === partitions;
}

export function range(from: number, end: number): number[] {
  return Array.from({ length: end - from }, (_, i) => from + i);
}
