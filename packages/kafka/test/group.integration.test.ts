import { describe, expect, test } from 'vitest';
import {
  type GroupConsumer,
  kafkaFailure,
  KafkaFatalError,
  type RebalanceEvent,
} from '../src/index.ts';
import { cluster, grantedAll, PROTOCOLS, pump, range } from './support.ts';

const kafka = await cluster();
const PARTITIONS = 4;

/** Fetches until the condition holds and hands the changes over unsettled. */
async function turnUntil(member: GroupConsumer, until: () => boolean): Promise<void> {
  while (!until()) await member.fetch(100, 50);
}

describe.each(PROTOCOLS)('membership with the %s protocol', (protocol) => {
  test('partitions that were never started move to a new member', async () => {
    const topic = await kafka.topic(PARTITIONS);
    const first = await kafka.member(topic, { protocol });
    await pump([first], grantedAll([first], PARTITIONS));
    const second = await kafka.member(topic, { protocol });
    await pump([first, second], grantedAll([first, second], PARTITIONS));
    expect(first.granted.size).toBe(2);
    expect(second.granted.size).toBe(2);
  });

  test('a started partition moves once its revocation is settled, a deferred start is cancelled by it', async () => {
    const topic = await kafka.topic(2);
    await kafka.fill(topic, 0, 100);
    await kafka.fill(topic, 1, 100);
    const first = await kafka.member(topic, { protocol });
    await pump([first], grantedAll([first], 2));
    first.start(0, 0);
    first.start(1, 0);
    const second = await kafka.member(topic, { protocol });
    const joining = pump([second], () => second.granted.size === 1);
    await turnUntil(first, () => first.hasRebalance);
    const events = first.takeRebalances();
    expect(events).toEqual([{ kind: 'revoked', partitions: [expect.any(Number)], lost: false }]);
    const moved = events[0]?.partitions[0] ?? -1;
    first.stop(moved);
    const inFlight = first.fetch(100, 50);
    first.start(moved, 0);
    for (const event of events) first.settle(event);
    await inFlight;
    expect(first.isReading(moved)).toBe(false);
    await Promise.all([
      joining,
      pump([first], () => first.granted.size === 1 && second.granted.size === 1),
    ]);
    expect([...second.granted]).toEqual([moved]);
    second.start(moved, 0);
    const seen = await pump([second], (got) => got.length >= 100);
    expect(seen.map(([partition, offset]) => [partition, offset])).toEqual(
      range(0, 100).map((at) => [moved, at]),
    );
  });

  test('who joins later is no member before, and may leave without having joined', async () => {
    const topic = await kafka.topic(PARTITIONS);
    const first = await kafka.member(topic, { protocol });
    await pump([first], grantedAll([first], PARTITIONS));
    const later = await kafka.member(topic, { protocol, joinsLater: true });
    const never = await kafka.member(topic, { protocol, joinsLater: true });
    await never.leave();
    await first.fetch(100, 50);
    expect([first.hasRebalance, first.granted.size, later.granted.size]).toEqual([false, 4, 0]);
    later.join();
    await pump([first, later], grantedAll([first, later], PARTITIONS));
    expect([first.granted.size, later.granted.size]).toEqual([2, 2]);
  });

  test('a change of the group ends a read that waits for records', async () => {
    const topic = await kafka.topic(PARTITIONS);
    // A call of the client itself waits for all of its time.
    const member = await kafka.member(topic, { protocol, reader: 'direct' });
    const startedMs = performance.now();
    while (!member.hasRebalance) await member.fetch(100, 60_000);
    expect(performance.now() - startedMs).toBeLessThan(50_000);
    await pump([member], grantedAll([member], PARTITIONS));
  });

  test('leaving hands all partitions to the successor, with changes unsettled and a fetch in flight', async () => {
    const topic = await kafka.topic(PARTITIONS);
    const first = await kafka.member(topic, { protocol });
    await pump([first], grantedAll([first], PARTITIONS));
    first.start(0, 0);
    const second = await kafka.member(topic, { protocol });
    const joining = pump([second], () => second.granted.size === PARTITIONS);
    await turnUntil(first, () => first.hasRebalance);
    const inFlight = first.fetch(10, 50);
    await Promise.all([first.leave(), inFlight]);
    await first.leave();
    await joining;
    expect(kafka.notices.filter((notice) => notice.kind === 'leave')).toEqual([]);
  });

  test('a member that never fetched can leave', async () => {
    const topic = await kafka.topic(1);
    const member = await kafka.member(topic, { protocol });
    await expect(member.leave()).resolves.toBeUndefined();
  });

  test('a member that paused too long learns that its partitions are lost and delivers nothing of theirs', async () => {
    const topic = await kafka.topic(2);
    await kafka.fill(topic, 0, 50_000);
    await kafka.fill(topic, 1, 50_000);
    const slow = await kafka.member(topic, { protocol, maxPollIntervalMs: 6_000 });
    await pump([slow], grantedAll([slow], 2));
    slow.start(0, 0);
    slow.start(1, 0);
    await pump([slow], (seen) => seen.length > 0);
    // The group itself is the signal: the successor gets everything once the slow one fell out.
    const successor = await kafka.member(topic, { protocol });
    await pump([successor], () => successor.granted.size === 2);
    // What the successor was to get by its coming may be asked for before, and is no loss.
    let events: RebalanceEvent[] = [];
    while (!events.some((event) => event.kind === 'revoked' && event.lost)) {
      for (const event of events) slow.settle(event);
      await turnUntil(slow, () => slow.hasRebalance);
      events = slow.takeRebalances();
    }
    const lost = new Set(events.filter((event) => event.lost).flatMap((event) => event.partitions));
    const records = await slow.fetch(1_000, 50);
    expect(records.filter((record) => lost.has(record.partition))).toEqual([]);
    for (const event of events) slow.settle(event);
    await pump([slow, successor], grantedAll([slow, successor], 2));
  });

  test('a static member that keeps its membership gets its partitions back, the others see no change', async () => {
    const topic = await kafka.topic(2);
    const other = await kafka.member(topic, { protocol, instanceId: 'other' });
    const first = await kafka.member(topic, { protocol, instanceId: 'restarted' });
    await pump([other, first], grantedAll([other, first], 2));
    const before = [...first.granted];
    const others = [...other.granted];
    await first.leave({ keepMembership: true });
    const second = await kafka.member(topic, { protocol, instanceId: 'restarted' });
    await pump([second, other], () => second.granted.size > 0);
    expect([...second.granted]).toEqual(before);
    expect([...other.granted]).toEqual(others);
  });

  test('a static member that leaves without keeping its membership frees its partitions', async () => {
    const topic = await kafka.topic(2);
    const other = await kafka.member(topic, {
      protocol,
      instanceId: 'other',
      sessionTimeoutMs: 60_000,
    });
    const gone = await kafka.member(topic, {
      protocol,
      instanceId: 'gone',
      sessionTimeoutMs: 60_000,
    });
    await pump([other, gone], grantedAll([other, gone], 2));
    await gone.leave();
    await pump([other], () => other.granted.size === 2);
    expect([...other.granted].toSorted()).toEqual([0, 1]);
  });

  test('of two members with one identity one gets a fatal error', async () => {
    const topic = await kafka.topic(1);
    const first = await kafka.member(topic, { protocol, instanceId: 'same' });
    await pump([first], grantedAll([first], 1));
    const second = await kafka.member(topic, { protocol, instanceId: 'same' });
    const failing = pump([first, second], () => false);
    await expect(failing).rejects.toBeInstanceOf(KafkaFatalError);
    // By these words is told whether it may come again, or would take the place of the other one.
    const error: unknown = await failing.catch((failure: unknown) => failure);
    if (protocol === 'consumer') {
      expect(kafkaFailure(error)).toMatchObject({ kind: 'away', code: 'instance_id_in_use' });
    } else expect(String(error)).toMatch(/fenced/i);
  });
});

