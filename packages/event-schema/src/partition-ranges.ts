/** Highest number of a partition that may be named. */
const PARTITION_MAX = 99_999;
const RANGE = /^(?<first>\d{1,5})(?:-(?<last>\d{1,5}))?$/;

/** The partitions that `0-5,8` names, ascending; undefined where it is no such list, or names one twice. */
export function readPartitionRanges(text: string): number[] | undefined {
  const partitions = new Set<number>();
  for (const range of text.split(',')) {
    const groups = RANGE.exec(range)?.groups;
    const first = Number(groups?.['first']);
    const last = Number(groups?.['last'] ?? first);
    if (!(first <= last && last <= PARTITION_MAX)) return undefined;
    for (let partition = first; partition <= last; partition += 1) {
      if (partitions.has(partition)) return undefined;
      partitions.add(partition);
    }
  }
  return [...partitions].toSorted((a, b) => a - b);
}

/** `0-5,8` of ascending numbers. */
export function partitionRanges(partitions: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const partition of partitions) {
    const last = ranges.at(-1);
    if (last?.[1] === partition - 1) last[1] = partition;
    else ranges.push([partition, partition]);
  }
  return ranges.map(([first, last]) => (first === last ? first : `${first}-${last}`)).join(',');
}
