import { waitFor } from '@adtally/testkit';
import { describe, expect, test } from 'vitest';
import type { GroupConsumer, GroupProtocol, RebalanceEvent } from '../src/index.ts';
import { cluster, PROTOCOLS } from './support.ts';

const kafka = await cluster();
const PARTITIONS = 6;
const MEMBERSHIP_CHANGES = 10;
const FILL_CHUNK = 200;
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
      this.faults.push(
        `partition ${partition}: offset ${offset} where ${this.next[partition]} was due`,
      );
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

/** Appends to all partitions until told to stop; returns how many records each got. */
async function fillUntil(topic: string, done: () => boolean): Promise<number> {
  let filled = 0;
  while (!done()) {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      await kafka.fill(topic, partition, FILL_CHUNK, filled);
    }
    filled += FILL_CHUNK;
  }
  return filled;
}

async function churn(protocol: GroupProtocol): Promise<{ cursors: Cursors; filled: number }> {
  const topic = await kafka.topic(PARTITIONS);
  const cursors = new Cursors();
  const leaving = new Set<GroupConsumer>();
  const loops = new Map<GroupConsumer, Promise<void>>();
  const join = async () => {
    const member = await kafka.member(topic, { protocol });
    loops.set(
      member,
      run(member, cursors, () => leaving.has(member)),
    );
    await waitFor(() => member.granted.size > 0, { what: 'a share of the partitions' });
  };
  const leaveOldest = async () => {
    const [member, loop] = loops.entries().next().value ?? [];
    if (member === undefined) return;
    leaving.add(member);
    loops.delete(member);
    await loop;
  };
  let stopped = false;
  const filling = fillUntil(topic, () => stopped);
  await join();
  for (let change = 0; change < MEMBERSHIP_CHANGES; change++) {
    // Between one and three members all the time.
    if (change % 2 === 0 || loops.size === 1) await join();
    else await leaveOldest();
  }
  stopped = true;
  const filled = await filling;
  await waitFor(() => cursors.applied >= filled * PARTITIONS, { what: 'all records' });
  while (loops.size > 0) await leaveOldest();
  return { cursors, filled };
}

describe.each(PROTOCOLS)('churn with the %s protocol', (protocol) => {
  test(
    'I3: members that join and leave under load apply every offset of every partition once, in order',
    { timeout: 180_000 },
    async () => {
      const { cursors, filled } = await churn(protocol);
      expect(cursors.faults).toEqual([]);
      expect(cursors.next).toEqual(Array.from({ length: PARTITIONS }, () => filled));
      expect(cursors.applied).toBe(PARTITIONS * filled);
      // Every partition changed hands, or nothing was tried.
      expect(Math.min(...cursors.epoch)).toBeGreaterThan(1);
    },
  );
});
