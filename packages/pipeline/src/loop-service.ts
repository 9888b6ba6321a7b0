import { kafkaFailure, KafkaFatalError, type GroupConsumer } from '@adtally/kafka';
import { Abandoned, Backoff, pause, type ServerFailure } from '@adtally/pacing';
import {
  abandonInTime,
  DrainCutShort,
  type InHand,
  type Opened,
  type Service,
  type Work,
} from '@adtally/service';
import type { Logger } from '@adtally/telemetry';
import type { Ownership } from './ownership.ts';
import { partitionsOf } from './partitions-status.ts';
import { GroupCheck } from './group-check.ts';
import type { Servers } from './servers.ts';
import { sessionCheck } from './session-check.ts';
import type { HoldUps } from './reports/hold-ups.ts';
import type { RecordsInHand } from './records-in-hand.ts';
import type { Loop } from './side-by-side.ts';
import type { WaitReason } from './wait-reason.ts';
import type { WriterLink } from './writer-link.ts';

/** Of a drain's time, what it may take until the others are quick to take over. */
const REST_SHARE = 0.05;
const CUT_AGAIN_MS = 100;
const BEGIN_ANEW_FIRST_MS = 1_000;
const BEGIN_ANEW_LAST_MS = 15_000;

/** Something that runs beside the loop and changes nothing of it. */
export interface Beside {
  start?(): Promise<void> | void;
  stop(): Promise<void>;
}

/** The parts of one run, made once the connections are open. */
export interface LoopWiring {
  readonly loop: Loop;
  /** Reads the topic: the loop, or one of those that it is made of. */
  readonly reads: { readonly inHand: readonly RecordsInHand[] };
  readonly link: WriterLink;
  readonly consumer: Pick<GroupConsumer, 'place' | 'restMs'>;
  /** Asks the group for partitions: from then on the others make room for this process. May reject with `Abandoned`. */
  join(signal: AbortSignal): Promise<void> | void;
  /** Whether it waits, before it asks, for another process to leave. */
  readonly standsBy?: () => boolean;
  /** Leaves the group, where another process may join only then: it hears of it by the end of our session. */
  leave?(): Promise<void>;
  readonly ownership: Ownership;
  readonly holdUps: HoldUps;
  readonly hindrances: { reason(partition: number): WaitReason | null };
  /** Started in order before the loop, stopped in reverse after it. */
  readonly beside: readonly Beside[];
  /** What is taken up beside the records of the topic; of them the loop knows. */
  inHand?(): readonly InHand[];
  /** Cuts what may wait for a database that says nothing. */
  cut(): void;
}

export interface LoopServiceOptions<R> {
  readonly name: string;
  /** Whose records it reads. */
  readonly topic: string;
  readonly drainDeadlineMs: number;
  readonly log: Logger;
  /** What is the matter with one of them keeps the process from its work. */
  readonly servers: Servers;
  readonly open: (signal: AbortSignal) => Promise<Opened<R>>;
  /** `abandoned` fires when the drain has no more time to wait for the database. */
  readonly wire: (resources: R, abandoned: AbortSignal) => LoopWiring;
}

/** Opens the connections, wires the loop and runs it; a stop finishes the batch in hand. */
export class LoopService<R> implements Service {
  readonly name: string;
  readonly failed: Promise<Error>;
  readonly #options: LoopServiceOptions<R>;
  readonly #stopping = new AbortController();
  readonly #abandoned = new AbortController();
  readonly #failure = Promise.withResolvers<Error>();
  #cutting: NodeJS.Timeout | undefined;
  #wiring: LoopWiring | null = null;
  #resources: R | null = null;
  #close: (() => Promise<void>) | null = null;
  /** Whether it came to an end before it was stopped. */
  #opening: Promise<boolean> | null = null;
  #starting: Promise<void> = Promise.resolve();
  #running: Promise<void> = Promise.resolve();

  constructor(options: LoopServiceOptions<R>) {
    this.#options = options;
    this.name = options.name;
    this.failed = this.#failure.promise;
  }

  /** Null until the connections are open. */
  get resources(): R | null {
    return this.#resources;
  }

  /** Null until the connections are open. */
  get wiring(): LoopWiring | null {
    return this.#wiring;
  }

  /** Opens the connections; the group hears nothing of it. */
  prepare(): void {
    this.#opening ??= this.#open();
    // `start` tells it.
    this.#opening.catch(() => undefined);
  }

  start(): Promise<void> {
    this.#starting = this.#start();
    return this.#starting;
  }

