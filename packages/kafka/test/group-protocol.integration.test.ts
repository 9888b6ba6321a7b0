import { createLogger } from '@adtally/telemetry';
import { grant, hasKafkaServer, kafkaCluster, uniqueName } from '@adtally/testkit';
import { expect, test } from 'vitest';
import { chooseGroupProtocol, type KafkaSettings } from '../src/index.ts';
import { cluster, grantedAll, pump } from './support.ts';

const kafka = await cluster();
const TIMEOUT_MS = 60_000;

/** Chooses for a group, and what is said of it. */
async function choose(
  groupId: string,
  settings: KafkaSettings = kafka.settings,
  wanted: 'auto' | 'consumer' | 'classic' = 'auto',
) {
  const said: Record<string, unknown>[] = [];
  const write = (line: string) => void said.push(JSON.parse(line) as Record<string, unknown>);
  const log = createLogger({ service: 'test', level: 'info', destination: { write } });
  const protocol = await chooseGroupProtocol(settings, { wanted, groupId, log });
  return { protocol, said };
}

const settingsOf = (brokers: string): KafkaSettings => ({
  brokers,
  clientId: 'adtally-test',
  security: {},
});

test('a group without members gets KIP-848, and it is said why and how to change it', async () => {
  const { protocol, said } = await choose(uniqueName('group'));
  expect(protocol).toBe('consumer');
  expect(said).toMatchObject([
    {
      level: 'info',
      protocol: 'consumer',
      why: expect.stringContaining('no members yet'),
      msg: expect.stringMatching(/GROUP_PROTOCOL=auto is consumer: set it to change/),
    },
  ]);
  // What was asked for is taken, and nothing need be explained.
  expect(await choose(uniqueName('group'), kafka.settings, 'classic')).toEqual({
    protocol: 'cooperative-sticky',
    said: [],
  });
});

test.each([
  ['cooperative-sticky', 'classic'],
  ['consumer', 'consumer'],
] as const)(
  'a living group of %s keeps its protocol',
  { timeout: TIMEOUT_MS },
  async (protocol, name) => {
    const topic = await kafka.topic(1);
    const member = await kafka.member(topic, { protocol });
    await pump([member], grantedAll([member], 1));
    const found = await choose(topic);
    expect(found.protocol).toBe(protocol);
    expect(found.said).toMatchObject([
      { protocol: name, why: 'the living members of the group use it' },
    ]);
  },
);

test.runIf(hasKafkaServer())(
  'brokers without KIP-848 get the classic protocol, by which a member joins',
  { timeout: TIMEOUT_MS },
  async () => {
    await using own = await kafkaCluster({
      settings: { 'group.coordinator.rebalance.protocols': 'classic' },
    });
    const { protocol, said } = await choose('any', settingsOf(own.brokers));
    expect(protocol).toBe('cooperative-sticky');
    expect(said).toMatchObject([
      { protocol: 'classic', why: expect.stringContaining('turned off') },
    ]);
    // No right is missing: the native client says what the brokers do not have.
    expect((await choose('any', settingsOf(own.brokers), 'consumer')).said).toEqual([]);
  },
);

test.runIf(hasKafkaServer())(
  'brokers with their default settings: the long take-over is said with what to do; a right that is missing is named',
  { timeout: TIMEOUT_MS },
  async () => {
    await using own = await kafkaCluster({
      users: { member: 'pass' },
      acls: true,
      settings: {
        'group.consumer.heartbeat.interval.ms': '5000',
        'group.consumer.session.timeout.ms': '45000',
      },
    });
    const settings: KafkaSettings = {
      ...settingsOf(own.brokers),
      security: {
        'security.protocol': 'sasl_plaintext',
        'sasl.mechanism': 'PLAIN',
        'sasl.username': 'member',
        'sasl.password': 'pass',
      },
    };
    await expect(choose('g', settings)).rejects.toMatchObject({
      code: 30,
      message: 'describe group g: Broker: Group authorization failed',
    });
    await grant(own, 'member', { group: 'g' }, 'READ');
    const untold = await choose('g', settings, 'consumer');
    expect(untold.said).toMatchObject([
      { level: 'info', msg: expect.stringContaining('DESCRIBE_CONFIGS on the group') },
    ]);
    await grant(own, 'member', { group: 'g' }, 'DESCRIBE_CONFIGS');
    const told = await choose('g', settings, 'consumer');
    expect(told.said).toMatchObject([
      {
        level: 'warn',
        sessionMs: 45_000,
        heartbeatMs: 5_000,
        msg: expect.stringMatching(
          /stand still for 45 s: set the group\.consumer\.\*.*or GROUP_PROTOCOL=classic/,
        ),
      },
    ]);
    const refused = { ...settings, security: { ...settings.security, 'sasl.password': 'canary' } };
    const error = await choose('g', refused).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ trouble: { code: 'authentication_failed' } });
    expect(String(error)).not.toContain('canary');
  },
);
