import { Buffer } from 'node:buffer';
import { canonicalImpressionKey, murmur2, partitionFor } from '@adtally/key-derivation';
import { PARTITIONERS } from './partitioners.ts';

/** What would explain where the misplaced records of a source lie. */
export interface Explanation {
  readonly name: string;
  readonly words: string;
  /** Of the misplaced records, 0..1. */
  readonly share: number;
}

/** A share below it may be anything. */
const EXPLAINED_SHARE = 0.99;
/** Fewer misplaced records than these may lie where they do by chance: 12^-6 is one in three millions. */
const CHANCE = 1e-6;
/** Trying every smaller number of partitions costs so much a record. */
const PARTITIONS_TRIED_MAX = 256;
const POSITIVE = 0x7fffffff;

/** Compares where the records of a source lie with where partitioners would have put them. */
export class Placement {
  /** Records whose impression id is known. */
  judged = 0;
  /** Of those: in another partition than Java's partitioner gives the canonical key. */
  misplaced = 0;
  readonly #partitions: number;
  /** Of the misplaced: those each partitioner would have put there, by name. */
  readonly #explained = new Map<string, number>();
  /** Of the misplaced: those Java's partitioner would have put there, had there been so many partitions. */
  readonly #ofFewer: Uint32Array;
  readonly #used = new Set<number>();

  constructor(partitions: number) {
    this.#partitions = partitions;
    this.#ofFewer = new Uint32Array(partitions <= PARTITIONS_TRIED_MAX ? partitions : 0);
  }

  /**
   * @param sent the key's bytes as they are; null where there is none
   * @param uuid the 16 bytes of the impression id
   */
  add(sent: Uint8Array | null, uuid: Uint8Array, partition: number): void {
    this.judged += 1;
    const canonical = Buffer.from(canonicalImpressionKey(uuid));
    if (partitionFor(canonical, this.#partitions) === partition) return;
    this.misplaced += 1;
    this.#used.add(partition);
    if (sent === null || sent.length === 0) return;
    for (const { name, hash } of PARTITIONERS)
      if (hash(sent) % this.#partitions === partition)
        this.#explained.set(name, (this.#explained.get(name) ?? 0) + 1);
    const positive = murmur2(sent) & POSITIVE;
    for (let fewer = 2; fewer < this.#ofFewer.length; fewer += 1)
      if (positive % fewer === partition)
        this.#ofFewer[fewer] = (this.#ofFewer[fewer] as number) + 1;
  }

  /** The first that explains nearly all misplaced records, if there are enough to tell it from chance. */
  explanation(): Explanation | null {
    if (this.misplaced === 0 || this.#partitions ** -this.misplaced > CHANCE) return null;
    for (const { name, words } of PARTITIONERS) {
      const share = (this.#explained.get(name) ?? 0) / this.misplaced;
      if (share >= EXPLAINED_SHARE) return { name, words, share };
    }
    for (const [fewer, records] of this.#ofFewer.entries()) {
      const share = records / this.misplaced;
      if (share < EXPLAINED_SHARE) continue;
      const words = `Java's partitioner for ${fewer} partitions, as the topic had before or the producer still thinks`;
      return { name: 'java_fewer_partitions', words, share };
    }
    if (this.#used.size === 1) {
      const words = 'whoever names the partition itself: all are in one';
      return { name: 'one_partition', words, share: 1 };
    }
    return {
      name: 'unknown',
      words: 'nothing known here: random, round robin, or several producers',
      share: 0,
    };
  }
}
