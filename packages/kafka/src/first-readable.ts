/**
 * What lies at an offset: where a batch begins that can be read and holds it, or is the next one behind it; null
 * where what lies there cannot be read. Rejects where nobody answers.
 */
export type BatchAt = (offset: number) => Promise<number | null>;

/**
 * The first offset behind `bad` from which on a log can be read, or `end` where nothing before it can. Asked in steps
 * that double, then halved: some twenty questions, and a readable stretch between two that are damaged can be
 * overlooked only where it is shorter than what lies between it and `bad`.
 *
 * @param bad an offset that cannot be read
 * @param end where the log ends: read or not, everything behind it is still to come
 */
export async function firstReadable(bad: number, end: number, batchAt: BatchAt): Promise<number> {
  let between: Between = { unreadable: bad, readable: end, found: end };
  for (let step = 1; between.readable === end && bad + step < end; step *= 2) {
    between = narrowed(between, bad + step, await batchAt(bad + step));
  }
  while (between.readable - between.unreadable > 1) {
    const { unreadable, readable } = between;
    const middle = unreadable + Math.floor((readable - unreadable) / 2);
    between = narrowed(between, middle, await batchAt(middle));
  }
  return between.found;
}

interface Between {
  readonly unreadable: number;
  /** Nothing from here on need be asked about. */
  readonly readable: number;
  /** What was found from there on. */
  readonly found: number;
}

function narrowed(between: Between, offset: number, start: number | null): Between {
  if (start === null) return { ...between, unreadable: offset };
  // What lies between the batch's first offset and the one asked about is in that batch, or nowhere.
  const readable = Math.max(between.unreadable + 1, Math.min(offset, start));
  return { ...between, readable, found: Math.max(start, readable) };
}
