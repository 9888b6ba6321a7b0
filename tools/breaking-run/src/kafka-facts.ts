import { partitionLeaders } from '@adtally/testkit';
import type { World } from './world.ts';

/** The leader of each partition of the events topic, as the brokers say; -1 where there is none. */
export async function leadersOf({ servers, names }: World): Promise<number[]> {
  return await partitionLeaders(names.events, servers.kafka.internalBrokers);
}
