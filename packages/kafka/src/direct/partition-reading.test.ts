import { expect, test } from 'vitest';
import { encodeBatch } from '../../test/encode-batch.ts';
import { RecordSpans } from '../record-batch/record-spans.ts';
import type { PartitionAnswer } from './fetch-protocol.ts';
import { PartitionReading } from './partition-reading.ts';

const RECORDS = 5;

/** A batch of five records. */
function batchAt(baseOffset: number): Buffer {
  const records = Array.from({ length: RECORDS }, (_, index) => ({
    offset: baseOffset + index,
    timestampMs: 1,
    key: null,
    value: Buffer.from('x'),
    headers: [],
  }));
  return encodeBatch(records, { baseOffset, lastOffset: baseOffset + RECORDS - 1 });
}

function answerOf(records: Buffer): PartitionAnswer {
  return {
    partition: 0,
    error: 0,
    end: 2 * RECORDS,
    lastStableOffset: 2 * RECORDS,
    logStart: 0,
    divergedAt: null,
    leader: null,
    aborted: [],
    preferredReplica: null,
    records,
  };
}

test('what was asked for behind a batch that then proves broken is not taken for what comes next', () => {
  const reading = new PartitionReading(0, 0);
  const damaged = batchAt(0);
  damaged.writeUInt8(damaged.readUInt8(damaged.length - 1) ^ 1, damaged.length - 1);
  const spans = new RecordSpans(100);
  reading.noteAsked(true);
  reading.take(answerOf(damaged), 0);
  reading.isAsked = false;
  // The next piece is on its way while this one is read.
  reading.noteAsked(true);
  expect(reading.fetchOffset).toBe(RECORDS);
  reading.read(spans);
  reading.take(answerOf(batchAt(RECORDS)), 0);
  reading.isAsked = false;
  reading.read(spans);
  expect([spans.count, reading.position, reading.fetchOffset]).toEqual([0, 0, 0]);
  // Asked once more, the batch may arrive whole.
  reading.noteAsked(true);
  reading.take(answerOf(batchAt(0)), 0);
  reading.read(spans);
  expect([spans.count, reading.position]).toEqual([RECORDS, RECORDS]);
});

test('what the broker itself cannot read is a fault once all that was fetched before is handed out', () => {
  const reading = new PartitionReading(0, 0);
  const spans = new RecordSpans(RECORDS - 1);
  const refusal = { kind: 'unreadable', position: RECORDS, end: null, detail: 'damaged' } as const;
  const refuse = (): void => {
    reading.noteAsked(true);
    reading.refuse(refusal, 0);
    reading.isAsked = false;
  };
  reading.noteAsked(true);
  reading.take(answerOf(batchAt(0)), 0);
  reading.isAsked = false;
  refuse();
  expect([reading.fault, reading.hasRecords]).toEqual([null, true]);
  reading.read(spans);
  refuse();
  expect([reading.fault, reading.hasRecords]).toEqual([null, true]);
  spans.clear();
  reading.read(spans);
  expect([spans.count, reading.position]).toEqual([1, RECORDS]);
  refuse();
  expect(reading.fault).toEqual(refusal);
});

test('that no batch comes of a log which has more is a fault only after a while, so that slow remote storage is none', () => {
  const reading = new PartitionReading(0, 0);
  const answerAt = (nowMs: number): void => {
    reading.noteAsked(true);
    reading.take(answerOf(Buffer.alloc(0)), nowMs);
    reading.isAsked = false;
  };
  for (const nowMs of [0, 500, 1_000, 9_999]) answerAt(nowMs);
  expect(reading.fault).toBeNull();
  reading.noteAsked(true);
  reading.take(answerOf(batchAt(0)), 10_000);
  reading.isAsked = false;
  reading.read(new RecordSpans(RECORDS));
  for (const nowMs of [10_001, 15_000, 20_000]) answerAt(nowMs);
  expect(reading.fault).toBeNull();
  answerAt(20_001);
  expect(reading.fault).toMatchObject({ kind: 'unreadable', position: RECORDS, end: null });
});
