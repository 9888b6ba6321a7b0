import type { Conflict, EventValues } from '@adtally/analytics';
import { decodeHeaders, listTopicRules, type Database } from '@adtally/db';
import {
  DEFAULT_TOPIC_RULES,
  EventBatch,
  FIELDS,
  NO_TIMESTAMP,
  readEvent,
  VERDICT,
  type DecodeLimits,
} from '@adtally/event-schema';
import { classify, readBy } from '@adtally/pipeline';

/** The event in a conflicting record, as this build reads it by its topic's rules; or why it cannot. */
export type Copy =
  | { readonly values: EventValues }
  | { readonly values: null; readonly problem: string };

/** Ingest read it by limits of its own, so none of them keeps it from being read here. */
const LIMITS: DecodeLimits = {
  maxValueBytes: Number.MAX_SAFE_INTEGER,
  maxDepth: 1_000,
  readAsNewest: new Set(Array.from({ length: 1_000 }, (_, version) => version)),
};

/** Reads the records of conflicts, in their order. */
export async function readCopies(db: Database, conflicts: readonly Conflict[]): Promise<Copy[]> {
  const rules = new Map((await listTopicRules(db)).map((one) => [one.topic, one]));
  const batch = new EventBatch(1);
  return conflicts.map(({ place, record }) => {
    batch.clear();
    const { topic, partition } = place;
    const { key, value } = record;
    const at = { topic, partition, offset: Number(place.offset), timestamp: NO_TIMESTAMP };
    batch.append({ ...at, key, value, headers: decodeHeaders(record.headers) }, 0);
    const readAs = readBy(LIMITS, rules.get(topic) ?? DEFAULT_TOPIC_RULES);
    classify(batch, 0, { horizonMs: null, partitions: null, ...readAs, acceptsFuture: () => true });
    if (batch.verdict[0] !== VERDICT.event) {
      const { code = 'unknown', message = '' } = batch.rejections.get(0) ?? {};
      return { values: null, problem: `this build rejects it as ${code}: ${message}` };
    }
    const event = readEvent(batch, 0) as unknown as Readonly<Record<string, string | bigint>>;
    const values = FIELDS.flatMap(({ name, column }) =>
      column === null || event[name] === undefined ? [] : [[column, event[name]] as const],
    );
    return { values: Object.fromEntries(values) };
  });
}
