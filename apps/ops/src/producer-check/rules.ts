import { readTopicRules, readWriteGuards } from '@adtally/db';
import { readBy, type ClassifyRules } from '@adtally/pipeline';
import { topicRules } from '@adtally/pipeline/env';
import { readFromDatabase, type OpsEnvironment } from '../on-database.ts';
import type { ProducerCheckConfig } from './env.ts';

/**
 * By what the records of a topic are judged. Without a database nobody can tell what is `expired`, and the environment
 * says how the topic will be read.
 */
export async function rulesOf(
  topic: string,
  isCounted: boolean,
  config: ProducerCheckConfig,
  environment: OpsEnvironment,
): Promise<Omit<ClassifyRules, 'partitions'>> {
  const limits = {
    maxValueBytes: config.recordMaxBytes,
    maxDepth: config.jsonMaxDepth,
    readAsNewest: config.readAsNewest,
  };
  if (!isCounted) return { ...readBy(limits, topicRules(config)), horizonMs: null };
  return await readFromDatabase(environment, async (db) => {
    const { horizonMs } = await readWriteGuards(db);
    return { ...readBy(limits, await readTopicRules(db, topic)), horizonMs };
  });
}
