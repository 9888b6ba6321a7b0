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
    native.getMetadata({ topic, timeout: REQUEST_TIMEOUT_MS }, (error, { brokers, topics }) => {
      if (error) {
        reject(error);
        return;
      }
      const described = topics.find(({ name }) => name === topic)?.partitions;
      const leader = described?.find(({ id }) => id === partition)?.leader;
      const found = brokers.find(({ id }) => id === leader);
      if (found !== undefined) resolve({ host: found.host, port: found.port });
      else reject(new KafkaError(`${topic}[${partition}] has no leader`, CODE.unknownPartition));
    });
  });
}
