import { Rng } from './rng.ts';

/** An opaque identifier and its JSON spelling (with quotes), made once. */
export interface Identifier {
  readonly text: string;
  readonly json: string;
}

export interface Campaign {
  readonly id: Identifier;
  /** A creative belongs to one campaign. */
  readonly creatives: readonly Identifier[];
  readonly currency: string;
  readonly impressionPriceMicros: number;
  readonly clickPriceMicros: number;
  readonly conversionValueMicros: number;
}

const CAMPAIGNS = 240;
const CREATIVES_MAX = 8;
const PLACEMENTS = 600;
const CATALOG_STREAM = 1;
const UNICODE_EVERY = 16;
const BEYOND_DOUBLE_EVERY = 10;

const CURRENCIES = ['EUR', 'USD', 'JPY', 'GBP', 'PLN', 'BRL'];

/** Identifiers producers really send: other scripts, quotes, combining marks, the longest allowed. */
const UNUSUAL = [
  'kampagne-gr\u00fc\u00dfe',
  '\u30ad\u30e3\u30f3\u30da\u30fc\u30f3',
  '\u{1f3af}'.repeat(64),
  'say "hi" \\ twice',
  'e\u0301 is not \u00e9',
  '\u062d\u0645\u0644\u0629',
  ' leading and trailing ',
  'tab\tand\nnewline',
];

/** The advertisers, creatives and placements of one run: a function of the seed. */
export class Catalog {
  readonly campaigns: readonly Campaign[];
  readonly placements: readonly Identifier[];

  constructor(seed: number) {
    const rng = new Rng(seed, CATALOG_STREAM);
    this.campaigns = Array.from({ length: CAMPAIGNS }, (_, index) => campaign(index, rng));
    this.placements = Array.from({ length: PLACEMENTS }, (_, index) =>
      identifier(`pl-${index.toString(36)}`, index),
    );
  }

  /** A campaign; a few are much more popular than the rest. */
  campaign(rng: Rng): Campaign {
    return popular(this.campaigns, rng);
  }

  placement(rng: Rng): Identifier {
    return popular(this.placements, rng);
  }
}

function campaign(index: number, rng: Rng): Campaign {
  // Integers above 2^53 are ordinary identifiers somewhere; as text they must survive.
  const plain =
    index % BEYOND_DOUBLE_EVERY === 3 ? `90071992547409${93 + index * 2}` : `cmp-${1000 + index}`;
  const creatives = Array.from({ length: 1 + rng.below(CREATIVES_MAX) }, (_, creative) =>
    identifier(`cr-${index}-${creative}`, index + creative + 1),
  );
  return {
    id: identifier(plain, index),
    creatives,
    currency: rng.pick(CURRENCIES),
    impressionPriceMicros: 200 + rng.below(20_000),
    clickPriceMicros: 50_000 + rng.below(2_000_000),
    conversionValueMicros: 1_000_000 + rng.below(250_000_000),
  };
}

/** One in so many identifiers is an unusual one; a suffix keeps it distinct within its 64 code points. */
function identifier(plain: string, index: number): Identifier {
  if (index % UNICODE_EVERY !== 5) return quoted(plain);
  const unusual = UNUSUAL[Math.floor(index / UNICODE_EVERY) % UNUSUAL.length] as string;
  const suffix = ` ${plain}`;
  return quoted([...unusual].slice(0, 64 - suffix.length).join('') + suffix);
}

function quoted(text: string): Identifier {
  return { text, json: JSON.stringify(text) };
}

function popular<T>(items: readonly T[], rng: Rng): T {
  const skewed = rng.unit() * rng.unit();
  return items[Math.floor(skewed * items.length)] as T;
}
