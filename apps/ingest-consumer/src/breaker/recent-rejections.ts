import {
  causeLine,
  causeWords,
  claimedFacts,
  rejectionFingerprint,
  SourceTally,
  type EventBatch,
} from '@adtally/event-schema';

/** Of the rejected records of one fetch so many are looked at, and stand for the others. */
const LOOKED_AT_MAX = 32;
/** So many that were looked at are remembered: some fetches. */
const REMEMBERED_MAX = 256;
const CAUSES_MAX = 5;

interface Look {
  readonly words: string;
  readonly fingerprint: string;
  readonly source: string;
  /** Records it stands for. */
  readonly records: number;
}

/**
 * Why the last records of one partition were rejected, and who sent them, for people: the window counts each of them,
 * here some are read again. About right in its figures, and no dearer where all records are bad.
 */
export class RecentRejections {
  /** The oldest first. */
  #looks: Look[] = [];

  /** Takes in the rejected rows of a fetch or a commit, in order. */
  note(batch: EventBatch, rows: readonly number[]): void {
    const step = Math.max(1, rows.length / LOOKED_AT_MAX);
    const looked: Look[] = [];
    for (let at = 0; at < rows.length; at += step) {
      const look = lookAt(batch, rows[Math.floor(at)] as number, step);
      if (look !== null) looked.push(look);
    }
    this.#looks = [...this.#looks, ...looked].slice(-REMEMBERED_MAX);
  }

  /** The causes of so many of the last rejections in words, the most frequent first. */
  causes(rejected: number): string[] {
    const byWords = new Map<string, { look: Look; records: number; sources: SourceTally }>();
    let left = rejected;
    for (const look of this.#looks.toReversed()) {
      if (left <= 0) break;
      const records = Math.min(left, look.records);
      left -= records;
      const known = byWords.get(look.words) ?? { look, records: 0, sources: new SourceTally() };
      known.records += records;
      known.sources.add(look.source, records);
      byWords.set(look.words, known);
    }
    return [...byWords]
      .toSorted(([a, one], [b, other]) => other.records - one.records || (a < b ? -1 : 1))
      .slice(0, CAUSES_MAX)
      .map(([words, { look, records, sources }]) =>
        causeLine(words, Math.round(records), sources.counts(), [
          `fingerprint ${look.fingerprint}`,
        ]),
      );
  }
}

function lookAt(batch: EventBatch, row: number, records: number): Look | null {
  const rejection = batch.rejections.get(row);
  if (rejection === undefined) return null;
  const { source, version } = claimedFacts(batch.record(row));
  const { code, field = '' } = rejection;
  return {
    words: causeWords({ code, field, version }),
    fingerprint: rejectionFingerprint(rejection),
    source,
    records,
  };
}
