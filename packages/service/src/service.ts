import type { Work } from './work-in-hand.ts';

/**
 * Something that starts and stops. `stop` must work before start, twice, and while start is under
 * way (start may then fail or return early). `stressStartStop` of the test kit checks it.
 */
export interface Service {
  /** For logs, e.g. `consumer`. */
  readonly name: string;
  /** Begins what takes a while and changes nothing for anybody else; `start` waits for it, or `stop` ends it. */
  prepare?(): void;
  start(): Promise<void>;
  /**
   * Finishes the work in hand and lets go of everything; resolves when that is done.
   * @throws DrainCutShort once everything is let go of, where work in hand had to be given up
   */
  stop(): Promise<void>;
  /** Settles with the reason when the service ends by itself and the process must end with it. */
  readonly failed?: Promise<Error>;
  /** What it still waits for, one phrase; undefined when it can do its work. For /readyz only. */
  notReady?(): string | undefined;
  /** What it would leave if it ended now. For /drain, and for how a drain ended. */
  work?(): Work;
}
