import { Random } from './random.ts';

const INPUT_BYTES_MAX = 4_096;
const MUTATIONS_MAX = 6;
/** Bytes and lengths at which readers go wrong. */
const BYTES = [0, 1, 0x22, 0x2c, 0x5c, 0x7b, 0x7f, 0x80, 0xbf, 0xc0, 0xed, 0xff];
const NUMBERS = [
  -2_147_483_648, -1, 0, 1, 127, 128, 255, 256, 32_767, 65_535, 65_536, 2_147_483_647,
];

type Mutation = (input: Buffer, random: Random, material: Material) => Buffer;

/** What mutations are made of. */
export interface Material {
  readonly seeds: readonly Buffer[];
  readonly words: readonly Buffer[];
}

const MUTATIONS: readonly Mutation[] = [
  (input, random) => set(input, random, (byte) => byte ^ (1 << random.below(8))),
  (input, random) => set(input, random, () => random.of(BYTES)),
  (input, random) => set(input, random, () => random.below(256)),
  (input, random) => {
    if (input.length < 4) return input;
    const copy = Buffer.from(input);
    copy.writeInt32BE(random.of(NUMBERS), random.below(input.length - 3));
    return copy;
  },
  (input, random) => input.subarray(0, random.below(input.length + 1)),
  (input, random) => {
    const [from, to] = range(input, random);
    return Buffer.concat([input.subarray(0, from), input.subarray(to)]);
  },
  (input, random) => {
    const [from, to] = range(input, random);
    return insert(input, random, input.subarray(from, to));
  },
  (input, random, { words }) =>
    words.length === 0 ? input : insert(input, random, random.of(words)),
  (input, random, { words }) => {
    if (words.length === 0) return input;
    const [from, to] = range(input, random);
    return Buffer.concat([input.subarray(0, from), random.of(words), input.subarray(to)]);
  },
  (input, random, { seeds }) => {
    const other = random.of(seeds);
    const [from, to] = range(other, random);
    return insert(input, random, other.subarray(from, to));
  },
];

/**
 * The input of this number: a seed after some mistakes, one in sixteen untouched. It is a function of seed and number
 * alone, so a finding needs to remember no more than these two.
 */
export function inputAt(material: Material, seed: number, index: number): Buffer {
  const random = new Random(seed, index);
  let input = random.of(material.seeds);
  const mutations = random.below(16) === 0 ? 0 : 1 + random.below(MUTATIONS_MAX);
  for (let done = 0; done < mutations; done += 1) {
    input = random.of(MUTATIONS)(input, random, material);
  }
  return Buffer.from(input.subarray(0, INPUT_BYTES_MAX));
}

function set(input: Buffer, random: Random, change: (byte: number) => number): Buffer {
  if (input.length === 0) return input;
  const copy = Buffer.from(input);
  const at = random.below(copy.length);
  copy[at] = change(copy[at] as number);
  return copy;
}

/** Mostly short: a few bytes more or less are what readers stumble over. */
function range(input: Buffer, random: Random): [from: number, to: number] {
  const from = random.below(input.length + 1);
  const length = random.below(random.below(4) === 0 ? 256 : 12);
  return [from, Math.min(input.length, from + length)];
}

function insert(input: Buffer, random: Random, piece: Buffer): Buffer {
  const at = random.below(input.length + 1);
  return Buffer.concat([input.subarray(0, at), piece, input.subarray(at)]);
}
