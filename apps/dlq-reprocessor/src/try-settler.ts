import { type WriterSession, type WrittenRows } from '@adtally/db';
import { settleTries, type LeasedLetter, type SettledTry } from '@adtally/letters';
import { rejectionFingerprint, VERDICT, type EventBatch } from '@adtally/event-schema';
import { backoffMs } from '@adtally/pacing';
import type { CommitCompanion } from '@adtally/pipeline';

/** Between which times the waits between the tries of one letter grow. */
export interface RetryWaits {
  readonly firstMs: number;
  readonly lastMs: number;
}

/**
 * Ends the tries of a batch of letters in the commit that stores their events: resolved, due again, or
 * exhausted. A letter that fails again goes nowhere else: its record is safe where it is.
 */
export class TrySettler implements CommitCompanion {
  readonly #waits: RetryWaits;
  #letters: readonly LeasedLetter[] = [];
  #settled: readonly SettledTry[] = [];

  constructor(waits: RetryWaits) {
    this.#waits = waits;
  }

  /** The letters of the next batch, by row. */
  expect(letters: readonly LeasedLetter[]): void {
    this.#letters = letters;
    this.#settled = [];
  }

  /** What the last commit settled; empty where its answer was lost. */
  get settled(): readonly SettledTry[] {
    return this.#settled;
  }

  async writeAlongside(session: WriterSession, written: WrittenRows): Promise<void> {
    const { batch } = written;
    const tries: SettledTry[] = [];
    for (const [row, letter] of this.#letters.entries()) {
      const verdict = batch.verdict[row];
      if (verdict !== VERDICT.event && verdict !== VERDICT.rejected) continue;
      tries.push(this.#ended(batch, row, letter, outcomeOf(written, row)));
    }
    await settleTries(session, tries);
    this.#settled = tries;
  }

  #ended(
    batch: EventBatch,
    row: number,
    letter: LeasedLetter,
    outcome: SettledTry['outcome'],
  ): SettledTry {
    const rejection = outcome === 'failed' ? batch.rejections.get(row) : undefined;
    return {
      letterId: letter.letterId,
      outcome,
      code: rejection?.code ?? '',
      field: rejection?.field ?? '',
      message: rejection?.message ?? '',
      fingerprint: rejection === undefined ? '' : rejectionFingerprint(rejection),
      againInMs: backoffMs(letter.attempt, this.#waits.firstMs, this.#waits.lastMs),
      event:
        outcome === 'failed'
          ? null
          : {
              impressionId: bytesAt(batch.column('impression_id').bytes, row),
              eventKey: bytesAt(batch.eventKey, row),
            },
      sourceId: batch.sourceId[row] as number,
      position: batch.places.offset[row] as number,
    };
  }
}

function outcomeOf(written: WrittenRows, row: number): SettledTry['outcome'] {
  if (written.batch.verdict[row] === VERDICT.rejected) return 'failed';
  if (written.conflicts.has(row)) return 'conflict';
  return written.duplicates.has(row) ? 'duplicate' : 'stored';
}

function bytesAt(column: Buffer, row: number): Buffer {
  return column.subarray(row * 16, row * 16 + 16);
}
