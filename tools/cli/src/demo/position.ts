import { type Database, listSources } from '@adtally/db';
import type { KafkaAdmin } from '@adtally/kafka';
import { DemoError } from './errors.ts';

/** Where counting stands in one partition of a topic that is read from offset 0. */
export interface Position {
  readonly partition: number;
  readonly nextOffset: number;
  readonly epoch: number;
  readonly owner: string | null;
}

/**
 * The cursors of the events topic; empty until a consumer registers it.
 * @throws DemoError when a partition is halted: it would never move again.
 */
export async function readPositions(db: Database, topic: string): Promise<Position[]> {
  const sources = (await listSources(db)).filter((source) => source.topic === topic);
  return sources.map((source) => {
    if (source.haltedCode !== null) {
      const detail = source.haltedDetail ?? '';
      throw new DemoError(`partition ${source.partition} halted: ${source.haltedCode} ${detail}`);
    }
    return {
      partition: source.partition,
      nextOffset: Number(source.nextOffset),
      epoch: Number(source.epoch),
      owner: source.owner,
    };
  });
}

/** Records counted so far: every partition began at offset 0. */
export function committedOf(positions: readonly Position[]): number {
  return positions.reduce((sum, { nextOffset }) => sum + nextOffset, 0);
}

/** The end of each partition of a topic, by partition. */
export async function readEnds(
  admin: KafkaAdmin,
  topic: string,
  partitions: number,
): Promise<number[]> {
  const all = Array.from({ length: partitions }, (_, partition) => partition);
  const marks = await Promise.all(all.map((partition) => admin.watermarks(topic, partition)));
  return marks.map(({ end }) => end);
}

/** Partitions of one owner and how many of their records are not counted yet. */
export interface Share {
  readonly partitions: readonly number[];
  readonly lag: number;
}

export function shareOf(
  owner: string,
  positions: readonly Position[],
  ends: readonly number[],
): Share {
  const own = positions.filter((position) => position.owner === owner);
  return {
    partitions: own.map(({ partition }) => partition),
    lag: own.reduce(
      (sum, { partition, nextOffset }) => sum + Math.max(0, (ends[partition] ?? 0) - nextOffset),
      0,
    ),
  };
}
