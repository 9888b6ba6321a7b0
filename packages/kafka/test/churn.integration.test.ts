import { describe, expect, test } from 'vitest';
import type { GroupConsumer, GroupProtocol, RebalanceEvent } from '../src/index.ts';
import { cluster, PROTOCOLS } from './support.ts';

const kafka = await cluster();
const PARTITIONS = 6;
const PER_PARTITION = 12_000;
const MEMBERSHIP_CHANGES = 8;
const BATCH = 300;

/** The positions as a database would keep them: a claim bumps the epoch, only the newest epoch may write. */
class Cursors {
  readonly next = Array.from({ length: PARTITIONS }, () => 0);
  readonly epoch = Array.from({ length: PARTITIONS }, () => 0);
  applied = 0;
  fenced = 0;
  readonly faults: string[] = [];

  claim(partition: number): { epoch: number; next: number } {
    const epoch = (this.epoch[partition] ?? 0) + 1;
    this.epoch[partition] = epoch;
    return { epoch, next: this.next[partition] ?? 0 };
  }

  /** Returns whether this owner still owns the partition. */
  apply(partition: number, epoch: number, offset: number): boolean {
    if (this.epoch[partition] !== epoch) {
      this.fenced++;
      return false;
    }
    if (this.next[partition] !== offset) {
      this.faults.push(`partition ${partition}: offset ${offset} where ${this.next[partition]} was due`);
    }
    this.next[partition] = offset + 1;
    this.applied++;
    return true;
  }
}

/** One loop as the pipeline runs it: prefetch, apply, settle, claim, start. */
async function run(member: GroupConsumer, cursors: Cursors, leaving: () => boolean): Promise<void> {
  const epochs = new Map<number, number>();
  const claim = (partition: number) => {
    const { epoch, next } = cursors.claim(partition);
    epochs.set(partition, epoch);
    member.start(partition, next);
  };
  const settle = (event: RebalanceEvent) => {
    member.settle(event);
    for (const partition of event.partitions) {
      if (event.kind === 'granted') claim(partition);
      else epochs.delete(partition);
    }
  };
  let pending: ReturnType<GroupConsumer['fetch']> | null = member.fetch(BATCH, 20);
  while (pending !== null) {
    const records = await pending;
    pending = member.hasRebalance || leaving() ? null : member.fetch(BATCH, 20);
    for (const { partition, offset } of records) {
      const epoch = epochs.get(partition);
      if (epoch === undefined || cursors.apply(partition, epoch, offset)) continue;
      // Fenced while the group still grants the partition: claim again.
      epochs.delete(partition);
      member.stop(partition);
      claim(partition);
    }
    if (pending === null && !leaving()) {
      for (const event of member.takeRebalances()) settle(event);
      pending = member.fetch(BATCH, 20);
    }
  }
  await member.leave();
}

async function churn(protocol: GroupProtocol): Promise<Cursors> {
  const topic = await kafka.topic(PARTITIONS);
  const cursors = new Cursors();
  const leave = new Set<number>();
  const loops = new Map<number, Promise<void>>();
  let joined = 0;
  const join = async () => {
    const id = joined++;
    const member = await kafka.member(topic, { protocol });
    loops.set(id, run(member, cursors, () => leave.has(id)));
  };
  const due = PARTITIONS * PER_PARTITION;
  const progressed = async (share: number) => {
    while (cursors.applied < due * share) await new Promise((resolve) => setImmediate(resolve));
  };
  const filling = fillAll(topic);
  await join();
  for (let change = 0; change < MEMBERSHIP_CHANGES; change++) {
    await progressed((change + 1) / (MEMBERSHIP_CHANGES + 2));
    // Two join, one leaves, and so on: between one and three members all the time.
    if (change % 3 === 2) leave.add(Math.floor(change / 3));
    else await join();
  }
  await filling;
  await progressed(1);
  for (let id = 0; id < joined; id++) leave.add(id);
  await Promise.all(loops.values());
  return cursors;
}

async function fillAll(topic: string): Promise<void> {
  const chunk = 500;
  for (let from = 0; from < PER_PARTITION; from += chunk) {
    for (let partition = 0; partition < PARTITIONS; partition++) await kafka.fill(topic, partition, chunk, from);
  }
}

describe.each(PROTOCOLS)('churn with the %s protocol', (protocol) => {
  test(
    'I3: members that join and leave under load apply every offset of every partition once, in order',
    { timeout: 180_000 },
    async () => {
      const cursors = await churn(protocol);
      expect(cursors.faults).toEqual([]);
      expect(cursors.next).toEqual(Array.from({ length: PARTITIONS }, () => PER_PARTITION));
      expect(cursors.applied).toBe(PARTITIONS * PER_PARTITION);
    },
  );
});
