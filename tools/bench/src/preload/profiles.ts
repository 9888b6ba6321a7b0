import { DEFAULT_MIX, type Mix } from '@adtally/event-simulator';

/** What a topic is filled with. */
export interface Profile {
  readonly mix: Partial<Mix>;
  /** Codec the broker stores batches in, whatever the producer sent. */
  readonly compression?: 'zstd';
}

/** Impressions, clicks and conversions, each once, in order, spelt as producers spell them. */
const CLEAN: Mix = {
  ...DEFAULT_MIX,
  duplicate: 0,
  conflict: 0,
  malformed: 0,
  outOfOrder: 0,
  nonV7: 0,
  respelt: 0,
  misrouted: 0,
  hugeAmount: 0,
  unknownFields: 0,
  keyHeader: 0,
  traceHeader: 0,
};

/** By name; each beside `clean` changes one thing. */
export const PROFILES = {
  mix: { mix: DEFAULT_MIX },
  clean: { mix: CLEAN },
  duplicates: { mix: { ...CLEAN, duplicate: 0.5 } },
  'ids-v4': { mix: { ...CLEAN, nonV7: 1 } },
  malformed: { mix: { ...CLEAN, malformed: 0.01 } },
  zstd: { mix: CLEAN, compression: 'zstd' },
  traced: { mix: { ...CLEAN, traceHeader: 1 } },
} as const satisfies Record<string, Profile>;

export type ProfileName = keyof typeof PROFILES;
