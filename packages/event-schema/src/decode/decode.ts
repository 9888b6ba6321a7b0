import type { EventBatch } from '../batch.ts';
import { CONTRACT, type Contract } from '../contract.ts';
import { DEFAULT_DECODE_LIMITS, type DecodeLimits } from './limits.ts';
import { createReferenceDecoder, type ReferenceDecoder } from './reference.ts';
import { createScanner, type Scanner } from './scanner.ts';

/** Both decoders of a contract, and the way they are used together. */
export interface Decoder {
  readonly scan: Scanner;
  readonly reference: ReferenceDecoder;
  /** Decodes a row: the scanner first, the reference where the scanner declines. */
  readonly decode: (batch: EventBatch, row: number, limits?: DecodeLimits) => void;
}

/** Makes the decoders of a contract. Each has scratch memory of its own; batches must have its columns. */
export function createDecoder(contract: Contract): Decoder {
  const scan = createScanner(contract);
  const reference = createReferenceDecoder(contract);
  return {
    scan,
    reference,
    decode: (batch, row, limits = DEFAULT_DECODE_LIMITS) => {
      if (!scan(batch, row, limits)) reference(batch, row, limits);
    },
  };
}

/** The decoders of the product's contract. */
export const DECODER = createDecoder(CONTRACT);

/**
 * Decodes one undecided row: it ends with verdict `event` and its columns filled, or rejected with one
 * named code. Never throws, whatever the bytes; time is linear in the value's length, which is limited.
 */
export const decodeInto = DECODER.decode;
