import { probeRows, type WriteFailure, type WriterSession } from '@adtally/db';
import { VERDICT, type EventBatch } from '@adtally/event-schema';

/** A row that fails alone, and how. */
export interface Culprit {
  readonly row: number;
  readonly failure: WriteFailure;
}

/** A probe met something that is not about single rows, such as a lost session. */
export class ProbeInterrupted extends Error {
  override readonly name = 'ProbeInterrupted';
  readonly failure: WriteFailure;

  constructor(failure: WriteFailure) {
    super(`bisecting interrupted: ${failure.kind}`);
    this.failure = failure;
  }
}

/**
 * Finds the rows that fail by themselves with that kind of failure: halves the batch in transactions
 * that are always rolled back. At last the others are tried together; where they do not pass either,
 * the fault lies with the database and nobody is a culprit.
 */
export async function isolateRows(
  session: WriterSession,
  batch: EventBatch,
  kind: 'data' | 'transient',
): Promise<Culprit[]> {
  const rows: number[] = [];
  for (let row = 0; row < batch.count; row++)
    if (batch.verdict[row] === VERDICT.event) rows.push(row);
  const culprits: Culprit[] = [];
  await search(rows);
  if (culprits.length === 0) return culprits;
  const guilty = new Set(culprits.map((culprit) => culprit.row));
  const siblings = rows.filter((row) => !guilty.has(row));
  // Only a sibling that passes after the failure shows that the database was fine.
  const cleared = siblings.length > 0 && (await probe(siblings)) === null;
  return kind === 'data' || cleared ? culprits : [];

  async function search(part: readonly number[]): Promise<void> {
    if (part.length === 0) return;
    const failure = await probe(part);
    if (failure === null) return;
    if (part.length === 1) {
      culprits.push({ row: part[0] as number, failure });
      return;
    }
    const middle = part.length >> 1;
    await search(part.slice(0, middle));
    await search(part.slice(middle));
  }

  async function probe(part: readonly number[]): Promise<WriteFailure | null> {
    const failure = await probeRows(session, batch, part);
    if (failure !== null && failure.kind !== kind) throw new ProbeInterrupted(failure);
    return failure;
  }
}
