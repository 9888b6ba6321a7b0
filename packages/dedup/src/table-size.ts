/** Slots of an open-addressing table that stays at most half full: a power of two. */
export function tableSizeFor(entries: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(2, entries * 2)));
}
