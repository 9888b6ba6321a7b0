import { decodeHeaders, listTopicRules, type Database } from '@adtally/db';
import { candidateRecords, type CandidateRecord, type LetterFilter } from '@adtally/letters';
import { DEFAULT_TOPIC_RULES, EventBatch, VERDICT } from '@adtally/event-schema';
import { classify, readBy } from '@adtally/pipeline';
import type { Judge, Judges } from './judged-by.ts';

export interface PreflightOptions {
  /** At most so many letters, oldest first, as a job would take them. */
  readonly limit?: number | undefined;
  readonly horizonMs: number;
  readonly judges: Judges;
  /** As an order would that lets ids of the future through. */
  readonly acceptFuture?: boolean;
  readonly onProgress: (checked: number) => void;
}

/** What this build says of letters, without trying them. */
export interface Preflight {
  readonly checked: number;
  readonly wouldPass: number;
  /** Of those: PostgreSQL refused them last time, and only a try can tell whether it takes them now. */
  readonly upToDatabase: number;
  /** How many would fail again, by code. */
  readonly wouldFail: Readonly<Record<string, number>>;
  /** Of the topics whose letters were looked at. */
  readonly judgedBy: readonly Judge[];
}

const PAGE_LETTERS_MAX = 500;
const PAGE_BYTES_MAX = 64 * 1024 * 1024;
const REFUSED_BY_DATABASE = new Set(['data_refused', 'transient_downstream']);

/** Runs the records of letters that may be redriven through the checks of this build, by their topics' rules. */
export async function preflight(
  db: Database,
  filter: LetterFilter,
  options: PreflightOptions,
): Promise<Preflight> {
  const { limit = Infinity, horizonMs, judges, acceptFuture = false, onProgress } = options;
  const { maxValueBytes } = judges;
  const capacity = Math.max(
    1,
    Math.min(PAGE_LETTERS_MAX, Math.floor(PAGE_BYTES_MAX / maxValueBytes)),
  );
  const batch = new EventBatch(capacity);
  // Stands for values that are too long: the check of their length sees them, nobody reads them.
  const tooLong = Buffer.alloc(maxValueBytes + 1);
  const rules = new Map((await listTopicRules(db)).map((one) => [one.topic, one]));
  const judgedBy = new Map<string, Judge>();
  const wouldFail = new Map<string, number>();
  let [checked, wouldPass, upToDatabase] = [0, 0, 0];
  let after = '0';
  for (;;) {
    const page = {
      after,
      limit: Math.min(capacity, limit - checked),
      maxValueBytes,
    };
    const records = page.limit > 0 ? await candidateRecords(db, filter, page) : [];
    if (records.length === 0) break;
    for (const [topic, alike] of Map.groupBy(records, (record) => record.topic)) {
      const judge = judges.of(topic);
      judgedBy.set(topic, judge);
      fill(batch, alike, tooLong);
      const readAs = readBy(judge.limits, rules.get(topic) ?? DEFAULT_TOPIC_RULES);
      const acceptsFuture = () => acceptFuture;
      classify(batch, 0, { horizonMs, partitions: null, ...readAs, acceptsFuture });
      for (const [row, { lastCode }] of alike.entries()) {
        if (batch.verdict[row] === VERDICT.event) {
          wouldPass += 1;
          if (REFUSED_BY_DATABASE.has(lastCode)) upToDatabase += 1;
        } else {
          const code = batch.rejections.get(row)?.code ?? 'unknown';
          wouldFail.set(code, (wouldFail.get(code) ?? 0) + 1);
        }
      }
    }
    checked += records.length;
    after = String(records.at(-1)?.letterId);
    onProgress(checked);
  }
  const byNumber = [...wouldFail].toSorted(([, a], [, b]) => b - a);
  return {
    checked,
    wouldPass,
    upToDatabase,
    wouldFail: Object.fromEntries(byNumber),
    judgedBy: [...judgedBy.values()],
  };
}

function fill(batch: EventBatch, records: readonly CandidateRecord[], tooLong: Buffer): void {
  batch.clear();
  for (const record of records) {
    const isTooLong = record.value === null && record.valueBytes !== null;
    batch.append(
      {
        topic: record.topic,
        partition: record.partition,
        offset: Number(record.offset),
        key: record.key,
        value: isTooLong ? tooLong : record.value,
        headers: decodeHeaders(record.headers),
        timestamp: Number(record.appendMs ?? -1),
      },
      0,
    );
  }
}
