import { KafkaError } from './errors.ts';
import type { BrokerAddress } from './log-witness.ts';
import { CODE, type NativeConsumer } from './rdkafka.ts';

const REQUEST_TIMEOUT_MS = 5_000;

/** Asks the cluster who leads the partition now. Rejects where nobody does or no broker answers. */
export function leaderAddress(
  native: NativeConsumer,
  topic: string,
  partition: number,
): Promise<BrokerAddress> {
  return new Promise((resolve, reject) => {
    native.getMetadata({ topic, timeout: REQUEST_TIMEOUT_MS }, (error, found) => {
      if (error) {
        reject(error);
        return;
      }
      const { brokers, topics } = found;
      const described = topics.find(({ name }) => name === topic)?.partitions;
      const leader = described?.find(({ id }) => id === partition)?.leader;
      const address = brokers.find(({ id }) => id === leader);
      if (address !== undefined) resolve({ host: address.host, port: address.port });
      else reject(new KafkaError(`${topic}[${partition}] has no leader`, CODE.unknownPartition));
    });
  });
}
