import { Admin } from '@platformatic/kafka';
import { expect, test } from 'vitest';
import {
  grant,
  hasKafkaServer,
  kafkaCluster,
  revoke,
  setQuota,
  setScramPassword,
  testTopic,
  waitFor,
} from '../src/index.ts';

const TIMEOUT_MS = 180_000;
/** The client wraps the broker's words several times over. */
const REFUSED = { name: expect.stringMatching(/Error/) };

test.runIf(hasKafkaServer())(
  'a broker with users and ACLs: nobody may do what nothing allows',
  { timeout: TIMEOUT_MS },
  async () => {
    await using cluster = await kafkaCluster({ users: { alice: 'a-password' }, acls: true });
    await using topic = await testTopic({ partitions: 1, brokers: cluster.internalBrokers });
    const topicsOf = async (mechanism: 'PLAIN' | 'SCRAM-SHA-256', user: string, pass: string) => {
      const admin = new Admin({
        clientId: 'test',
        bootstrapBrokers: cluster.brokers.split(','),
        sasl: { mechanism, username: user, password: pass },
        retries: 0,
      });
      try {
        return await admin.listTopics();
      } finally {
        await admin.close();
      }
    };
    const asAlice = (password: string) => topicsOf('PLAIN', 'alice', password);
    await expect(asAlice('another')).rejects.toMatchObject(REFUSED);
    expect(await asAlice('a-password')).toEqual([]);

    await grant(cluster, 'alice', { topic: topic.name }, 'DESCRIBE', 'READ');
    const seen = async () => (await asAlice('a-password')).length === 1;
    await waitFor(seen, { what: 'the right to be there' });
    await revoke(cluster, 'alice', { topic: topic.name }, 'DESCRIBE', 'READ');
    await waitFor(async () => !(await seen()), { what: 'the right to be gone' });

    await setScramPassword(cluster, 'bob', 'first');
    await waitFor(async () => await topicsOf('SCRAM-SHA-256', 'bob', 'first'), { what: 'bob' });
    await setScramPassword(cluster, 'bob', 'second');
    await waitFor(() => topicsOf('SCRAM-SHA-256', 'bob', 'second'), { what: 'the new password' });
    await expect(topicsOf('SCRAM-SHA-256', 'bob', 'first')).rejects.toMatchObject(REFUSED);

    await setQuota(cluster, 'consumer_byte_rate', 60_000);
    await setQuota(cluster, 'consumer_byte_rate', undefined);
  },
);
