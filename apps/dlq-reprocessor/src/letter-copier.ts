import { type SourceCounts, type WriterSession, type WrittenRows } from '@adtally/db';
import { copyLetters, type CopiedLetter } from '@adtally/letters';
import {
  DEAD_LETTER_HEADERS,
  rejectionFingerprint,
  splitHeaders,
  VERDICT,
  type EventBatch,
} from '@adtally/event-schema';
import type { CommitCompanion } from '@adtally/pipeline';
import type { ReprocessorMetrics } from './metrics.ts';

const TEXT_CHARACTERS_MAX = 500;

/** Every record of the DLQ topic is to be kept, whatever it is: nothing here can reject one. */
export function takeAsLetters(batch: EventBatch, fromRow: number): void {
  for (let row = fromRow; row < batch.count; row += 1) batch.verdict[row] = VERDICT.letter;
}

/** Writes the records of the DLQ topic into `dead_letters`, in the commit that moves its cursor. */
export class LetterCopier implements CommitCompanion {
  async writeAlongside(session: WriterSession, { batch, count }: WrittenRows): Promise<void> {
    const letters: CopiedLetter[] = [];
    for (let row = 0; row < batch.count; row += 1) {
      if (batch.verdict[row] === VERDICT.letter) letters.push(letterOf(batch, row));
    }
    const kept = await copyLetters(session, letters);
    for (const { row } of letters) count(row, kept.has(row) ? 'stored' : 'duplicate');
  }
}

/** Counts a commit of copies, for the metrics. */
export function countCopies(
  metrics: ReprocessorMetrics,
): (work: unknown, counts: readonly SourceCounts[]) => void {
  return (_work, counts) => {
    for (const of of counts) {
      metrics.lettersCopied.add(of.stored, { outcome: 'letter' });
      metrics.lettersCopied.add(of.duplicate, { outcome: 'copy' });
    }
    metrics.lastCommitTimestampSeconds.set(Date.now() / 1000);
  };
}

function letterOf(batch: EventBatch, row: number): CopiedLetter {
  const { key, value, partition, offset, timestamp, headers } = batch.recordOnce(row);
  const split = splitHeaders(headers);
  const text = (name: string): string => printable(split?.added.get(name) ?? '');
  const rejection = {
    code: text(DEAD_LETTER_HEADERS.code),
    field: text(DEAD_LETTER_HEADERS.field),
    message: text(DEAD_LETTER_HEADERS.message),
  };
  return {
    row,
    dlqSourceId: batch.sourceId[row] as number,
    record: { key, value, partition, offset, timestamp },
    claim: claimOf(split?.added),
    headers: split?.own ?? headers ?? [],
    ...rejection,
    fingerprint: rejectionFingerprint(rejection),
    app: text(DEAD_LETTER_HEADERS.app),
    appVersion: text(DEAD_LETTER_HEADERS.version),
  };
}

function claimOf(added: ReadonlyMap<string, string> | undefined): CopiedLetter['claim'] {
  const topic = added?.get(DEAD_LETTER_HEADERS.topic) ?? '';
  const partition = added?.get(DEAD_LETTER_HEADERS.partition) ?? '';
  const offset = added?.get(DEAD_LETTER_HEADERS.offset) ?? '';
  if (topic === '' || topic !== printable(topic)) return null;
  if (!/^\d{1,9}$/.test(partition) || !/^\d{1,15}$/.test(offset)) return null;
  return { topic, partition: Number(partition), offset: Number(offset) };
}

/** Anybody may write headers to the topic: only printable ASCII goes on, and not much of it. */
function printable(text: string): string {
  return text.slice(0, TEXT_CHARACTERS_MAX).replace(/[^\x20-\x7e]/g, '?');
}