test('a client that gives up amid records says so, though it drops its one error behind them', async () => {
  const topic = await kafka.topic(1);
  const identity = { protocol: 'cooperative-sticky', instanceId: 'one of two' } as const;
  const first = await kafka.member(topic, identity);
  await pump([first], grantedAll([first], 1));
  first.start(0, 0);
  const over = new AbortController();
  // A call goes on while each record comes within a millisecond of the last: it has some whenever it happens.
  const trickling = Array.from({ length: 4 }, async () => {
    while (!over.signal.aborted) await kafka.fill(topic, 0, 1);
  });
  const reading = async (): Promise<never> => {
    const deadline = performance.now() + 10_000;
    while (performance.now() < deadline) await first.fetch(10_000, 50);
    throw new Error('it never said that it gave up');
  };
  const failing = reading();
  const second = await kafka.member(topic, identity);
  const taking = pump([second], grantedAll([second], 1));
  await expect(failing).rejects.toMatchObject({
    name: 'KafkaFatalError',
    message: expect.stringMatching(/fenced/i),
  });
  await taking;
  over.abort();
  await Promise.all(trickling);
});

test('a broker that does not answer is a typed error', async () => {
  const { GroupConsumer } = await import('../src/index.ts');
  const settings = { ...kafka.settings, brokers: '127.0.0.1:1' };
  const connecting = GroupConsumer.connect(settings, {
    groupId: 'g',
    topic: 't',
    protocol: 'consumer',
    connectTimeoutMs: 500,
  });
  await expect(connecting).rejects.toMatchObject({ name: 'KafkaRequestError', transient: true });
});
