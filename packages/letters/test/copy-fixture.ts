import {
  claimSource,
  CopyEncoder,
  insertSource,
  writeBatch,
  type Database,
  type WriterSession,
} from '@adtally/db';
import { asConsumer, rangeOf } from '@adtally/db/testing';
import { EventBatch, type RejectionCode, type SourceRecord } from '@adtally/event-schema';
import { sql } from 'kysely';
import type { CopiedLetter } from '../src/life/copy-letters.ts';

export const APPENDED_MS = 1_700_000_000_000;
const encoder = new CopyEncoder();
const text = (value: string): Buffer => Buffer.from(value);

/** The record at an offset of any events topic. */
function recordAt(topic: string, offset: number, value = `value ${offset}`): SourceRecord {
  return {
    topic,
    partition: 0,
    offset,
    key: text(`key ${offset}`),
    value: text(value),
    headers: [{ trace: text(`trace ${offset}`) }],
    timestamp: APPENDED_MS + offset,
  };
}

/** A partition of an events topic, counted by the one session it is made with. */
export class CountedTopic {
  readonly topic: string;
  readonly sourceId: number;
  readonly epoch: number;
  #next = 0;

  private constructor(topic: string, sourceId: number, epoch: number) {
    this.topic = topic;
    this.sourceId = sourceId;
    this.epoch = epoch;
  }

  /** `topicId` tells topics of one name apart. */
  static async open(db: Database, session: WriterSession, topic: string, topicId = topic) {
    const source = { kind: 'events', topic, topicId, partition: 0 } as const;
    const sourceId = await insertSource(db, source, 0n);
    const { epoch } = await claimSource(session, sourceId, 'test');
    return new CountedTopic(topic, sourceId, epoch);
  }

  /**
   * Commits the offsets up to `end`: those named were rejected and have references; at the others there is
   * nothing.
   */
  async pass(session: WriterSession, end: number, rejected: readonly number[] = []) {
    const batch = new EventBatch(Math.max(rejected.length, 1));
    for (const offset of rejected) {
      const row = batch.append(recordAt(this.topic, offset), this.sourceId);
      batch.reject(row, { code: 'wrong_type', message: 'not of that type' });
    }
    const { sourceId, epoch } = this;
    const gap = end - this.#next - rejected.length;
    const range = rangeOf({ sourceId, epoch, first: this.#next, end, gap });
    await writeBatch(session, encoder, batch, [range], asConsumer());
    this.#next = end;
  }

  /** As an operator who accepted that the topic is gone. */
  async close(db: Database): Promise<void> {
    await sql`UPDATE sources SET closed_at = now() WHERE source_id = ${this.sourceId}`.execute(db);
  }
}

/** What a record of the DLQ topic claims to be a copy of, and what it holds. */
export interface Copy {
  /** `null` = it claims no coordinate. */
  readonly topic: string | null;
  readonly offset: number;
  /** As the original has it, unless named: then the copy is forged. */
  readonly value?: string;
  readonly code?: RejectionCode;
}

let dlqOffset = 0;

/** DLQ records as a batch holds them, with what their headers say. */
export function copiesOf(
  dlq: { readonly sourceId: number; readonly lane: number },
  copies: readonly Copy[],
): CopiedLetter[] {
  return copies.map(({ topic, offset, value: given, code = 'wrong_type' }, row) => {
    const { key, value, headers = [] } = recordAt(topic ?? '', offset, given);
    dlqOffset += 1;
    return {
      row,
      dlqSourceId: dlq.sourceId,
      record: { key, value, partition: dlq.lane, offset: dlqOffset, timestamp: 1_800 },
      claim: topic === null ? null : { topic, partition: 0, offset },
      headers,
      code,
      field: 'amount_micros',
      message: `a message of ${code}`,
      fingerprint: 'cause',
      app: 'ingest-consumer',
      appVersion: '1.2.3',
    };
  });
}

/** Every letter as copies and their confirmation leave it, oldest first. */
export async function lettersCopied(db: Database) {
  const { rows } = await sql<Record<string, unknown>>`
    SELECT state, source_id, source_offset::int, code, last_code, append_ms::float8,
           next_attempt_at IS NOT NULL AS is_due, settled_at IS NOT NULL AS is_settled
    FROM dead_letters ORDER BY letter_id`.execute(db);
  return rows;
}
