import type { AppProcess } from './app-process.ts';
import { DemoError } from './errors.ts';
import type { Observer } from './observer.ts';
import { committedOf, type Position, shareOf } from './position.ts';
import { waitFor } from './waiting.ts';

/** What was true when one consumer was killed. */
export interface Kill {
  readonly consumer: string;
  readonly pid: number;
  readonly atEvents: number;
  readonly atSeconds: number;
  readonly partitions: readonly number[];
  /** Records of its partitions not counted yet, read from the cursors once it was gone. */
  readonly lag: number;
  /** Records not counted yet, just before the kill, of the consumer that lives on. */
  readonly survivorLag: number;
  /** The epochs it left behind: a claim by anybody else raises them. */
  readonly epochs: ReadonlyMap<number, number>;
}

const POLL_MS = 50;

/**
 * Kills, with SIGKILL, the consumer that has more left to do, once half of the events are counted and
 * both own partitions and are behind.
 */
export async function killHalfWay(
  observer: Observer,
  consumers: readonly AppProcess[],
  events: number,
  options: { limitMs: number; signal: AbortSignal },
): Promise<Kill> {
  const what = 'half of the events to be counted, with both consumers in the middle of their work';
  return await waitFor({ ...options, what, pollMs: POLL_MS }, async () => {
    const committed = committedOf(await observer.look());
    if (committed < events / 2) return undefined;
    if (committed >= events) {
      throw new DemoError('all was counted before a consumer could be killed; take more --events');
    }
    // Ends first: they only grow, so what the cursors say afterwards is at least that far behind.
    const ends = await observer.ends();
    const positions = await observer.look();
    const shares = consumers.map((consumer) => ({
      consumer,
      ...shareOf(consumer.owner, positions, ends),
    }));
    if (shares.some((share) => share.lag === 0)) return undefined;
    const [victim] = shares.toSorted((left, right) => right.lag - left.lag);
    if (victim === undefined) throw new Error('nobody to kill');
    const atSeconds = observer.seconds();
    await victim.consumer.kill();
    // A commit under way on the server may have come through: now its cursors are final.
    const left = await observer.look();
    const survivor = shares.find((share) => share !== victim);
    return {
      consumer: victim.consumer.label,
      pid: victim.consumer.pid,
      atEvents: committedOf(positions),
      atSeconds,
      partitions: victim.partitions,
      lag: shareOf(victim.consumer.owner, left, await observer.ends()).lag,
      survivorLag: survivor?.lag ?? 0,
      epochs: epochsOf(left, victim.partitions),
    };
  });
}

/** Whether all its partitions have been claimed by somebody else since. */
export function isTakenOver(kill: Kill, positions: readonly Position[]): boolean {
  const now = epochsOf(positions, kill.partitions);
  return [...kill.epochs].every(([partition, epoch]) => (now.get(partition) ?? 0) > epoch);
}

function epochsOf(
  positions: readonly Position[],
  partitions: readonly number[],
): Map<number, number> {
  return new Map(
    positions
      .filter(({ partition }) => partitions.includes(partition))
      .map(({ partition, epoch }) => [partition, epoch]),
  );
}
