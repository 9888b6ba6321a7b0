/** Something a service has taken up and not finished. */
export interface InHand {
  /** One phrase: `records of ad-events/3 from offset 1042`. */
  readonly what: string;
  /** So many records, letters or messages; null where nobody counted them. */
  readonly rows: number | null;
}

/** Where a partition goes on after a restart, by the database's word. */
export interface CommittedOffset {
  readonly topic: string;
  readonly partition: number;
  readonly nextOffset: number;
}

/** What a service would leave if it ended now. */
export interface Work {
  readonly inHand: readonly InHand[];
  /** Of the partitions it holds. */
  readonly committed: readonly CommittedOffset[];
}

/**
 * A drain gave up work in hand: a server did not answer in time. Nothing is lost, it is done again from what is
 * committed; but whoever drained is told that this one was not the clean end it asked for.
 */
export class DrainCutShort extends Error {
  override readonly name = 'DrainCutShort';
  readonly left: readonly InHand[];

  constructor(left: readonly InHand[]) {
    super(`left undone: ${left.map(({ what, rows }) => phrase(what, rows)).join('; ')}`);
    this.left = left;
  }
}

function phrase(what: string, rows: number | null): string {
  return rows === null ? what : `${rows} ${what}`;
}

/** Keeps what is in hand where several parts of a service each take up something of their own. */
export class WorkBook {
  readonly #inHand = new Map<string, number | null>();
  #committed: readonly CommittedOffset[] = [];

  begin(what: string, rows: number | null): void {
    this.#inHand.set(what, rows);
  }

  end(what: string): void {
    this.#inHand.delete(what);
  }

  committed(offsets: readonly CommittedOffset[]): void {
    this.#committed = offsets;
  }

  /** Whatever was in hand was dropped, to be taken up anew, and nothing is held. */
  clear(): void {
    this.#inHand.clear();
    this.#committed = [];
  }

  get work(): Work {
    const inHand = [...this.#inHand].map(([what, rows]) => ({ what, rows }));
    return { inHand, committed: this.#committed };
  }
}
