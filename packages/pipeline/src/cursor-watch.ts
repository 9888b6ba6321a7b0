import { readCursors, type Database } from '@adtally/db';
import { RecurringTask } from '@adtally/pacing';
import type { Logger } from '@adtally/telemetry';
import {
  compareClaim,
  type ClaimLoss,
  type Cursor,
  type RememberedClaim,
} from './compare-claim.ts';
import type { ClaimMetrics } from './metrics.ts';
import type { SourceClaim } from './source-claim.ts';

export interface CursorWatchParts<C extends SourceClaim> {
  readonly db: Database;
  /** What this process believes to own, at any time. */
  readonly claims: () => readonly C[];
  readonly metrics: ClaimMetrics;
  readonly log: Logger;
  /**
   * Whether what somebody else claimed is handed over as well, where two looks in a row find it so: for claims under
   * which nothing is written any more then, so that no commit would ever meet it.
   */
  readonly givesUpElsewhere?: boolean;
}

/**
 * Compares the claims this process remembers with the database: on a clock, and at every new session. A
 * database that failed over to a replica behind it, or was restored, knows less than it once acknowledged; a
 * partition to which no record comes would never find out (ADR 19). What it finds is handed to whoever holds
 * the claims, who alone may act on it.
 */
export class CursorWatch<C extends SourceClaim = SourceClaim> {
  readonly #parts: CursorWatchParts<C>;
  readonly #found = new Map<C, ClaimLoss>();
  readonly #looking: RecurringTask;
  /** Found claimed by somebody else at the last look. */
  #elsewhere = new Set<C>();

  constructor(parts: CursorWatchParts<C>, everyMs: number) {
    this.#parts = parts;
    this.#looking = new RecurringTask({
      everyMs,
      run: () => this.look(),
      // That the database is away is told by whoever needs it.
      onError: (error) => parts.log.debug({ err: error }, 'cursors could not be compared'),
    });
  }

  start(): void {
    this.#looking.start();
  }

  async stop(): Promise<void> {
    await this.#looking.stop();
  }

  get hasFound(): boolean {
    return this.#found.size > 0;
  }

  /** What was found of a claim and is not handed over yet. */
  lossOf(claim: C): ClaimLoss | undefined {
    return this.#found.get(claim);
  }

  /** Hands over what was found since the last call. */
  take(): Map<C, ClaimLoss> {
    const found = new Map(this.#found);
    this.#found.clear();
    return found;
  }

  /** Reads the cursors and compares. Rejects where the database does not answer. */
  async look(): Promise<void> {
    const remembered = this.#remember();
    if (remembered.size === 0) return;
    const ids = [...remembered.values()].map(({ sourceId }) => sourceId);
    const cursors = await readCursors(this.#parts.db, ids);
    this.#compare(remembered, cursors);
    if (this.#parts.givesUpElsewhere === true) this.#giveUpElsewhere(remembered, cursors);
  }

  /** Compares with cursors that were read just now, of all claims. */
  compare(cursors: ReadonlyMap<number, Cursor>): void {
    this.#compare(this.#remember(), cursors);
  }

  /** Before the database is asked: a commit may move both while it answers. */
  #remember(): Map<C, RememberedClaim> {
    return new Map(
      this.#parts
        .claims()
        .map((claim) => [
          claim,
          { sourceId: claim.sourceId, epoch: claim.epoch, committedOffset: claim.committedOffset },
        ]),
    );
  }

  #compare(remembered: Map<C, RememberedClaim>, cursors: ReadonlyMap<number, Cursor>): void {
    const held = new Set(this.#parts.claims());
    for (const [claim, before] of remembered) {
      if (!held.has(claim) || this.#found.has(claim)) continue;
      const loss = compareClaim(before, cursors.get(claim.sourceId));
      // What somebody else claimed is read there. Claimed again at once it would end the writer of whoever
      // the group has moved it to, before we hear of that; a commit of ours meets it soon enough, or a second look.
      if (loss === null || loss.code === 'claimed_elsewhere') continue;
      this.#found.set(claim, loss);
      const { code: reason, detail, offsetsBehind } = loss;
      this.#parts.metrics.claimsLost.add(1, { reason });
      this.#parts.metrics.databaseBehindOffsets.add(offsetsBehind);
      const fields = { reason, detail, offsets: offsetsBehind };
      this.#parts.log.error(fields, 'the database is behind: claimed again');
    }
  }

  #giveUpElsewhere(
    remembered: Map<C, RememberedClaim>,
    cursors: ReadonlyMap<number, Cursor>,
  ): void {
    const held = new Set(this.#parts.claims());
    const before = this.#elsewhere;
    this.#elsewhere = new Set();
    for (const [claim, was] of remembered) {
      const loss = compareClaim(was, cursors.get(claim.sourceId));
      if (loss?.code !== 'claimed_elsewhere' || !held.has(claim)) continue;
      if (!before.has(claim)) {
        this.#elsewhere.add(claim);
        continue;
      }
      this.#found.set(claim, loss);
      this.#parts.log.warn(
        { reason: loss.code, detail: loss.detail },
        'claimed elsewhere: given up',
      );
    }
  }
}
