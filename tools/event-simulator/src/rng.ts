/**
 * Seeded random numbers (sfc32). A stream is named by the seed and two numbers, so that whatever
 * belongs to record n is a function of (seed, n) alone and can be made again without being stored.
 */
export class Rng {
  #a = 0;
  #b = 0;
  #c = 0;
  #counter = 0;

  constructor(seed: number, stream: number, index = 0) {
    this.reseed(seed, stream, index);
  }

  /** Starts the stream (seed, stream, index) from its beginning. */
  reseed(seed: number, stream: number, index: number): void {
    this.#a = mix32(seed | 0) ^ mix32(Math.floor(seed / 2 ** 32) + 0x9e37);
    this.#b = mix32(index ^ 0x5bd1e995);
    this.#c = mix32(stream + 0x85eb);
    this.#counter = 1;
    for (let round = 0; round < WARM_UP_ROUNDS; round += 1) this.uint32();
  }

  /** An integer 0..2^32-1. */
  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** A number in [0, 1). */
  unit(): number {
    return this.uint32() / 0x100000000;
  }

  /** An integer 0..bound-1. */
  below(bound: number): number {
    return Math.floor(this.unit() * bound);
  }

  /** True with that probability. */
  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  /** A number between the two, each order of magnitude equally likely. */
  logUniform(from: number, to: number): number {
    return from * (to / from) ** this.unit();
  }

  pick<T>(choices: readonly T[]): T {
    const chosen = choices[this.below(choices.length)];
    if (chosen === undefined) throw new Error('nothing to choose from');
    return chosen;
  }
}

// Eight rounds separate streams whose names differ in one bit; fewer left visible patterns.
const WARM_UP_ROUNDS = 8;

/** A bijection of the 32-bit integers that scatters neighbours (MurmurHash3's finaliser). */
export function mix32(value: number): number {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
