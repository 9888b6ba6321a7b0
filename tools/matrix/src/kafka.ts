import { ensureKafkaJars } from '@adtally/local-stack';
import { kafkaCluster } from '@adtally/testkit';
import type { Subject } from './subject.ts';

/** The newest of each minor version that Maven Central has. */
const VERSIONS = ['3.9.2', '4.0.2', '4.1.2', '4.2.2', '4.3.1', '4.4.0'] as const;

export const KAFKA: Subject = {
  title: 'Kafka',
  versions: VERSIONS,
  ways: ['plaintext'],
  start: async (version, _way, report) => {
    await ensureKafkaJars(report, version);
    const cluster = await kafkaCluster({ version });
    return { env: { KAFKA_BROKERS: cluster.brokers }, close: () => cluster.close() };
  },
};
