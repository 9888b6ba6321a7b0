import { type CampaignBooks, simulate, type Truth } from '@adtally/event-simulator';
import type { KafkaSettings } from '@adtally/kafka';
import type { AppProcess } from './app-process.ts';
import type { Fleet } from './fleet.ts';
import { isTakenOver, type Kill, killHalfWay } from './kill.ts';
import type { Observer } from './observer.ts';
import { waitFor } from './waiting.ts';

export interface CountingParts {
  readonly kafka: KafkaSettings;
  readonly topic: string;
  readonly fleet: Fleet;
  readonly observer: Observer;
  readonly events: number;
  readonly seed: number;
  /** Told of every record, for what each campaign must come to. */
  readonly books: CampaignBooks;
  readonly signal: AbortSignal;
}

export interface Counted {
  readonly truth: Truth;
  readonly kill: Kill;
  /** From the kill until all partitions of the killed one had a new owner; null if never seen. */
  readonly takeoverSeconds: number | null;
  /** From the first event produced until the last one counted. */
  readonly seconds: number;
  /** Partitions whose batch was refused at commit, since somebody else had claimed them. */
  readonly fenced: number | null;
  readonly exitCodes: Readonly<Record<string, number>>;
}

const JOIN_LIMIT_MS = 90_000;
const POLL_MS = 100;
/** A consumer's session at a broker with default settings lasts 45 s; then some for a slow machine. */
const COUNT_LIMIT_MS = 150_000;
/** Slower than this is stuck. */
const EVENTS_PER_MS_MIN = 5;
/** A small run is stretched, so that there is a middle to kill in. */
const PRODUCE_SECONDS_MIN = 4;
const FLAT_OUT_EVENTS_MIN = 150_000;

/** Produces, counts with two consumers, kills one half way, restarts it, and waits for lag 0. */
export async function countWithKill(parts: CountingParts): Promise<Counted> {
  const { fleet, observer } = parts;
  const consumers = await Promise.all([fleet.start('consumer-1'), fleet.start('consumer-2')]);
  await waitForShares(parts, consumers);
  const ending = new AbortController();
  const signal = AbortSignal.any([parts.signal, ending.signal]);
  observer.begin();
  const production = produce(parts, signal);
  // A producer that fails ends every wait.
  production.catch((error: unknown) => ending.abort(error));
  try {
    const limitMs = COUNT_LIMIT_MS + parts.events / EVENTS_PER_MS_MIN;
    const kill = await killHalfWay(observer, consumers, parts.events, { limitMs, signal });
    observer.tell(
      `${kill.consumer} killed with SIGKILL after ${kill.atEvents.toLocaleString('en')} events; restarting it`,
    );
    const restarted = await fleet.start(`${kill.consumer}-restarted`);
    const takeoverSeconds = await waitForLagZero({ ...parts, signal }, production, kill, limitMs);
    const truth = await production;
    const seconds = observer.seconds();
    const living = [...consumers.filter(({ label }) => label !== kill.consumer), restarted];
    const fenced = await sumCounters(living, 'adtally_fenced_total');
    observer.tell('everything is counted; stopping the consumers');
    const stopped = await Promise.all(
      living.map(async (consumer) => [consumer.label, await consumer.stop()] as const),
    );
    return {
      truth,
      kill,
      takeoverSeconds,
      seconds,
      fenced,
      exitCodes: Object.fromEntries(stopped),
    };
  } finally {
    ending.abort();
    await production.catch(() => undefined);
  }
}

async function waitForShares(
  { observer, signal }: CountingParts,
  consumers: readonly AppProcess[],
): Promise<void> {
  const partitions = await observer.partitions();
  const what = 'both consumers to share the partitions';
  await waitFor({ what, limitMs: JOIN_LIMIT_MS, pollMs: POLL_MS, signal }, async () => {
    const positions = await observer.look();
    const areAllOwned =
      positions.length === partitions && positions.every(({ owner }) => owner !== null);
    const areSharing = consumers.every((one) => positions.some(({ owner }) => owner === one.owner));
    return areAllOwned && areSharing ? true : undefined;
  });
}

async function produce(parts: CountingParts, signal: AbortSignal): Promise<Truth> {
  const { kafka, topic, events, seed, observer, books } = parts;
  return await simulate({
    brokers: kafka.brokers,
    security: kafka.security,
    tokens: kafka.tokens,
    topic,
    events,
    seed,
    rate: events < FLAT_OUT_EVENTS_MIN ? events / PRODUCE_SECONDS_MIN : 0,
    onOutcome: (truth, outcome) => books.enter(truth, outcome),
    onProgress: ({ attempted }) => observer.noteProduced(attempted),
    signal,
  });
}

/**
 * Waits until all is produced and every cursor is at its partition's end. Returns after how many
 * seconds the killed one's partitions were taken over; null where that was never seen.
 */
async function waitForLagZero(
  { observer, signal }: CountingParts,
  production: Promise<Truth>,
  kill: Kill,
  limitMs: number,
): Promise<number | null> {
  let ends: number[] | undefined;
  const isProduced = watch(production);
  let takeoverSeconds: number | null = null;
  await waitFor({ what: 'lag 0', limitMs, pollMs: POLL_MS, signal }, async () => {
    const positions = await observer.look();
    if (takeoverSeconds === null && isTakenOver(kill, positions)) {
      takeoverSeconds = observer.seconds() - kill.atSeconds;
    }
    if (!isProduced()) return undefined;
    // Nobody produces any more: the ends stay.
    ends ??= await observer.ends();
    const isDone =
      positions.length === ends.length &&
      positions.every(({ partition, nextOffset }) => nextOffset === ends?.[partition]);
    return isDone ? true : undefined;
  });
  return takeoverSeconds;
}

function watch(work: Promise<unknown>): () => boolean {
  let isDone = false;
  const end = (): void => {
    isDone = true;
  };
  work.then(end, end);
  return () => isDone;
}

async function sumCounters(consumers: readonly AppProcess[], name: string): Promise<number | null> {
  const counts = await Promise.all(consumers.map((consumer) => consumer.counter(name)));
  return counts.reduce((sum, count) => (sum === null || count === null ? null : sum + count), 0);
}