  /** Finishes the batch in hand, releases the partitions, leaves the group, closes everything. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const { drainDeadlineMs } = this.#options;
    const endWatch = abandonInTime(
      drainDeadlineMs,
      () => this.work(),
      () => this.#abandoned.abort(),
    );
    await Promise.allSettled([this.#opening, this.#starting]);
    // Until the others are quick to take over, what is ours is counted on.
    const restMs = Math.min(this.#wiring?.consumer.restMs ?? 0, drainDeadlineMs * REST_SHARE);
    await Promise.race([pause(restMs, this.#abandoned.signal), this.#running]);
    this.#wiring?.loop.stop();
    await this.#running;
    const left = this.work().inHand;
    await this.#closeAll();
    endWatch();
    if (left.length > 0) throw new DrainCutShort(left);
  }

  work(): Work {
    const { topic } = this.#options;
    const read = this.#wiring?.reads.inHand ?? [];
    const owned = this.#wiring?.ownership.allOwned() ?? [];
    return {
      inHand: [
        ...read.map(({ partition, first, rows }) => ({
          what: `records of ${topic}/${partition} from offset ${first}`,
          rows,
        })),
        ...(this.#wiring?.inHand?.() ?? []),
      ],
      committed: owned.map(({ partition, committedOffset: nextOffset }) => ({
        topic,
        partition,
        nextOffset,
      })),
    };
  }

  /** As `partitionsOf` has them, for a status endpoint. */
  partitions(logEnd: (partition: number) => number | null) {
    return partitionsOf(this.#wiring, logEnd);
  }

  /** The servers that cannot be worked with now, and why. */
  serverFailures(): { server: string; code: string; detail: string }[] {
    const { all, group } = this.#options.servers;
    // While it stands by nothing is asked of the group.
    const asked = all.filter((one) => one !== group || !this.standsBy);
    return asked.flatMap(({ title, failure }) =>
      failure === undefined ? [] : [{ server: title, code: failure.code, detail: failure.detail }],
    );
  }

  /** Ready to take over from another process. */
  get standsBy(): boolean {
    return this.#wiring?.standsBy?.() === true;
  }

  notReady(): string | undefined {
    const failures = this.serverFailures().map(
      ({ server, code, detail }) => `${server}: ${detail} (${code})`,
    );
    if (failures.length > 0) return failures.join('; ');
    if (this.#wiring === null) return 'not connected yet';
    // A spare member too: it is to take over at any moment.
    if (!this.#wiring.link.isConnected) return 'no database session yet';
    if (this.standsBy) return undefined;
    if (!this.#options.servers.group.hasWorked) return 'joining the consumer group';
    return undefined;
  }

  async #start(): Promise<void> {
    const { log, name } = this.#options;
    this.prepare();
    if ((await this.#opening) !== true) return;
    this.#running = this.#keepRunning().catch((error: unknown) => {
      log.fatal({ err: error }, `${name} stopped: a person must look at this`);
      this.#failure.resolve(error instanceof Error ? error : new Error(String(error)));
    });
  }

  /** False where it was stopped meanwhile. */
  async #open(): Promise<boolean> {
    const { signal } = this.#stopping;
    if (signal.aborted) return false;
    const opened = await this.#options.open(signal);
    this.#close = opened.close;
    this.#resources = opened.resources;
    return !signal.aborted;
  }

  async #closeAll(): Promise<void> {
    const close = this.#close;
    const wiring = this.#wiring;
    this.#close = null;
    this.#wiring = null;
    // Side by side: the group waits for its part. A leave that fails is told by `close`, which leaves as well.
    const leaving = Promise.resolve(wiring?.leave?.()).catch(() => undefined);
    await Promise.all([leaving.then(() => wiring?.link.close()), close?.()]);
    clearInterval(this.#cutting);
  }

  /** Runs, and begins anew where the Kafka client gave up for what may be mended: itself it never works again. */
  async #keepRunning(): Promise<void> {
    const { servers } = this.#options;
    const backoff = new Backoff(BEGIN_ANEW_FIRST_MS, BEGIN_ANEW_LAST_MS);
    for (let mayRun = true; mayRun;) {
      const startedMs = performance.now();
      try {
        await this.#run(this.#resources as R);
        return;
      } catch (error) {
        const failure = mendable(error);
        if (failure === null) throw error;
        await this.#closeAll();
        servers.group.failed(failure, startedMs);
      }
      try {
        await backoff.wait(this.#stopping.signal, 'beginning anew');
        mayRun = await this.#open();
      } catch (error) {
        if (error instanceof Abandoned) return;
        throw error;
      }
    }
  }

  /** False where it was stopped meanwhile. */
  async #join({ link, join }: LoopWiring): Promise<boolean> {
    const { signal } = this.#stopping;
    try {
      // By this session the others' calls are heard, and what the group grants is claimed.
      await link.check(signal);
      await join(signal);
      return !signal.aborted;
    } catch (error) {
      if (error instanceof Abandoned) return false;
      throw error;
    }
  }

  async #run(resources: R): Promise<void> {
    const { wire, log, servers } = this.#options;
    const wiring = wire(resources, this.#abandoned.signal);
    this.#wiring = wiring;
    this.#abandoned.signal.addEventListener('abort', () => {
      log.warn(
        { left: this.work().inHand },
        'the database did not answer in time: leaving what is not committed to the next start',
      );
      wiring.link.cut();
      wiring.cut();
      // Whoever says a last word opens another connection, which would be waited for.
      this.#cutting = setInterval(() => wiring.cut(), CUT_AGAIN_MS);
    });
    if (!(await this.#join(wiring))) return;
    const groupCheck = new GroupCheck(wiring.consumer, servers.group);
    const besides: Beside[] = [...wiring.beside, sessionCheck(wiring.link, log), groupCheck];
    for (const beside of besides) await beside.start?.();
    const looping = wiring.loop.run();
    try {
      await Promise.race([looping, groupCheck.over]);
    } finally {
      wiring.loop.stop();
      await looping.catch(() => undefined);
      for (const beside of besides.toReversed()) await beside.stop();
    }
  }
}

/** Another process took this one's static membership: beginning anew would take it back, and so for ever. */
const TAKEN_OVER = /fenced/i;

/**
 * Why the Kafka client gave up: a right or a protocol that may be given, or what it does not say. Null where
 * another client would not help, and for anything else.
 */
function mendable(error: unknown): ServerFailure | null {
  if (!(error instanceof KafkaFatalError) || TAKEN_OVER.test(error.message)) return null;
  return kafkaFailure(error);
}
