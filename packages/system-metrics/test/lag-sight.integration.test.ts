import type { KafkaSettings } from '@adtally/kafka';
import { hasKafkaServer, kafkaCluster, waitFor, type KafkaCluster } from '@adtally/testkit';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { lagStage, VISIBLE_MS } from './support/lag-stage.ts';

const LEADS = 'tells the lag of every partition';
const GIVES_UP = 'gives up telling the lag: another process sees the brokers';

let cluster: KafkaCluster;
beforeAll(async () => {
  if (hasKafkaServer()) cluster = await kafkaCluster({ proxied: true });
});
afterAll(() => cluster?.close());

const settings = (brokers: string): KafkaSettings => ({
  brokers,
  clientId: 'lag-test',
  security: {},
});

/** A leader whose way to the brokers can be cut, and one that stands by. */
async function twoTellers(spare: string) {
  const { brokers, internalBrokers } = cluster;
  const the = await lagStage({ brokers: internalBrokers, settings: settings(brokers) });
  await the.untilFigure('adtally_consumer_lag_records', (lag) => lag === 0);
  const second = await the.startTeller(settings(spare));
  cluster.proxy(1).blackhole(true);
  onTestFinished(() => cluster.proxy(1).blackhole(false));
  return { the, second };
}

test.runIf(hasKafkaServer())(
  'a leader that is cut off from the brokers alone lets another tell, and calls no partition stuck for it',
  async () => {
    const { the, second } = await twoTellers(cluster.internalBrokers);
    await the.produce(0, 3);
    const told = async () => {
      const found = await the.partition(0);
      return second.said(LEADS).length === 1 && found?.lagRecords === 3 && found.stuck === null;
    };
    await waitFor(told, { what: 'the lag, told by the other', timeoutMs: VISIBLE_MS });
    expect(the.said(GIVES_UP)).toHaveLength(1);
    // It does not take the lead back for as long as the other has it.
    cluster.proxy(1).blackhole(false);
    await the.moveCursor(0, 3);
    const counted = async () => (await the.partition(0))?.lagRecords === 0;
    await waitFor(counted, { what: 'the lag after', timeoutMs: VISIBLE_MS });
    expect(the.said(LEADS)).toHaveLength(1);
  },
);

test.runIf(hasKafkaServer())(
  'where nobody sees the brokers the leader stays and says so of every partition, until it sees them again',
  async () => {
    const { the, second } = await twoTellers(cluster.brokers);
    const { stuck } = await the.untilStuck(0, 'broker_unreachable');
    await the.untilStuck(1, 'broker_unreachable');
    expect(stuck?.forMs).toBeGreaterThan(0);
    cluster.proxy(1).blackhole(false);
    await the.untilStuck(0, null, 2 * VISIBLE_MS);
    expect([the.said(LEADS).length, second.said(LEADS).length]).toEqual([1, 0]);
  },
);
