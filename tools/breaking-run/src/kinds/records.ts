import { join } from 'node:path';
import { damageBatch, openTransaction, type OpenTransaction } from '@adtally/testkit';
import type { Kind } from '../kind.ts';
import type { World } from '../world.ts';
import { leadersOf } from '../kafka-facts.ts';

let transaction: OpenTransaction | undefined;

const open: Kind = {
  name: 'transaction-open',
  family: 'topics',
  what: "a producer's transaction on partition 0 stays open; aborted at the end",
  expects: 'heals',
  named: /open_transaction|open transaction/i,
  needs: { env: { EVENTS_TOPIC_MAY_HAVE_GAPS: 'true' } },
  break: async ({ servers, names }) => {
    const brokers = servers.kafka.internalBrokers;
    transaction = await openTransaction(names.events, 0, [Buffer.from('{}')], brokers);
  },
  evidence: async () => (transaction === undefined ? undefined : 'it is open, with one record'),
  heal: async () => {
    const ended = transaction;
    transaction = undefined;
    await ended?.abort();
  },
};

const NODES = [1, 2, 3] as const;
let damaged: { first: number; end: number } | undefined;

const damage: Kind = {
  name: 'batch-damaged',
  family: 'topics',
  what: 'a byte of a batch changed on the disks of all brokers, consumers away meanwhile',
  expects: 'halts',
  named: /\bunreadable\b/i,
  restarts: 'ingest-consumer',
  loses: true,
  break: async (world) => {
    const consumers = world.fleet.of('ingest-consumer');
    await Promise.all(consumers.map((one) => one.kill()));
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    damaged = damageLate(world);
    for (const consumer of consumers) consumer.start();
  },
  evidence: async () =>
    damaged === undefined ? undefined : `offsets ${damaged.first} to ${damaged.end} of partition 0`,
  heal: async () => undefined,
};

/** The batch before the last: appended while nobody read. The same bytes on every broker. */
function damageLate({ servers, names }: World): { first: number; end: number } {
  let found: { first: number; end: number } | undefined;
  for (const node of NODES) {
    const folder = join(servers.kafka.logFolder(node), `${names.events}-0`);
    found = damageBatch(folder, -2);
  }
  if (found === undefined) throw new Error('no batch');
  return found;
}

/** Two of three nodes hold each partition; the third keeps the quorum while one of them is away. */
const [FIRST, SECOND] = [1, 2] as const;

const unclean: Kind = {
  name: 'unclean-election',
  family: 'kafka',
  what: 'a replica that had fallen behind becomes leader: acknowledged records are gone',
  expects: 'halts',
  named: /log_diverged|log_shrunk|unclean/i,
  loses: true,
  needs: {
    replication: 2,
    topicSettings: { 'unclean.leader.election.enable': 'true', 'min.insync.replicas': '1' },
  },
  prepare: async ({ servers }) => {
    await servers.kafka.kill(SECOND);
    // Out of the set of replicas in sync after 6 s; then some records that only one has.
    await new Promise((resolve) => setTimeout(resolve, 15_000));
  },
  break: async ({ servers }) => {
    await servers.kafka.kill(FIRST);
    await servers.kafka.start(SECOND);
  },
  evidence: async (world) => {
    const led = (await leadersOf(world)).filter((leader) => leader === SECOND).length;
    return led > 0 ? `node ${SECOND}, which was away, leads ${led} partitions` : undefined;
  },
  heal: ({ servers }) => servers.kafka.start(FIRST),
};

export const RECORDS: readonly Kind[] = [open, damage, unclean];
