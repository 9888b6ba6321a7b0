import { readTopicRules, type Database } from '@adtally/db';
import { changedRules, DEFAULT_TOPIC_RULES, type TopicRules } from '@adtally/event-schema';
import type { Logger } from '@adtally/telemetry';

/** Says which rules this process was started with that are not those of the topic. */
export async function tellIgnoredRules(
  db: Database,
  topic: string,
  asked: TopicRules,
  log: Logger,
): Promise<void> {
  const rules = await readTopicRules(db, topic);
  const ignored = changedRules(asked, rules).filter(
    (name) => asked[name] !== DEFAULT_TOPIC_RULES[name],
  );
  if (ignored.length === 0) return;
  log.warn(
    { topic, ignored, rules },
    'variables of this process have no effect: the topic has rules already (ops topics set)',
  );
}
