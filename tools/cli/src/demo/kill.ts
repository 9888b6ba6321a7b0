import { setTimeout as sleep } from 'node:timers/promises';
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
/** Frozen for so long at most: well below the session after which the group gives its partitions to others. */
const FROZEN_MAX_MS = 2_000;

/**
 * Kills a consumer with SIGKILL once half of the events are counted and both own partitions: the one that has more left
 * to do. It is frozen first, so that records wait for it however fast it counts.
 *
 * @throws DemoError where all was counted before
 */
export async function killHalfWay(
  observer: Observer,
  consumers: readonly AppProcess[],
  events: number,
  options: { limitMs: number; signal: AbortSignal },
): Promise<Kill> {
  const what = 'half of the events to be counted, with partitions owned by both consumers';
  return await waitFor({ ...options, what, pollMs: POLL_MS }, async () => {
    const committed = committedOf(await observer.look());
    if (committed < events / 2) return undefined;
    if (committed >= events) {
      throw new DemoError('all was counted before a consumer could be killed; take more --events');
    }
    const shares = await sharesOf(observer, consumers);
    const [victim] = shares.toSorted((left, right) => right.lag - left.lag);
    if (victim === undefined || shares.some(({ partitions }) => partitions.length === 0))
      return undefined;
    victim.consumer.freeze();
    const standing = await whileRecordsWait(observer, consumers, victim.consumer).catch(
      (error: unknown) => {
        victim.consumer.thaw();
        throw error;
      },
    );
    if (standing === null) {
      victim.consumer.thaw();
      return undefined;
    }
    const atSeconds = observer.seconds();
    await victim.consumer.kill();
    // A commit under way on the server may have come through: now its cursors are final.
    const left = await observer.look();
    const survivor = standing.find(({ consumer }) => consumer !== victim.consumer);
    return {
      consumer: victim.consumer.label,
      pid: victim.consumer.pid,
      atEvents: committedOf(left),
      atSeconds,
      partitions: victim.partitions,
      lag: shareOf(victim.consumer.owner, left, await observer.ends()).lag,
      survivorLag: survivor?.lag ?? 0,
      epochs: epochsOf(left, victim.partitions),
    };
  });
}

/** What each consumer owns, and how much of it waits. */
async function sharesOf(observer: Observer, consumers: readonly AppProcess[]) {
  // Ends first: they only grow, so what the cursors say afterwards is at least that far behind.
  const ends = await observer.ends();
  const positions = await observer.look();
  return consumers.map((consumer) => ({ consumer, ...shareOf(consumer.owner, positions, ends) }));
}

/** The shares of all once records wait for the frozen one; null where none came. */
async function whileRecordsWait(
  observer: Observer,
  consumers: readonly AppProcess[],
  frozen: AppProcess,
) {
  const until = performance.now() + FROZEN_MAX_MS;
  while (performance.now() < until) {
    const shares = await sharesOf(observer, consumers);
    if (shares.some(({ consumer, lag }) => consumer === frozen && lag > 0)) return shares;
    await sleep(POLL_MS);
  }
  return null;
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
