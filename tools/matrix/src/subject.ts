import type { Report } from '@adtally/local-stack';

/** Variables of every process of the demo. */
export type Variables = Readonly<Record<string, string>>;

/** A server that runs, as the demo is told of it. */
export interface StartedServer {
  readonly env: Variables;
  /** Program and first arguments of a `./dev` other than this clone's. */
  readonly dev?: readonly string[];
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

/** What one way of connecting starts and opens, from what its subject gives it; `stack` closes it. */
export type Way<From> = (from: From, stack: AsyncDisposableStack) => Promise<Variables>;

/** Starts what `open` opens; it is closed in reverse, also where a later step of `open` fails. */
export async function started(
  open: (stack: AsyncDisposableStack) => Promise<Variables>,
): Promise<StartedServer> {
  await using stack = new AsyncDisposableStack();
  const env = await open(stack);
  const kept = stack.move();
  return { env, close: () => kept.disposeAsync() };
}

/** The way of this name. */
export function wayOf<From>(ways: Readonly<Record<string, Way<From>>>, name: string): Way<From> {
  const way = ways[name];
  if (way === undefined) throw new Error(`there is no way ${name}`);
  return way;
}
