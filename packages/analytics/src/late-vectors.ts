/** How far something has come in each source: the offset before which all is covered; absent = 0. */
export type Vector = ReadonlyMap<number, bigint>;

/** A late note without its impressions: the offsets of the batch that wrote it. */
export interface NoteRanges {
  readonly noteId: bigint;
  readonly sourceIds: readonly number[];
  readonly firstOffsets: readonly bigint[];
  readonly endOffsets: readonly bigint[];
}

export function vectorOf(sourceIds: readonly number[], offsets: readonly bigint[]): Vector {
  return new Map(sourceIds.map((sourceId, index) => [sourceId, offsets[index] as bigint]));
}

/** The greatest of these in each source. */
export function joined(vectors: readonly Vector[]): Vector {
  const joint = new Map<number, bigint>();
  for (const [sourceId, offset] of vectors.flatMap((vector) => [...vector])) {
    if (offset > (joint.get(sourceId) ?? 0n)) joint.set(sourceId, offset);
  }
  return joint;
}

/** Where these notes bring the worker: past each of their batches. */
export function advanced(from: Vector, notes: readonly NoteRanges[]): Vector {
  const to = new Map(from);
  for (const { sourceIds, endOffsets } of notes) {
    for (const [index, sourceId] of sourceIds.entries()) {
      const end = endOffsets[index] as bigint;
      if (end > (to.get(sourceId) ?? 0n)) to.set(sourceId, end);
    }
  }
  return to;
}

/**
 * Notes of batches that the worker believes to have passed already: what they name would count as applied
 * though it is not. Batches of a source commit in order and note in that order, so there are none; where a
 * future writer breaks that, their bases must be taken again.
 */
export function overtaken(from: Vector, notes: readonly NoteRanges[]): bigint[] {
  return notes
    .filter(({ sourceIds, firstOffsets }) =>
      sourceIds.some(
        (sourceId, index) => (firstOffsets[index] as bigint) < (from.get(sourceId) ?? 0n),
      ),
    )
    .map(({ noteId }) => noteId);
}
