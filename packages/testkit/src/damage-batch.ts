import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Bytes in front of what the batch's length counts: base offset and length. */
const PREFIX_BYTES = 12;
/** The records begin here, in bytes from the batch's start. */
const HEADER_BYTES = 61;

/**
 * Changes one byte in the records of a batch on a broker's disk, as a failing disk does; the broker may run.
 * Returns the batch's first offset, and that of the batch behind it.
 *
 * @param index of the batch from the segment's start, or where below zero from its end: -2 is the last that can be
 * @param folder of the partition, holding `00000000000000000000.log`
 * @throws Error where the first segment has no such batch with another behind it
 */
export function damageBatch(folder: string, index: number): { first: number; end: number } {
  const path = join(folder, '00000000000000000000.log');
  const bytes = readFileSync(path);
  const starts: number[] = [];
  for (let at = 0; at + HEADER_BYTES < bytes.length;) {
    const length = bytes.readInt32BE(at + 8);
    if (length <= 0) break;
    starts.push(at);
    at += PREFIX_BYTES + length;
  }
  const start = starts.at(index);
  const next = index === -1 ? undefined : starts.at(index + 1);
  if (start === undefined || next === undefined) {
    throw new Error(`${path} has ${starts.length} batches: none behind the one numbered ${index}`);
  }
  const at = start + HEADER_BYTES + 20;
  const file = openSync(path, 'r+');
  try {
    writeSync(file, Buffer.of((bytes[at] ?? 0) ^ 0xff), 0, 1, at);
  } finally {
    closeSync(file);
  }
  return {
    first: Number(bytes.readBigInt64BE(start)),
    end: Number(bytes.readBigInt64BE(next)),
  };
}
