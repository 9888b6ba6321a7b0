import type { Report } from '@adtally/local-stack';

/** A server that runs, as the demo is told of it. */
export interface StartedServer {
  /** Variables of every process of the demo. */
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** One kind of server in all versions and ways of connecting that are tried. */
export interface Subject {
  /** As people call it: `Kafka`. */
  readonly title: string;
  /** Oldest first, in full: `3.9.2`. */
  readonly versions: readonly string[];
  /** How a client connects, in one word: `plaintext`. */
  readonly ways: readonly string[];
  /**
   * Fetches what it needs and starts it.
   *
   * @throws StackError, or an error of the server, which becomes the line's result
   */
  start(version: string, way: string, report: Report): Promise<StartedServer>;
}
