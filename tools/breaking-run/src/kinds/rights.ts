import {
  grant,
  revoke,
  rightsGiven,
  setQuota,
  setScramPassword,
  type RightOn,
} from '@adtally/testkit';
import { APP_ROLE } from '../database-server.ts';
import type { Kind } from '../kind.ts';
import type { World } from '../world.ts';

type Right = (world: World) => RightOn;

/** A right that is taken away while everything runs. A broker looks at each request. */
function withoutRight(name: string, what: string, named: RegExp, right: Right): Kind {
  return {
    name,
    family: 'rights',
    what,
    expects: 'heals',
    named,
    break: (world) => revoke(world.servers.kafka, APP_ROLE, right(world), 'ALL'),
    evidence: async (world) => {
      const given = await rightsGiven(world.servers.kafka, APP_ROLE, right(world));
      return given === 0 ? `no right on ${JSON.stringify(right(world))}` : undefined;
    },
    heal: (world) => grant(world.servers.kafka, APP_ROLE, right(world), 'ALL'),
  };
}

const TOPIC_WORDS = /topic_authorization|topic authorization failed/i;

const group = withoutRight(
  'group-right-gone',
  'the right on the consumer group taken away',
  /group_authorization|group authorization failed/i,
  ({ names }) => ({ group: names.group }),
);
const topic = withoutRight(
  'topic-right-gone',
  'the right on the events topic taken away',
  TOPIC_WORDS,
  ({ names }) => ({ topic: names.events }),
);
const dlq = withoutRight(
  'dlq-right-gone',
  'the right on the DLQ topic taken away',
  TOPIC_WORDS,
  ({ names }) => ({ topic: names.dlq }),
);

const password: Kind = {
  name: 'kafka-password-rotated',
  family: 'rights',
  what: 'the Kafka password changed and every connection lost; the file follows at the end',
  expects: 'heals',
  named: /authentication fail|broker_authentication|invalid credentials/i,
  break: async ({ servers }) => {
    servers.passwords.kafka = 'the-next-password';
    await setScramPassword(servers.kafka, APP_ROLE, servers.passwords.kafka);
    for (const node of [1, 2, 3]) servers.kafka.proxy(node).cutAll();
  },
  evidence: async ({ servers }) => {
    const users = ['--describe', '--entity-type', 'users', '--entity-name', APP_ROLE];
    const said = await servers.kafka.tool('kafka.admin.ConfigCommand', ...users);
    return said.includes('SCRAM-SHA-256') ? 'another password is set' : undefined;
  },
  heal: async (world) => world.setSecret('kafka', world.servers.passwords.kafka),
};

const quota: Kind = {
  name: 'throttled',
  family: 'rights',
  what: 'a quota of 2 KB/s for every client, a fifth of the load',
  expects: 'heals',
  named: /throttl/i,
  break: ({ servers }) => setQuota(servers.kafka, 'consumer_byte_rate', 2_000),
  evidence: async ({ servers }) => {
    const defaults = ['--describe', '--entity-type', 'clients', '--entity-default'];
    const said = await servers.kafka.tool('kafka.admin.ConfigCommand', ...defaults);
    return /consumer_byte_rate=2000/.exec(said)?.[0];
  },
  heal: ({ servers }) => setQuota(servers.kafka, 'consumer_byte_rate', undefined),
};

export const RIGHTS: readonly Kind[] = [group, topic, dlq, password, quota];
