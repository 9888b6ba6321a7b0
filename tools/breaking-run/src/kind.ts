import type { Needs } from './needs.ts';
import type { ServiceName } from './services.ts';
import type { World } from './world.ts';

/**
 * One way of breaking things. It must show that it did (`evidence`), be noticed, be told by its cause, and be repaired
 * (`heal`), after which everything goes on by itself or an operator accepts a loss.
 */
export interface Kind {
  /** Words in lower case with dashes between. */
  readonly name: string;
  readonly family: 'kafka' | 'topics' | 'rights' | 'database' | 'redis' | 'services';
  /** For the table: what is done, in a few words. */
  readonly what: string;
  /**
   * `heals`: it waits, says so, and goes on once repaired. `halts`: a partition halts by name, and accept-loss alone
   * ends that. `survives`: it goes on before anything is repaired; what waits for less than 15 s need not be told.
   */
  readonly expects: 'heals' | 'halts' | 'survives';
  /** What names the cause: its own words or a reason's code, never just that something is wrong. */
  readonly named: RegExp;
  /** Where neither lag nor readiness can show it, since nothing waits: a counter that rises. */
  readonly shownBy?: string;
  /** Services that the kind itself ends and starts: that they are away for a while shows nothing of the fault. */
  readonly restarts?: ServiceName;
  /** It must be named although nothing waits: what it costs comes later. */
  readonly isTold?: boolean;
  /** Records are lost by it: what is gone from the topic may be missing then, and nothing else. */
  readonly loses?: boolean;
  readonly needs?: Needs;
  /** Before the clock runs: what the fault needs to be possible at all. */
  prepare?(world: World): Promise<void>;
  break(world: World): Promise<void>;
  /** What proves that the fault is there, asked until it says something. */
  evidence(world: World): Promise<string | undefined>;
  heal(world: World): Promise<void>;
}

/** What became of one kind. Seconds count from the break, `healed` from the repair; null is never. */
export interface KindResult {
  readonly name: string;
  readonly family: Kind['family'];
  readonly what: string;
  readonly expects: Kind['expects'];
  readonly evidence: string | null;
  readonly visible: Sighting | null;
  readonly named: Sighting | null;
  /** The longest time for which records stayed uncounted while it was broken, read past the services. */
  readonly waitedSeconds: number;
  /** Services that ended by themselves, with the exit code. */
  readonly exits: readonly string[];
  /** Partitions that halted, by their codes. */
  readonly halted: readonly string[];
  readonly healedSeconds: number | null;
  readonly exact: string;
  /** What makes the run fail. */
  readonly problems: readonly string[];
}

export interface Sighting {
  readonly seconds: number;
  /** Where and in which words. */
  readonly by: string;
}
