import type { Exit, ServiceProcess } from '@adtally/testkit';
import type { App, CrashBuild } from './crash-build.ts';
import type { Protocol } from './protocol.ts';

/** Of one chain of processes: topics and a database of its own, and what must be in them. */
export interface World {
  /** Makes work for the next process that reaches every place; the books know of it. */
  feed(): Promise<void>;
  /** Starts a process, as heir of all before it: it need not wait until a group gives up on them. */
  start(env: Readonly<Record<string, string>>): Promise<ServiceProcess>;
  /** Waits until all the work there is has been done; by which process tells whose log explains it where not. */
  settled(by: ServiceProcess): Promise<void>;
  /** Ends a process in order: a service by SIGTERM, a job by itself. */
  end(process: ServiceProcess): Promise<Exit>;
  /**
   * Ends the sessions of a frozen process, as its server does some time after it fell silent; where the successor does
   * not see to that itself.
   *
   * @returns how many it had
   */
  takeAway?(): Promise<number>;
  /** Rises whenever a process claims what it works on: whoever claimed it before is fenced. */
  claims?(): Promise<number>;
  /** One that goes on after it was frozen may end with an error, as a job does whose session is gone. */
  readonly mayZombieFail?: true;
  /** What the audit finds wrong; at any time nothing. */
  unbalanced(): Promise<string[]>;
  /** Where the totals differ from the books once settled; nothing where they are exact. */
  differences(): Promise<string[]>;
  close(): Promise<void>;
}

/** How to make a protocol pass all its places. */
export interface Stage {
  readonly name: string;
  readonly protocol: Protocol;
  readonly app: App;
  open(build: CrashBuild): Promise<World>;
}
