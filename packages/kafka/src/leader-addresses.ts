import type { BrokerAddress } from './leader-connections.ts';
import type { NativeConsumer } from './rdkafka.ts';

const REQUEST_TIMEOUT_MS = 5_000;

/** Asks the cluster who leads which partition now; those that nobody leads are left out. Rejects where no broker answers. */
export function leaderAddresses(
  native: NativeConsumer,
  topic: string,
): Promise<Map<number, BrokerAddress>> {
  return new Promise((resolve, reject) => {
    native.getMetadata({ topic, timeout: REQUEST_TIMEOUT_MS }, (error, found) => {
      if (error) {
        reject(error);
        return;
      }
      const brokers = new Map(found.brokers.map(({ id, host, port }) => [id, { host, port }]));
      const addresses = new Map<number, BrokerAddress>();
      for (const { id, leader } of found.topics.find(({ name }) => name === topic)?.partitions ??
        []) {
        const address = brokers.get(leader);
        if (address !== undefined) addresses.set(id, address);
      }
      resolve(addresses);
    });
  });
}
