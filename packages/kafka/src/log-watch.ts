import type { Watermarks } from './listed-offsets.ts';
import type { LogWitness, Sighting, Suspect } from './log-witness.ts';
import type { NoticeBoard } from './notices.ts';
import {
  BatchUnreadable,
  LogDiverged,
  OffsetOutOfRange,
  PartitionStalled,
  type LogPosition,
  type ReadFault,
} from './read-faults.ts';
import type { Readers } from './readers.ts';

/** A partition that delivered nothing for this long is compared with the broker's log... */
const QUIET_CHECK_MS = 5_000;
/** ...and for this long after the client said that something is wrong with one of them. */
const ALARMED_CHECK_MS = 300;
/** So long, and for so many fetches, without a record though the log has more: a stall. */
const STALL_MS = 30_000;
const STALL_FETCHES = 100;

interface Watched {
  readonly topic: string;
  readonly readers: Readers;
  readonly notices: NoticeBoard;
  readonly witness: LogWitness;
  isThrottled(): boolean;
  watermarks(partition: number): Promise<Watermarks>;
}

/**
 * - `position`: one of them was sent away from its position
 * - `content`: what one of them was sent could not be read
 */
export type Alarm = 'position' | 'content';

/**
 * Finds the partitions that cannot be read on, and why. The client cannot be trusted with that: its errors
 * name no partition, and one that meets a non-empty batch is dropped altogether.
 */
export class LogWatch {
  readonly #watched: Watched;
  #found: ReadFault[] = [];
  #checking = false;
  #alarm: PendingAlarm | null = null;
  /** Faults found so far. */
  #named = 0;

  constructor(watched: Watched) {
    this.#watched = watched;
  }

  /** The next partition at fault. */
  take(): ReadFault | undefined {
    return this.#found.shift();
  }

  forget(partition: number): void {
    this.#found = this.#found.filter((error) => error.partition !== partition);
  }

  /** The client met something it gives no place of: the next check looks closer, and soon. */
  alarm(kind: Alarm): void {
    if (this.#alarm === null || (kind === 'position' && this.#alarm.kind !== kind)) {
      this.#alarm = { kind, atMs: performance.now(), namedBefore: this.#named };
    }
  }

  /** Starts a check of the quiet partitions in the background, unless one runs. */
  checkQuiet(): void {
    if (this.#watched.isThrottled()) this.#watched.readers.excuseQuiet();
    if (this.#checking) return;
    const alarm = this.#alarm;
    // By then the one it was about has been quiet for as long.
    const isDue = alarm !== null && performance.now() - alarm.atMs >= ALARMED_CHECK_MS;
    const { readers, notices } = this.#watched;
    const quiet = readers.takeUnchecked(isDue ? ALARMED_CHECK_MS : QUIET_CHECK_MS);
    if (quiet.length === 0) return;
    if (isDue) this.#alarm = null;
    this.#checking = true;
    this.#check(quiet, isDue ? alarm : null)
      .catch((error: unknown) => notices.post('stall', error))
      .finally(() => (this.#checking = false));
  }

  async #check(partitions: readonly number[], alarm: PendingAlarm | null): Promise<void> {
    const suspects: SuspectAt[] = [];
    for (const partition of partitions) {
      const at = await this.#positionInLog(partition);
      if (at !== null && this.#isSuspect(at, alarm?.kind ?? null)) suspects.push(at);
    }
    const sightings = await this.#look(suspects);
    for (const at of suspects) this.#judge(at, sightings.get(at.partition));
    // Whoever it was delivers nothing more until it is started anew; one that was found since was it.
    if (alarm?.kind === 'position' && alarm.namedBefore === this.#named) {
      this.#found.push(new OffsetOutOfRange());
    }
  }

  /** Null where the partition was restarted or delivered meanwhile: there is nothing to compare. */
  async #positionInLog(partition: number): Promise<SuspectAt | null> {
    const { readers, topic } = this.#watched;
    const position = readers.position(partition);
    if (position === undefined) return null;
    const log = await this.#watched.watermarks(partition);
    if (readers.position(partition) !== position) return null;
    const last = readers.lastRead(partition);
    return { topic, partition, position, ...log, last };
  }

  #isSuspect({ partition, position, logStart, end }: SuspectAt, alarm: Alarm | null): boolean {
    if (position < logStart || position > end || alarm === 'position') return true;
    if (position === end) return false;
    const { readers } = this.#watched;
    return alarm !== null || readers.isStalled(partition, STALL_MS, STALL_FETCHES);
  }

  async #look(suspects: readonly SuspectAt[]): Promise<ReadonlyMap<number, Sighting>> {
    // What retention took needs no witness.
    const unclear = suspects.filter(({ position, logStart }) => position >= logStart);
    return unclear.length === 0 ? new Map() : await this.#watched.witness.look(unclear);
  }

  #judge(at: SuspectAt, seen: Sighting | undefined): void {
    const { readers } = this.#watched;
    const { partition, position } = at;
    if (readers.position(partition) !== position) return;
    if (this.#found.some((known) => known.partition === partition)) return;
    const fault = this.#faultOf(at, seen);
    if (fault === null) return;
    this.#named += 1;
    this.#found.push(fault);
  }

  #faultOf(at: SuspectAt, seen: Sighting | undefined): ReadFault | null {
    const { topic, partition, position, logStart, end, last } = at;
    if (seen?.kind === 'diverged' && last !== null) {
      const { leaderEpoch } = last;
      return new LogDiverged({ topic, partition, position, leaderEpoch, divergesAt: seen.at });
    }
    if (seen?.kind === 'unreadable') {
      const { offset, end: readableAt, detail } = seen;
      return new BatchUnreadable({ topic, partition, offset, end: readableAt, detail });
    }
    if (position < logStart || position > end) return new OffsetOutOfRange(at);
    const isStalled = this.#watched.readers.isStalled(partition, STALL_MS, STALL_FETCHES);
    return isStalled && position < end ? new PartitionStalled(at) : null;
  }
}

/** An alarm to be looked into. */
interface PendingAlarm {
  readonly kind: Alarm;
  readonly atMs: number;
  /** Faults found before it came. */
  readonly namedBefore: number;
}

type SuspectAt = LogPosition & Suspect;
