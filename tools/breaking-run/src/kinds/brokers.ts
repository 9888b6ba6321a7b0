import { brokersKnownAt } from '@adtally/testkit';
import type { Kind } from '../kind.ts';
import { leadersOf } from '../kafka-facts.ts';
import type { World } from '../world.ts';

/** The node of the examples; any would do. */
const NODE = 2;
const NODES = [1, 2, 3] as const;
/** Words of a client that cannot reach a broker, with whom it tried. */
const UNREACHABLE =
  /broker_unreachable|127\.0\.0\.1:\d+[^"]{0,80}(?:refused|timed? ?out|disconnected|reset)|(?:refused|timed? ?out|disconnected|reset)[^"]{0,80}127\.0\.0\.1:\d+|brokers are down/i;

async function knownBrokers({ servers }: World, expected: number): Promise<string | undefined> {
  for (const node of NODES) {
    const known = await brokersKnownAt(portOf(servers.kafka.internalBroker(node)));
    if (known === expected) return `${known} of ${NODES.length} brokers are known`;
  }
  return undefined;
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1));
}

const killed: Kind = {
  name: 'broker-killed',
  family: 'kafka',
  what: 'one of three brokers killed',
  expects: 'survives',
  named: UNREACHABLE,
  break: ({ servers }) => servers.kafka.kill(NODE),
  evidence: (world) => knownBrokers(world, 2),
  heal: ({ servers }) => servers.kafka.start(NODE),
};

const frozen: Kind = {
  name: 'broker-frozen',
  family: 'kafka',
  what: 'one of three brokers frozen',
  expects: 'survives',
  named: UNREACHABLE,
  break: async ({ servers }) => servers.kafka.freeze(NODE),
  evidence: (world) => knownBrokers(world, 2),
  heal: async ({ servers }) => servers.kafka.thaw(NODE),
};

const cut: Kind = {
  name: 'broker-cut-off',
  family: 'kafka',
  what: 'no client reaches one of three brokers, which stays leader',
  expects: 'heals',
  named: UNREACHABLE,
  break: async ({ servers }) => {
    servers.kafka.proxy(NODE).refuse(true);
    servers.kafka.proxy(NODE).cutAll();
  },
  evidence: async (world) => {
    const leads = (await leadersOf(world)).filter((leader) => leader === NODE).length;
    const { connections } = world.servers.kafka.proxy(NODE);
    return leads > 0 && connections === 0
      ? `${leads} partitions are led by a broker with no connection`
      : undefined;
  },
  heal: async ({ servers }) => servers.kafka.proxy(NODE).refuse(false),
};

const silent: Kind = {
  ...cut,
  name: 'broker-unanswering',
  what: 'connections to one of three brokers stay open and carry nothing',
  break: async ({ servers }) => servers.kafka.proxy(NODE).blackhole(true),
  evidence: async (world) => {
    const leads = (await leadersOf(world)).filter((leader) => leader === NODE).length;
    return leads > 0 ? `${leads} partitions are led by a broker nobody hears` : undefined;
  },
  heal: async ({ servers }) => servers.kafka.proxy(NODE).blackhole(false),
};

const away: Kind = {
  name: 'kafka-away',
  family: 'kafka',
  what: 'all brokers out of reach',
  expects: 'heals',
  named: UNREACHABLE,
  break: async ({ servers }) => {
    for (const node of NODES) {
      servers.kafka.proxy(node).refuse(true);
      servers.kafka.proxy(node).cutAll();
    }
  },
  evidence: async ({ servers }) =>
    NODES.every((node) => servers.kafka.proxy(node).connections === 0)
      ? 'no connection to any broker'
      : undefined,
  heal: async ({ servers }) => {
    for (const node of NODES) servers.kafka.proxy(node).refuse(false);
  },
};

let controller: number = NODE;

const controllerKilled: Kind = {
  name: 'controller-killed',
  family: 'kafka',
  what: 'the active controller killed',
  expects: 'survives',
  named: UNREACHABLE,
  break: async ({ servers }) => {
    controller = servers.kafka.controller();
    await servers.kafka.kill(controller);
  },
  evidence: async ({ servers }) => {
    const now = servers.kafka.controller();
    return now === controller ? undefined : `node ${now} is controller instead of ${controller}`;
  },
  heal: ({ servers }) => servers.kafka.start(controller),
};

let ledBefore: readonly number[] = [];

const leaderMoved: Kind = {
  name: 'leaders-moved',
  family: 'kafka',
  what: 'a broker hands its partitions over and ends in order',
  expects: 'survives',
  named: UNREACHABLE,
  break: async (world) => {
    ledBefore = await leadersOf(world);
    await world.servers.kafka.stop(NODE);
  },
  evidence: async (world) => {
    const now = await leadersOf(world);
    const moved = now.filter((leader, partition) => leader !== ledBefore[partition]).length;
    return moved > 0 ? `${moved} partitions have another leader` : undefined;
  },
  heal: ({ servers }) => servers.kafka.start(NODE),
};

const twoDead: Kind = {
  name: 'two-brokers-dead',
  family: 'kafka',
  what: 'two of three brokers killed: too few in sync, and no controller',
  expects: 'heals',
  named: UNREACHABLE,
  break: async ({ servers }) => {
    await Promise.all([servers.kafka.kill(2), servers.kafka.kill(3)]);
  },
  evidence: async ({ servers }) => {
    const known = await Promise.all(
      [2, 3].map((node) => brokersKnownAt(portOf(servers.kafka.internalBroker(node)))),
    );
    return known.every((count) => count === 0) ? 'two brokers do not answer' : undefined;
  },
  heal: async ({ servers }) => {
    await Promise.all([servers.kafka.start(2), servers.kafka.start(3)]);
  },
};

export const BROKERS: readonly Kind[] = [
  killed,
  frozen,
  cut,
  silent,
  away,
  twoDead,
  controllerKilled,
  leaderMoved,
];
