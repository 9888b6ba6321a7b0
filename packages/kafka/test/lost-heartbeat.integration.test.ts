import {
  hasKafkaServer,
  kafkaCluster,
  type KafkaCluster,
  losesAnswers,
  uniqueName,
  waitFor,
} from '@adtally/testkit';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  AckedProducer,
  GroupConsumer,
  type GroupConsumerOptions,
  KafkaAdmin,
  type KafkaSettings,
  type MembershipEvent,
  type RebalanceEvent,
} from '../src/index.ts';

const CONSUMER_GROUP_HEARTBEAT = 68;
const PARTITIONS = 6;
const RECORDS = 200;
const FETCH_TIMEOUT_MS = 50;
const TEST_TIMEOUT_MS = 120_000;
/** What the broker gives a member to let go of what it was told to. */
const MAX_POLL_INTERVAL_MS = 60_000;
const GRANTED_WITHIN_MS = 15_000;

/** The partitions that an answer to a heartbeat (version 0 or 1) assigns; null where it tells of none. */
function assignedBy(answer: Buffer): number[] | null {
  let at = 0;
  const skip = (bytes: number): number => (at += bytes) - bytes;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = answer.readUInt8(skip(1));
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  // Correlation id, tags, throttle time, error; its message, the member's id; its epoch and the interval.
  skip(4 + 1 + 4 + 2);
  for (let text = 0; text < 2; text += 1) skip(Math.max(0, varint() - 1));
  skip(4 + 4);
  if (answer.readInt8(skip(1)) < 0) return null;
  const partitions: number[] = [];
  for (let topics = varint() - 1; topics > 0; topics -= 1) {
    skip(16);
    for (let left = varint() - 1; left > 0; left -= 1) partitions.push(answer.readInt32BE(skip(4)));
    varint();
  }
  return partitions.toSorted((a, b) => a - b);
}

/** A topic, its members' loops, and what they read: each partition from where the one before stopped. */
class Group {
  readonly topic = uniqueName('lost');
  readonly next = Array.from({ length: PARTITIONS }, () => 0);
  /** Records that were read twice, out of order, or after a hole. */
  readonly faults: string[] = [];
  readonly #cluster: KafkaCluster;
  #filled = 0;
  #isOver = false;
  readonly #loops: Promise<void>[] = [];

  constructor(cluster: KafkaCluster) {
    this.#cluster = cluster;
  }

