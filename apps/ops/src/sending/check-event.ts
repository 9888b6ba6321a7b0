import { Buffer } from 'node:buffer';
import { EventBatch, VERDICT, type Rejection } from '@adtally/event-schema';
import { canonicalImpressionKey } from '@adtally/key-derivation';
import { classify, type ClassifyRules } from '@adtally/pipeline';
import { peek } from '../producer-check/peek.ts';

/** What is to be known of an event before it is sent. */
export interface CheckedEvent {
  /** Why ingest would reject it; null where it would be counted. */
  readonly rejection: Rejection | null;
  /** Its impression id in canonical text; null where none can be read. */
  readonly key: Buffer | null;
}

/** Judges events one by one as ingest would, had the broker taken them now. */
export class EventCheck {
  readonly #rules: ClassifyRules;
  readonly #batch = new EventBatch(1);

  constructor(rules: Omit<ClassifyRules, 'partitions'>) {
    this.#rules = { ...rules, partitions: null };
  }

  check(value: Buffer): CheckedEvent {
    const batch = this.#batch;
    const record = { partition: 0, offset: 0, key: null, value, timestamp: Date.now() };
    batch.clear();
    batch.append({ topic: '', ...record }, 0);
    classify(batch, 0, this.#rules);
    if (batch.verdict[0] === VERDICT.event)
      return { rejection: null, key: keyOf(batch.column('impression_id').bytes.subarray(0, 16)) };
    const rejection = batch.rejections.get(0);
    if (rejection === undefined) throw new Error('a rejected event has no rejection');
    const { impressionId } = peek({ topic: '', ...record }, undefined);
    return { rejection, key: impressionId === null ? null : keyOf(impressionId) };
  }
}

function keyOf(impressionId: Uint8Array): Buffer {
  return Buffer.from(canonicalImpressionKey(impressionId));
}
