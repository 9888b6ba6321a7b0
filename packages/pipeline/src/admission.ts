import type { BatchWork } from './batch-work.ts';
import type { OwnedPartition, Ownership } from './ownership.ts';

/**
 * Says how much of each partition a fetch may let through (`OwnedPartition.allowance`). Its calls come from
 * the loop alone.
 */
export interface Admission {
  /** Gives every owned partition its allowance for the coming fetch; nothing may be in flight. */
  beforeFetch(nowMs: number): void;
  /** A record beyond the allowance: it will be read again. */
  hold(owned: OwnedPartition): void;
  /** Learns what became of the rows from `fromRow` on: those of one fetch, classified. */
  afterClassify(work: BatchWork, fromRow: number, nowMs: number): void;
  /** Learns which rows of a committed batch were rejected after they had been classified as good. */
  afterCommit(work: BatchWork): void;
}

/** More than any fetch brings. */
export const UNLIMITED = 2 ** 30;

/** Lets everything through. */
export class AdmitAll implements Admission {
  readonly #ownership: Ownership;

  constructor(ownership: Ownership) {
    this.#ownership = ownership;
  }

  beforeFetch(): void {
    for (const owned of this.#ownership.allOwned()) owned.allowance = UNLIMITED;
  }

  hold(owned: OwnedPartition): void {
    throw new Error(`partition ${owned.partition} was given no allowance`);
  }

  afterClassify(): void {
    // Nothing to learn from.
  }

  afterCommit(): void {
    // Nothing to learn from.
  }
}
