import { join } from 'node:path';
import { cacheFolder } from './env.ts';

/** The version that runs locally and in tests; as in tools/local-stack/kafka/pom.xml. */
export const KAFKA_VERSION = '4.3.1';

/** Where a broker's jars are, once somebody has put them there. */
export function jarFolder(version: string = KAFKA_VERSION): string {
  return join(cacheFolder(), `kafka-${version}`, 'lib');
}
