import type { Report } from './report.ts';
import type { StartedServer } from './processes.ts';
import type { ServerName, ServerRecord } from './state.ts';

/** What a server is started with. */
export interface StartContext {
  readonly localFolder: string;
  readonly logFile: string;
  /** Ports picked for it, as many as `defaultPorts` has. */
  readonly ports: readonly number[];
  readonly remembered: ServerRecord | undefined;
  readonly report: Report;
}

/** A process that has been started but need not answer yet. */
export interface Launched {
  readonly server: StartedServer;
  readonly dataFolder: string | undefined;
}

/** One kind of server of the local stack. */
export interface Server {
  readonly name: ServerName;
  readonly title: string;
  readonly defaultPorts: readonly number[];
  readonly readyTimeoutMs: number;
  readonly stopSignal: NodeJS.Signals;
  readonly stopGraceMs: number;
  /** Finds or installs the programs, before anything is started. */
  readonly prepare: (report: Report) => Promise<void>;
  readonly launch: (context: StartContext) => Promise<Launched>;
  readonly isReady: (ports: readonly number[]) => Promise<boolean>;
  readonly url: (ports: readonly number[]) => string;
}
