import { KafkaAdmin } from '@adtally/kafka';
import { hasKafkaServer, kafkaCluster } from '@adtally/testkit';
import { describe, expect, onTestFinished, test } from 'vitest';
import { stage } from './support/stage.ts';

const EVENTS = 20_000;
const RATE = 1_000;
const PARTITIONS = 2;
const STANDING_BY = 'standing by until the process that is this member leaves';
const SESSION_MS = 20_000;
const HEARTBEAT_MS = 1_000;
/** Longer than a place is left to whoever lost it with its session. */
const LOST_MS = 6_000;
/** Of what a join takes; a member that was waited for in vain would take the session's time-out. */
const TURN_LIMIT_MS = 8_000;

describe.each(['consumer', 'classic'])(
  'two processes with one GROUP_INSTANCE_ID, %s',
  (protocol) => {
    const identity = { GROUP_PROTOCOL: protocol, GROUP_INSTANCE_ID: 'place-1' };

    test('the second one is ready and stands by while the first one counts, and counts on when that one has left', async () => {
      const the = await stage({ partitions: PARTITIONS });
      const first = the.start(identity);
      await first.untilReady();
      await first.owns(PARTITIONS);
      const producing = the.simulate(EVENTS, { rate: RATE });

      const second = the.start(identity);
      await second.untilReady();
      expect(await second.status()).toMatchObject({ standing_by: true, owned: [] });
      expect(second.entries).toContainEqual(expect.objectContaining({ msg: STANDING_BY }));
      const counted = await the.consumed();
      await first.until('counting on', async () => (await the.consumed()) > counted);
      expect((await first.status()).owned).toHaveLength(PARTITIONS);

      first.signal('SIGTERM');
      expect((await first.ended).code).toBe(0);
      const leftMs = performance.now();
      await second.owns(PARTITIONS);
      expect(performance.now() - leftMs).toBeLessThan(TURN_LIMIT_MS);
      expect(await second.status()).toMatchObject({ standing_by: false });
      await second.untilReady();
      const { acked } = await producing;
      await the.untilConsumed(acked, second);
      // Neither refused nor fenced: it came once the other one had left.
      expect(second.entries.filter(({ msg }) => /waiting for|out of turn/.test(msg))).toEqual([]);
    });

    test('one that is stopped while it stands by leaves the first one alone', async () => {
      const the = await stage({ partitions: PARTITIONS });
      const first = the.start(identity);
      await first.untilReady();
      await first.owns(PARTITIONS);
      const second = the.start(identity);
      await second.untilReady();
      const { length: before } = first.entries;
      second.signal('SIGTERM');
      expect((await second.ended).code).toBe(0);

      const { acked } = await the.simulate(500);
      await the.untilConsumed(acked, first);
      expect((await first.status()).owned).toHaveLength(PARTITIONS);
      expect(first.entries.slice(before).filter(({ level }) => level === 'error')).toEqual([]);
    });

    test('a session that was lost and opened anew is the member’s still: who comes stands by', async () => {
      const the = await stage({ partitions: PARTITIONS });
      const first = the.start({ ...identity, ...the.proxied });
      await first.untilReady();
      await first.owns(PARTITIONS);
      the.proxy.cutAll();
      await first.until('a session again', async () => (await first.get('/readyz')).status === 200);
      const { acked } = await the.simulate(500);
      await the.untilConsumed(acked, first);

      const second = the.start(identity);
      await second.untilReady();
      expect(await second.status()).toMatchObject({ standing_by: true });
      expect((await first.status()).owned).toHaveLength(PARTITIONS);

      // Again, now that there is one who would take the place.
      the.proxy.cutAll();
      await new Promise((resolve) => setTimeout(resolve, LOST_MS));
      expect(await second.status()).toMatchObject({ standing_by: true });
      const more = await the.simulate(500);
      await the.untilConsumed(acked + more.acked, first);
      expect((await first.status()).owned).toHaveLength(PARTITIONS);

      first.signal('SIGTERM');
      expect((await first.ended).code).toBe(0);
      await second.owns(PARTITIONS);
    });
  },
);

test('the place of a process that was killed is taken with the classic protocol, and nothing is waited for', async () => {
  const the = await stage({ partitions: PARTITIONS });
  const identity = { GROUP_PROTOCOL: 'classic', GROUP_INSTANCE_ID: 'place-1' };
  const first = the.start(identity);
  await first.untilReady();
  await first.owns(PARTITIONS);
  await first.kill();
  const second = the.start(identity);
  await second.owns(PARTITIONS);
  expect(second.entries.filter(({ msg }) => /waiting for|standing by/.test(msg))).toEqual([]);
});

test.runIf(hasKafkaServer())(
  'the place of a process that was killed: the group still keeps it for that one, which is said and waited for',
  { timeout: 120_000 },
  async () => {
    const cluster = await kafkaCluster({
      settings: {
        'group.consumer.session.timeout.ms': String(SESSION_MS),
        'group.consumer.min.session.timeout.ms': String(SESSION_MS),
        // The place of a killed process is kept from its last heartbeat on.
        'group.consumer.heartbeat.interval.ms': String(HEARTBEAT_MS),
        'group.consumer.min.heartbeat.interval.ms': String(HEARTBEAT_MS),
      },
    });
    onTestFinished(() => cluster.close());
    const the = await stage();
    const admin = new KafkaAdmin({ brokers: cluster.brokers, clientId: 'test', security: {} });
    await admin.ensureTopics(
      [the.topic, the.dlq].map((name) => ({
        name,
        partitions: PARTITIONS,
        replication: 1,
        config: {},
      })),
    );
    admin.close();
    const env = {
      KAFKA_BROKERS: cluster.brokers,
      GROUP_PROTOCOL: 'consumer',
      GROUP_INSTANCE_ID: 'place-1',
    };
    const first = the.start(env);
    await first.untilReady();
    await first.owns(PARTITIONS);
    await first.kill();

    const second = the.start(env);
    await second.untilNotReady('instance_id_in_use');
    expect((await second.get('/livez')).status).toBe(200);
    await second.owns(PARTITIONS);
    await second.untilReady();
  },
);
