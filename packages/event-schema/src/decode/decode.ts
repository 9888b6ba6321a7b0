import type { EventBatch } from '../batch.ts';
import { CONTRACT, type Contract } from '../contract.ts';
import { DEFAULT_DECODE_LIMITS, type DecodeLimits } from './limits.ts';
import { createReferenceDecoder, type ReferenceDecoder } from './reference.ts';
import { createScanner, type Scanner } from './scanner.ts';
import { FRAME_BYTES, frameSchemaId, innerPlace, isFramed } from './wrapping.ts';

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
      const isDecoded =
        limits.valueFormat === 'auto'
          ? scanWrapped(scan, batch, row, limits)
          : scan(batch, row, limits);
      if (!isDecoded) reference(batch, row, limits);
    },
  };
}

/** The scanner on an event that may be wrapped; false = undecided still, nothing changed. */
function scanWrapped(scan: Scanner, batch: EventBatch, row: number, limits: DecodeLimits): boolean {
  const { bytes, valueStart, valueLength } = batch.places;
  const whole = bytes[row];
  const length = valueLength[row] as number;
  if (whole === undefined || length > limits.maxValueBytes) return false;
  const start = valueStart[row] as number;
  const skipped = isFramed(whole, start, length) ? FRAME_BYTES : 0;
  if (skipped > 0) limits.schemaOf?.(frameSchemaId(whole, start));
  if (scan(batch, row, limits, skipped)) return true;
  const inner = innerPlace(whole.subarray(start + skipped, start + length), limits.maxDepth);
  if (inner === null) return false;
  return scan(batch, row, limits, skipped + inner.start, inner.end - inner.start);
}

/** The decoders of the product's contract. */
export const DECODER = createDecoder(CONTRACT);

/**
 * Decodes one undecided row: it ends with verdict `event` and its columns filled, or rejected with one
 * named code. Never throws, whatever the bytes; time is linear in the value's length, which is limited.
 */
export const decodeInto = DECODER.decode;
