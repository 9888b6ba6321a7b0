import { probeRows, takesRows, type WriteFailure, type WriterSession } from '@adtally/db';
import { VERDICT, type EventBatch, type RejectionCode } from '@adtally/event-schema';
import { Abandoned } from '@adtally/pacing';

/** How a row fails alone: refused for good, or only for now. */
export type RowFailure = WriteFailure & { readonly kind: 'data' | 'transient' };

/** Why a row that fails alone is rejected. */
export const BLAMED_AS: Readonly<Record<RowFailure['kind'], RejectionCode>> = {
  data: 'data_refused',
  transient: 'transient_downstream',
};

/** A row that fails alone, and how. */
export interface Culprit {
  readonly row: number;
  readonly failure: RowFailure;
}

export interface Isolation {
  readonly culprits: readonly Culprit[];
  /** True where something failed transiently, so that finding no culprit says nothing. */
  readonly wasDisturbed: boolean;
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

/** So many transient failures in a row, beyond the way down to one row, mean the database, not rows. */
const FAILURES_IN_A_ROW_SLACK = 16;

/**
 * Finds the rows that fail by themselves: halves the batch in transactions that are always rolled back.
 * A row the database refuses is a culprit at once. A row that fails only for now is one where the others
 * pass together after it failed, and it still fails after that: else the fault lies with the database. With
 * `mayBlameAlone` a row without others is one too, where the table takes rows and it still fails.
 */
export async function isolateRows(
  session: WriterSession,
  batch: EventBatch,
  signal: AbortSignal,
  options: { readonly mayBlameAlone: boolean },
): Promise<Isolation> {
  const rows: number[] = [];
  for (let row = 0; row < batch.count; row++)
    if (batch.verdict[row] === VERDICT.event) rows.push(row);
  const failuresMax = Math.ceil(Math.log2(rows.length + 1)) + FAILURES_IN_A_ROW_SLACK;
  const suspects: Culprit[] = [];
  let failuresInARow = 0;
  let wasDisturbed = false;

  await search(rows);
  const refused = suspects.filter(({ failure }) => failure.kind === 'data');
  const waiting = suspects.filter(({ failure }) => failure.kind === 'transient');
  const blamed = failuresInARow < failuresMax ? await confirmed(waiting) : [];
  return { culprits: [...refused, ...blamed], wasDisturbed };

  async function search(part: readonly number[]): Promise<void> {
    if (part.length === 0 || failuresInARow >= failuresMax) return;
    const failure = await probe(part);
    if (failure === null) return;
    if (part.length === 1) {
      suspects.push({ row: part[0] as number, failure });
      return;
    }
    const middle = part.length >> 1;
    await search(part.slice(0, middle));
    await search(part.slice(middle));
  }

  /** Of the rows that failed for now: those that still do after the others got through. */
  async function confirmed(found: readonly Culprit[]): Promise<Culprit[]> {
    if (found.length === 0) return [];
    const guilty = new Set(suspects.map(({ row }) => row));
    const siblings = rows.filter((row) => !guilty.has(row));
    if (siblings.length === 0) {
      if (!options.mayBlameAlone || !(await takesRows(session))) return [];
    } else if ((await probe(siblings)) !== null) return [];
    const still: Culprit[] = [];
    for (const { row } of found) {
      const failure = await probe([row]);
      if (failure !== null) still.push({ row, failure });
    }
    return still;
  }

  async function probe(part: readonly number[]): Promise<RowFailure | null> {
    if (signal.aborted) throw new Abandoned('finding the rows the database refuses');
    const failure = await probeRows(session, batch, part);
    if (failure === null) {
      failuresInARow = 0;
      return null;
    }
    if (failure.kind === 'transient') {
      failuresInARow += 1;
      wasDisturbed = true;
      return failure;
    }
    if (failure.kind !== 'data') throw new ProbeInterrupted(failure);
    return failure;
  }
}