  async create(): Promise<void> {
    const admin = new KafkaAdmin(settingsOf(this.#cluster.internalBrokers));
    const size = { partitions: PARTITIONS, replication: 1 };
    await admin.createTopic({ name: this.topic, ...size, config: {} });
    admin.close();
  }

  /** Joins and runs the member's loop; a change waits as long as `holds` says so. */
  async join(
    brokers: string,
    options: Partial<GroupConsumerOptions> = {},
    holds: (event: RebalanceEvent) => boolean = () => false,
  ): Promise<GroupConsumer> {
    const { topic } = this;
    const member = await GroupConsumer.connect(settingsOf(brokers), {
      groupId: topic,
      topic,
      protocol: 'consumer',
      maxPollIntervalMs: MAX_POLL_INTERVAL_MS,
      ...options,
    });
    this.#loops.push(this.#run(member, holds));
    return member;
  }

  /** Appends to every partition and waits until all of it is read. */
  async fillAndRead(): Promise<void> {
    const producer = await AckedProducer.connect(settingsOf(this.#cluster.internalBrokers));
    const records = this.next.flatMap((_, partition) =>
      Array.from({ length: RECORDS }, () => {
        return { topic: this.topic, partition, key: null, value: Buffer.from('-') };
      }),
    );
    await producer.produceAll(records);
    await producer.close();
    this.#filled += RECORDS;
    await waitFor(() => this.next.every((next) => next >= this.#filled), {
      what: 'all records to be read',
    });
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#loops);
  }

  async #run(member: GroupConsumer, holds: (event: RebalanceEvent) => boolean): Promise<void> {
    const held: RebalanceEvent[] = [];
    while (!this.#isOver) {
      for (const { partition, offset } of await member.fetch(RECORDS, FETCH_TIMEOUT_MS)) {
        if (offset !== this.next[partition]) this.faults.push(`${partition}: ${offset}`);
        this.next[partition] = offset + 1;
      }
      held.push(...member.takeRebalances());
      for (let event = held[0]; event !== undefined && !holds(event); event = held[0]) {
        held.shift();
        member.settle(event);
        if (event.kind === 'revoked') continue;
        for (const partition of event.partitions)
          member.start(partition, this.next[partition] ?? 0);
      }
    }
    await member.leave();
  }
}

const settingsOf = (brokers: string): KafkaSettings => ({
  brokers,
  clientId: 'adtally-test',
  security: {},
});

async function groupOf(cluster: KafkaCluster): Promise<Group> {
  const group = new Group(cluster);
  onTestFinished(() => group.end());
  await group.create();
  return group;
}

async function testCluster(): Promise<KafkaCluster> {
  const cluster = await kafkaCluster({ proxied: true });
  onTestFinished(() => cluster.close());
  return cluster;
}

function eventsOf(member: GroupConsumer): MembershipEvent[] {
  const events: MembershipEvent[] = [];
  member.membership.tell((event) => events.push(event));
  return events;
}

/** How long the member takes to be granted so many. */
async function msUntilGranted(member: GroupConsumer, partitions: number): Promise<number> {
  const fromMs = performance.now();
  await waitFor(() => member.granted.size === partitions, {
    what: `${partitions} partitions to be granted`,
    timeoutMs: MAX_POLL_INTERVAL_MS + GRANTED_WITHIN_MS,
  });
  return performance.now() - fromMs;
}

describe.runIf(hasKafkaServer())('an answer to a heartbeat that never comes', () => {
  test.each([
    ['direct', undefined],
    ['librdkafka', undefined],
    ['direct', 'instance-1'],
  ] as const)(
    'with a revocation in it is made up for: another member gets what it takes away (%s, %s)',
    { timeout: TEST_TIMEOUT_MS },
    async (reader, instanceId) => {
      const cluster = await testCluster();
      const group = await groupOf(cluster);
      const first = await group.join(cluster.brokers, { reader, instanceId });
      await msUntilGranted(first, PARTITIONS);
      await group.fillAndRead();
      const events = eventsOf(first);
      const { lost } = losesAnswers(cluster.proxy(1), CONSUMER_GROUP_HEARTBEAT, (answer) => {
        const assigned = assignedBy(answer);
        return lost.length === 0 && assigned !== null && assigned.length < PARTITIONS;
      });
      const second = await group.join(cluster.internalBrokers, { reader });
      const waitedMs = await msUntilGranted(second, PARTITIONS / 2);
      expect(waitedMs).toBeLessThan(GRANTED_WITHIN_MS);
      expect(lost.map(assignedBy)).toEqual([[0, 1, 2]]);
      expect(events).toEqual(['unanswered', 'answer_lost']);
      await msUntilGranted(first, PARTITIONS / 2);
      await group.fillAndRead();
      expect(group.faults).toEqual([]);
    },
  );

  test(
    'with a grant in it is made up for: the partitions are read',
    { timeout: TEST_TIMEOUT_MS },
    async () => {
      const cluster = await testCluster();
      const group = await groupOf(cluster);
      const quick = await group.join(cluster.internalBrokers);
      await msUntilGranted(quick, PARTITIONS);
      let hasSome = false;
      // Lets go of its share once the third has that of the other: what comes without a new epoch nobody misses.
      const slow = await group.join(
        cluster.internalBrokers,
        {},
        ({ kind }) => kind === 'revoked' && !hasSome,
      );
      await msUntilGranted(slow, PARTITIONS / 2);
      await group.fillAndRead();
      const member = await group.join(cluster.brokers);
      const events = eventsOf(member);
      await msUntilGranted(member, 1);
      const { lost } = losesAnswers(cluster.proxy(1), CONSUMER_GROUP_HEARTBEAT, (answer) => {
        return lost.length === 0 && assignedBy(answer)?.length === 2;
      });
      hasSome = true;
      const waitedMs = await msUntilGranted(member, 2);
      expect(waitedMs).toBeLessThan(GRANTED_WITHIN_MS);
      expect(lost.length).toBe(1);
      expect(events).toEqual(['unanswered', 'answer_lost']);
      await group.fillAndRead();
      expect(group.faults).toEqual([]);
    },
  );
});
