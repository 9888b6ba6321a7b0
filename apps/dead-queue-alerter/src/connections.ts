import { databaseCheck } from '@adtally/db';
import { brokersCheck } from '@adtally/kafka';
import type { ConnectionCheck } from '@adtally/service';
import type { AlerterConfig } from './env.ts';

/** The servers of this app, as `--check-connections` tries them; sinks are told something only when there is need. */
export function connections({ kafka, topics, databaseUrl }: AlerterConfig): ConnectionCheck[] {
  return [
    databaseCheck(databaseUrl),
    brokersCheck(kafka, { topics: { [topics.dead.name]: 'READ' } }),
  ];
}
