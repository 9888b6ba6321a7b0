import { reveal } from '@adtally/config';
import { databaseCheck } from '@adtally/db';
import { redisCheck, redisKeyPrefix } from '@adtally/dedup';
import { brokersCheck } from '@adtally/kafka';
import { registryCheck } from '@adtally/schema-registry';
import type { ConnectionCheck } from '@adtally/service';
import type { ReprocessorConfig } from './env.ts';

/** The servers of this app, as `--check-connections` tries them. */
export function connections(config: ReprocessorConfig): ConnectionCheck[] {
  const { kafka, topics, databaseUrl, redisUrl } = config;
  const group = { groupId: config.group, wanted: config.groupProtocol };
  return [
    databaseCheck(databaseUrl),
    brokersCheck(kafka, {
      topics: { [topics.dlq.name]: 'READ', [topics.dead.name]: 'WRITE' },
      group,
    }),
    ...(reveal(redisUrl) === '' ? [] : [redisCheck(redisUrl, redisKeyPrefix(topics.events.name))]),
    ...registryCheck(config),
  ];
}
